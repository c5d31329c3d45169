from __future__ import annotations

from pathlib import Path

import pytest

from evidence import errors
from evidence.verdict.junit import differences, read_junit
from evidence.verdict.tests import read_log

pytest_plugins = ["pytester"]

SUITE = """
import pytest

@pytest.mark.parametrize("value", ["a", "b::c", "d[e]", "\\x1b", "한", "f/g.py"])
def test_value(value): pass

class TestOuter:
    class TestInner:
        def test_deep(self): pass

def test_failed(): assert 0

@pytest.fixture
def broken(): raise OSError

def test_error(broken): pass

@pytest.fixture
def late():
    yield
    raise OSError

def test_twice(late): assert 0

@pytest.mark.skip
def test_skipped(): pass

@pytest.mark.xfail
def test_xfailed(): assert 0
"""


@pytest.mark.parametrize("name", ["test_it.py", "sub/test_it.py"])
def test_what_pytest_writes_agrees_with_itself(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Every kind of name and outcome: JUnit XML and report log of one real run tell the same story."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\n")
    path = pytester.path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(SUITE, encoding="utf-8")
    (path.parent / "test_import.py").write_text("import no_such_module\n")
    pytester.runpytest_inprocess(
        "-p", "pytest_reportlog.plugin", "--report-log=log", "--junitxml=junit.xml", "--continue-on-collection-errors"
    )  # fmt: skip
    junit = read_junit(Path("junit.xml").read_bytes(), "junit.xml")
    log = read_log(Path("log").read_bytes(), "log")
    assert sorted(set(log.tests.values())) == ["error", "failed", "passed", "skipped", "xfailed"]
    assert list(differences(junit, log.tests)) == []


@pytest.mark.parametrize(
    ("data", "sentence"),
    [(b"", "is not XML"), (b"<a>", "is not XML"), (b"<!DOCTYPE a><a/>", "document type"), (b"\xff\xfe", "is not XML")],
)
def test_what_is_not_junit_is_named(data: bytes, sentence: str) -> None:
    """Half a file, and one that would expand entities."""
    with pytest.raises(errors.DocumentError, match=sentence):
        read_junit(data, "junit.xml")
