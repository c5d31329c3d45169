"""The driver itself, on a small checkout: whatever is not caught for its own reason ends with exit code 1."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from acceptance.sabotage import driver
from acceptance.sabotage.__main__ import LEAST, main, verdict
from acceptance.sabotage.edits import FileEdit
from acceptance.sabotage.judge import Catch, SabotageResult
from acceptance.sabotage.row import Place, Sabotage

pytestmark = pytest.mark.leg("system")

ROOT = Path(__file__).parents[3]
TEST = "tests/test_answer.py::test_answer"
Try = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The driver's own package, a module that can be broken, and a test of it."""
    made = tmp_path / "checkout"
    for part in ("docker", "docs", "engine", "evidence", "monitoring", "preflight", "scripts", "supply"):
        (made / part).mkdir(parents=True)
    (made / "tests").mkdir()
    (made / "acceptance").mkdir()
    shutil.copy(ROOT / "acceptance" / "__init__.py", made / "acceptance")
    shutil.copytree(ROOT / "acceptance" / "sabotage", made / "acceptance" / "sabotage")
    (made / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--import-mode=importlib'\n")
    (made / "conftest.py").touch()
    (made / "Makefile").touch()
    (made / "engine" / "answer.py").write_text("def answer():\n    return 42\n")
    (made / "tests" / "test_answer.py").write_text(
        "from engine.answer import answer\n\n\ndef test_answer():\n    assert answer() == 42, f'it says {answer()}'\n"
    )
    return made


@pytest.fixture
def attempt(checkout: Path, tmp_path: Path) -> Try:
    """Try one sabotage: exit code, and what was written down of it."""

    def run(*, old: str = "42", new: str = "41", words: Sequence[str] = ("it says 41",), test: str = TEST) -> Any:
        folder = tmp_path / "rows" / "hop"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "name.toml").write_text(
            f'breaks = "x"\nplace = "files"\n[[file]]\npath = "engine/answer.py"\nold = "{old}"\nnew = "{new}"\n'
            f'[caught]\n"{test}" = {json.dumps(list(words))}\n',
            encoding="utf-8",
        )
        file = tmp_path / "found.json"
        code = main(["--rows", str(folder.parent), "--checkout", str(checkout), "--json", str(file)])
        (found,) = json.loads(file.read_text(encoding="utf-8"))["sabotages"] if file.is_file() else ({},)
        return code, found

    return run


def test_one_that_is_caught_is_caught_and_yet_too_few(attempt: Try, capsys: pytest.CaptureFixture[str]) -> None:
    """It is caught for the right reason; that it is the only one is why the run does not count."""
    code, found = attempt()

    assert (code, found["caught"], found["why"]) == (1, "caught for the right reason", "")
    assert f"fewer than {LEAST}: this does not count" in capsys.readouterr().out


def test_one_that_is_not_caught_fails(attempt: Try) -> None:
    """It changes what no test looks at."""
    code, found = attempt(old="def answer():", new="def answer(x=1):")

    assert (code, found["caught"], found["why"]) == (1, "NOT CAUGHT", f"passed all the same: {TEST}")


def test_one_that_is_caught_for_another_reason_fails(attempt: Try) -> None:
    """The named test failed, and did not say what it should."""
    code, found = attempt(words=["it says 40"])

    assert (code, found["caught"]) == (1, "caught for another reason")
    assert found["why"].startswith(f"{TEST} does not say 'it says 40' but: ")


def test_one_whose_edit_no_longer_applies_fails(attempt: Try) -> None:
    """The code has moved on: nothing was broken."""
    code, found = attempt(old="43")

    assert (code, found["caught"]) == (1, "its edit does not apply")
    assert "engine/answer.py holds 0 times" in found["why"]


def test_one_that_breaks_the_import_is_caught_in_these_words_only(attempt: Try) -> None:
    """A file that cannot be imported fails its tests; that is the right reason only where it is the expected one."""
    code, found = attempt(old="return 42", new="return 42 +")

    assert (code, found["caught"]) == (1, "NOT CAUGHT")
    assert "did not run" in found["why"]


