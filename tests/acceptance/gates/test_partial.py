"""Each way of running less than everything, or of making a result look better, does not count and says why."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from acceptance.gates import expected
from acceptance.gates.interface import FAILED, NOT_FULL, OK, exit_code_of
from evidence.verdict.gate import Coverage
from tests.acceptance.gates.sample import FILES, PLUGINS, PYPROJECT, Sample

pytestmark = pytest.mark.leg("system")

PARTIAL, INCOMPLETE = Coverage.PARTIAL, Coverage.INCOMPLETE
ONE, TWO = FILES["tests/test_one.py"], FILES["tests/test_two.py"]


def test_everything_that_is_listed_counts(sample: Sample) -> None:
    """The sample itself is FULL, with and without workers; every row below changes one thing."""
    for workers in (False, True):
        outcome = sample.run(workers=workers)
        assert (outcome.result, outcome.reasons, exit_code_of(outcome)) == (Coverage.FULL, (), OK), sample.said
        assert outcome.counts["passed"] == 7


OPTIONS: Mapping[str, tuple[tuple[str, ...], Coverage, str]] = {
    "-k": (
        ("-k", "alone"),
        PARTIAL,
        "4 had to run and did not: tests/test_one.py::test_numbers, tests/test_one.py::test_slow, ",
    ),
    "-m": (("-m", "not slow"), PARTIAL, "1 had to run and did not: tests/test_one.py::test_slow"),
    "--deselect": (("--deselect", "tests/test_two.py::TestIt::test_first"), PARTIAL, "TestIt::test_first"),
    "--deselect one case": (
        ("--deselect", "tests/test_one.py::test_numbers[2]"),
        PARTIAL,
        "tests/test_one.py::test_numbers ran with 2 of 3 cases",
    ),
    "--ignore": (
        ("--ignore", "tests/test_three.py"),
        PARTIAL,
        "1 had to run and did not: tests/test_three.py::test_alone",
    ),
    "--ignore-glob": (
        ("--ignore-glob", "*two*"),
        PARTIAL,
        "had to run and did not: tests/test_two.py::TestIt::test_first",
    ),
    "--lf": (("--lf",), INCOMPLETE, "no closing record: unit ended with exit code 4"),
    "-x": (("-x",), PARTIAL, "failed"),
    "-p no:reportlog": (
        ("-p", "no:pytest_reportlog.plugin"),
        INCOMPLETE,
        "no closing record: unit ended with exit code 0",
    ),
    "-p no:python": (("-p", "no:python"), PARTIAL, "had to run and did not: tests/test_one.py::test_numbers"),
    "-c": (("-c", "other.ini"), PARTIAL, "had to run and did not: tests/test_three.py::test_alone"),
    "-o python_files": (
        ("-o", "python_files=test_one.py"),
        PARTIAL,
        "had to run and did not: tests/test_three.py::test_alone",
    ),
    "-o python_functions": (
        ("-o", "python_functions=test_a*"),
        PARTIAL,
        "had to run and did not: tests/test_one.py::test_numbers",
    ),
    "-o python_classes": (
        ("-o", "python_classes=Other"),
        PARTIAL,
        "2 had to run and did not: tests/test_two.py::TestIt::test_first, tests/test_two.py::TestIt::test_second",
    ),
    "--collect-only": (("--collect-only",), PARTIAL, "had to run and did not: tests/test_one.py::test_numbers"),
    "--setup-only": (("--setup-only",), INCOMPLETE, "7 did not come to an end: tests/test_one.py::test_numbers[1]"),
    "--maxfail": (("--maxfail", "1"), PARTIAL, "failed"),
    "--keep-duplicates": (("--keep-duplicates", "tests/test_three.py"), PARTIAL, "1 ran twice: tests/test_three.py"),
}


@pytest.mark.parametrize("row", OPTIONS)
def test_options_that_leave_something_out(sample: Sample, row: str) -> None:
    """A pytest that was given the option is less than FULL, whatever pytest itself ends with."""
    options, coverage, reason = OPTIONS[row]
    sample.write({"other.ini": "[pytest]\npython_files = test_one.py\n"})
    if row in {"-x", "--maxfail"}:
        sample.write({"tests/test_alpha.py": "def test_bad(): assert 0\n"})
    outcome = sample.run(*options)
    assert outcome.result is coverage, outcome
    assert reason in "; ".join(outcome.reasons)
    assert exit_code_of(outcome) in {FAILED, NOT_FULL}


def test_a_narrowed_path(sample: Sample) -> None:
    """One file of three."""
    outcome = sample.run(paths=["tests/test_one.py"])
    assert (
        "3 had to run and did not: tests/test_three.py::test_alone, tests/test_two.py::TestIt::" in outcome.reasons[0]
    )
    assert exit_code_of(outcome) == NOT_FULL


def test_noconftest(sample: Sample) -> None:
    """Tests that need a fixture of the conftest end in an error, and a fixture that checks is missed."""
    sample.write({"tests/conftest.py": "import pytest\n@pytest.fixture\ndef thing(): return 1\n"})
    sample.write({"tests/test_three.py": "def test_alone(thing): assert thing\n"})
    assert sample.run().passed
    outcome = sample.run("--noconftest")
    assert exit_code_of(outcome) == FAILED
    assert "1 ended in an error: tests/test_three.py::test_alone" in outcome.reasons[0]


DROPS = "def pytest_collection_modifyitems(items): del items[1:]\n"
TURNS = (
    "import pytest\n"
    "@pytest.hookimpl(wrapper=True)\n"
    "def pytest_runtest_makereport():\n"
    "    report = yield\n"
    "    report.outcome = 'passed'\n"
    "    return report\n"
)
BAD = {"tests/test_three.py": "def test_alone(): assert 0\n"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PYTEST_ADDOPTS", "-k alone"),
        ("PYTEST_ADDOPTS", "--deselect tests/test_three.py::test_alone"),
        ("PYTEST_PLUGINS", "drops"),
        ("PYTEST_PLUGINS", "turns"),
        ("PYTHONPATH", "elsewhere"),
        ("PYTHONOPTIMIZE", "1"),
    ],
)
def test_the_environment_has_no_say(sample: Sample, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """What would drop items, turn results or remove asserts does not reach pytest: all run, and what fails, fails."""
    sample.write({"drops.py": DROPS, "turns.py": TURNS, "elsewhere/sitecustomize.py": "import os; os._exit(0)\n"})
    monkeypatch.setenv(variable, value)
    outcome = sample.run()
    assert outcome.passed, outcome
    assert outcome.counts["passed"] == 7
    sample.write(BAD)
    assert exit_code_of(sample.run()) == FAILED


def test_a_plugin_that_drops_items(sample: Sample) -> None:
    """Even where it is loaded, the list tells what is missing."""
    sample.write({"drops.py": DROPS})
    outcome = sample.run(plugins=[*PLUGINS, "drops"])
    assert outcome.reasons == (
        (
            "4 had to run and did not: tests/test_one.py::test_slow, tests/test_three.py::test_alone, "
            "tests/test_two.py::TestIt::test_first and 1 more"
        ),
        "tests/test_one.py::test_numbers ran with 1 of 3 cases",
    )


@pytest.mark.parametrize("workers", [False, True], ids=["in one process", "with a worker"])
@pytest.mark.parametrize("place", ["conftest", "plug-in"])
def test_a_result_that_is_turned(sample: Sample, *, place: str, workers: bool) -> None:
    """A failure whose report was made to say passed is a failure, and the reason says who lied."""
    sample.write(BAD)
    if place == "conftest":
        sample.write({"tests/conftest.py": TURNS})
        outcome = sample.run(workers=workers)
    else:
        sample.write({"turns.py": TURNS})
        outcome = sample.run(plugins=[*PLUGINS, "turns"], workers=workers)
    assert exit_code_of(outcome) == FAILED
    assert outcome.reasons == ("1 failed: tests/test_three.py::test_alone",)
    assert "the result was turned: call raised AssertionError, and its report said passed" in "\n".join(sample.said)


SOURCES: Mapping[str, tuple[Mapping[str, str | None], Coverage, str]] = {
    "collect_ignore": (
        {"tests/conftest.py": "collect_ignore = ['test_three.py']\n"},
        PARTIAL,
        "1 had to run and did not: tests/test_three.py::test_alone",
    ),
    "addopts": (
        {"pyproject.toml": PYPROJECT.replace("--import", "-k one --import")},
        PARTIAL,
        "2 had to run and did not: tests/test_two.py::TestIt::test_first, tests/test_two.py::TestIt::test_second",
    ),
    "testpaths and norecursedirs": (
        {"pyproject.toml": PYPROJECT + "norecursedirs = ['tests']\n", "tests/more/test_x.py": "def test_x(): pass\n"},
        PARTIAL,
        "1 ran and are not in the list: tests/more/test_x.py::test_x",
    ),
    "__test__ = False": (
        {"tests/test_two.py": TWO.replace("    def test_first", "    __test__ = False\n    def test_first")},
        PARTIAL,
        "2 had to run and did not: tests/test_two.py::TestIt::test_first, tests/test_two.py::TestIt::test_second",
    ),
    "a file deleted": (
        {"tests/test_three.py": None},
        PARTIAL,
        "1 had to run and did not: tests/test_three.py::test_alone",
    ),
    "a file renamed": (
        {"tests/test_three.py": None, "tests/test_four.py": FILES["tests/test_three.py"]},
        PARTIAL,
        "1 ran and are not in the list: tests/test_four.py::test_alone",
    ),
    "a test renamed": (
        {"tests/test_one.py": ONE.replace("test_slow", "test_quick")},
        PARTIAL,
        "test_one.py::test_slow; 1 ran and are not in the list: tests/test_one.py::test_quick",
    ),
    "a test deleted": (
        {"tests/test_two.py": TWO.replace("    def test_second(self): pass\n", "")},
        PARTIAL,
        "1 had to run and did not: tests/test_two.py::TestIt::test_second",
    ),
    "a test added": (
        {"tests/test_three.py": "def test_alone(): pass\ndef test_new(): pass\n"},
        PARTIAL,
        "1 ran and are not in the list: tests/test_three.py::test_new",
    ),
    "a case changed": (
        {"tests/test_one.py": ONE.replace("[1, 2, 3]", "[1, 2, 4]")},
        PARTIAL,
        "tests/test_one.py::test_numbers ran with other cases than listed",
    ),
    "an empty parametrize": (
        {"tests/test_one.py": ONE.replace("[1, 2, 3]", "[]")},
        PARTIAL,
        "1 skipped: tests/test_one.py::test_numbers[NOTSET]",
    ),
    "pytest.skip": (
        {"tests/test_three.py": "import pytest\ndef test_alone(): pytest.skip('not today')\n"},
        PARTIAL,
        "1 skipped: tests/test_three.py::test_alone",
    ),
    "a module that skips itself": (
        {"tests/test_three.py": "import pytest\npytest.skip('not today', allow_module_level=True)\n"},
        PARTIAL,
        "1 skipped: tests/test_three.py; 1 had to run and did not: tests/test_three.py::test_alone",
    ),
    "skipif": (
        {"tests/test_three.py": "import pytest\n@pytest.mark.skipif(True, reason='no')\ndef test_alone(): pass\n"},
        PARTIAL,
        "1 skipped: tests/test_three.py::test_alone",
    ),
    "xfail": (
        {"tests/test_three.py": "import pytest\n@pytest.mark.xfail\ndef test_alone(): assert 0\n"},
        PARTIAL,
        "1 xfailed: tests/test_three.py::test_alone",
    ),
    "xfail that passes": (
        {"tests/test_three.py": "import pytest\n@pytest.mark.xfail\ndef test_alone(): pass\n"},
        PARTIAL,
        "1 passed against their xfail mark: tests/test_three.py::test_alone",
    ),
    "a subtest that skips": (
        {
            "tests/test_three.py": "import pytest\ndef test_alone(subtests):\n with subtests.test():\n"
            "  pytest.skip('no')\n"
        },
        PARTIAL,
        "1 skipped: tests/test_three.py::test_alone",
    ),
    "pytest.exit": (
        {"tests/test_three.py": "import pytest\ndef test_alone(): pytest.exit('enough', returncode=0)\n"},
        INCOMPLETE,
        "1 did not come to an end: tests/test_three.py::test_alone; 2 had to run and did not: tests/test_two.py::",
    ),
    "os._exit": (
        {"tests/test_three.py": "import os\ndef test_alone(): os._exit(0)\n"},
        INCOMPLETE,
        "no closing record: unit ended with exit code 0",
    ),
    "os._exit after the last test": (
        {
            "tests/conftest.py": "import os, pytest\n@pytest.hookimpl(tryfirst=True)\n"
            "def pytest_sessionfinish(): os._exit(0)\n"
        },
        INCOMPLETE,
        "no closing record",
    ),
    "kill -9": (
        {"tests/test_three.py": "import os\ndef test_alone(): os.kill(os.getpid(), 9)\n"},
        INCOMPLETE,
        "no closing record: unit ended with signal 9",
    ),
    "an import that fails": (
        {"tests/test_three.py": "import no_such_module\n"},
        PARTIAL,
        "1 ended in an error: tests/test_three.py",
    ),
    "a hook that ends with 0": (
        {
            "tests/conftest.py": "import pytest\n@pytest.hookimpl(trylast=True)\n"
            "def pytest_sessionfinish(session): session.exitstatus = 0\n",
            **BAD,
        },
        PARTIAL,
        "1 failed: tests/test_three.py::test_alone",
    ),
    "a patched pytest.skip": (
        {
            "tests/conftest.py": "import pytest\npytest.skip = lambda *_, **__: None\n",
            "tests/test_three.py": "import pytest\ndef test_alone():\n    pytest.skip('no server here')\n",
        },
        PARTIAL,
        "7 failed",
    ),
}


@pytest.mark.parametrize("row", SOURCES)
def test_changes_of_the_tests_themselves(sample: Sample, row: str) -> None:
    """Whatever is done to the files, the outcome is less than FULL and its reason names the file or the test."""
    files, coverage, reason = SOURCES[row]
    sample.write(files)
    outcome = sample.run()
    assert outcome.result is coverage, outcome
    assert reason in "; ".join(outcome.reasons)
    assert exit_code_of(outcome) in {FAILED, NOT_FULL}


def test_a_worker_that_dies(sample: Sample) -> None:
    """With xdist the controller lives on and ends by itself; the test that killed its worker failed."""
    sample.write({"tests/test_three.py": "import os\ndef test_alone(): os._exit(0)\n"})
    outcome = sample.run(workers=True)
    assert exit_code_of(outcome) == FAILED
    assert "tests/test_three.py::test_alone" in "; ".join(outcome.reasons)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot be read"),
        ("# nothing\n", "lists no test that is wanted"),
        ("tests/test_one.py::test_slow\n", "of another form"),
        ("pure 1 0123456789ab a::b\npure 1 0123456789ab a::b\n", "twice"),
    ],
    ids=["missing", "empty", "another form", "a line twice"],
)
def test_a_list_that_cannot_be_used(sample: Sample, text: str | None, reason: str) -> None:
    """Nothing runs, and the sentence says how to make it anew."""
    sample.write({expected.TESTS: text})
    with pytest.raises(expected.ExpectedError, match=f"{reason}.*`make expected`"):
        sample.run()
    assert sample.said == []
