"""What the documents say is what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from babel.messages.pofile import read_po

from preflight.message import translated
from preflight.model import Verdict
from preflight.registry import default_registry
from preflight.testing import run_check
from scripts.translations import compiled

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("docker/**/*.md"))
    if "evidence" not in path.parts
)


def test_generated_blocks_are_in_step_with_the_code() -> None:
    """Help, checks and settings in docs/ are what the code prints."""
    run = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "sync_docs.py"), "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Each relative link of a document names a file that is there."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", document.read_text(encoding="utf-8"))

    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", ["README.ko.md", "docs/verdicts.md"])
def test_every_verdict_is_explained(document: str) -> None:
    """Both languages name each verdict."""
    text = (ROOT / document).read_text(encoding="utf-8")

    assert [verdict.value for verdict in Verdict if verdict.value not in text] == []


def test_every_make_verb_of_the_readmes_exists() -> None:
    """What the READMEs tell a newcomer to type is in the Makefile."""
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    told = {
        verb
        for name in ("README.md", "README.ko.md", "CONTRIBUTING.md")
        for verb in re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    }

    assert told - verbs == set()


def test_the_example_of_adding_a_check_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check that the page shows fails and passes as it says, in both languages, and its test runs."""
    page = (ROOT / "docs" / "adding-a-check.md").read_text(encoding="utf-8")
    check, test = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    for name in ("my_package", "my_package.checks"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    package = vars(sys.modules["my_package.checks"])
    exec(check, package)  # noqa: S102 - our own page
    shown: dict[str, Any] = {}
    exec(test, shown)  # noqa: S102
    shown["test_errors_fail"]()
    none = run_check(package["DiskHealthCheck"](), read_text=lambda _: "0")
    assert (none.status, none.summary) == ("pass", "no disk errors")
    some = run_check(package["DiskHealthCheck"](), read_text=lambda _: "3")
    assert some.timings.keys() == {"read"}  # the timing that the row of MEASURES names
    (shown_po,) = re.findall(r"```po\n(.*?)```", page, flags=re.DOTALL)
    catalogue = GNUTranslations(BytesIO(compiled(read_po(BytesIO(shown_po.encode())))))
    proves = package["DiskHealthCheck"]().proves
    assert translated(proves, catalogue.gettext) == "장부가 있는 디스크에 보고된 오류가 없다"
    assert translated(some.summary, catalogue.gettext) == "디스크 오류가 3건 보고되었습니다"
    assert translated(some.hint, catalogue.gettext) == "실거래를 시작하기 전에 디스크를 바꾸십시오"
    assert translated(none.summary, catalogue.gettext) == "디스크 오류가 없습니다"


def test_every_check_proves_something_and_explains_itself() -> None:
    """No check of the registry is nameless about what it proves."""
    assert [check.id for check in default_registry().checks if len(check.proves) < 10] == []