def test_a_test_that_fails_anyway_catches_nothing(attempt: Try, checkout: Path) -> None:
    """Where nothing is broken the named tests have to pass: else each sabotage would look caught."""
    (checkout / "engine" / "answer.py").write_text("def answer():\n    return 41  # not 42\n")

    code, found = attempt(old="# not 42", new="")

    assert (code, found["caught"]) == (1, "its test fails unbroken")
    assert found["why"].startswith(f"{TEST}: E ")


def test_the_checkout_itself_stays_as_it_is(attempt: Try, checkout: Path) -> None:
    """Only copies are broken."""
    attempt()

    assert (checkout / "engine" / "answer.py").read_text() == "def answer():\n    return 42\n"


def test_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt name would try nothing, and look well."""
    assert main(["preflight/runs-begin-anwe"]) == 2
    assert "no sabotage or hop preflight/runs-begin-anwe" in capsys.readouterr().err


def test_a_run_that_hangs_has_caught_nothing(attempt: Try, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended, and what it did not say is no reason."""
    monkeypatch.setattr(driver, "_SECONDS", 20.0)
    (checkout / "engine" / "answer.py").write_text("import threading\n\n\ndef answer():\n    return 42\n")

    code, found = attempt(old="    return 42", new="    threading.Event().wait()")

    assert (code, found["caught"]) == (1, "caught for another reason") or found["caught"] == "NOT CAUGHT"


class LentStack:
    """In the place of the stack: notes which files are put beside the gate's own, and for which copy."""

    file = Path("lent.json")

    def __init__(self) -> None:
        self.put: list[tuple[str, Mapping[str, str]]] = []

    def prepare(self, copy: Path, textfiles: Mapping[str, str]) -> None:
        """Note them."""
        self.put.append((copy.name, dict(textfiles)))


def test_where_nothing_is_broken_no_foreign_file_is_read(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second `.prom` of one sabotage would make every other's test fail unbroken."""
    stack = LentStack()
    monkeypatch.setattr(driver, "open_shared_stack", lambda *_: nullcontext(stack))
    (checkout / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    for name in ('--stack', '--lent-stack'):\n        parser.addoption(name)\n"
    )
    edit = FileEdit(path="engine/answer.py", old="42", new="41")
    caught = {TEST: ("it says 41",)}
    row = Sabotage(
        name="x", hop="y", breaks="z", place=Place.SHARED, edits=(edit,), textfiles={"a.prom": "a 1\n"}, caught=caught
    )
    (tmp_path / "place" / "copies").mkdir(parents=True)

    (found,) = driver.try_all([row], checkout=checkout, folder=tmp_path / "place", tell=lambda _: None)

    assert (found.catch, found.why) == (Catch.RIGHT, "")
    (whole, nothing), broken = stack.put
    assert (whole.startswith("unbroken-"), nothing) == (True, {})
    assert broken == ("y-x", {"a.prom": "a 1\n"})


def finding(catch: Catch) -> SabotageResult:
    row = Sabotage(name="x", hop="y", breaks="z", place=Place.FILES, caught={"a": ("b",)})
    return SabotageResult(row=row, catch=catch)


@pytest.mark.parametrize(
    ("found", "of", "code"),
    [
        ([Catch.RIGHT] * LEAST, LEAST, 0),
        ([Catch.RIGHT] * (LEAST - 1), LEAST - 1, 1),
        ([Catch.RIGHT] * LEAST, LEAST + 1, 3),
        ([Catch.RIGHT], LEAST, 3),
        ([*[Catch.RIGHT] * LEAST, Catch.MISSED], LEAST + 1, 1),
        ([*[Catch.RIGHT] * LEAST, Catch.OTHER], LEAST + 1, 1),
        ([*[Catch.RIGHT] * LEAST, Catch.UNFIT], LEAST + 1, 1),
        ([], 0, 1),
    ],
    ids=["all", "too few", "some only", "one only", "not caught", "another reason", "does not apply", "none"],
)
def test_nothing_but_all_of_them_ends_with_0(found: list[Catch], of: int, code: int) -> None:
    """At least sixty, each caught for the right reason, and none left out."""
    assert verdict([finding(catch) for catch in found], of=of) == code
