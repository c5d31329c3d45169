"""Every promise of the threat model names a test that is there, in both languages alike."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("docs/threat-model.md", "docs/threat-model.ko.md")
REVIEW = range(1, 17)  # the rows Q1 to Q16 of the review that this page answers
#: Attacks of the review whose tests are called after an earlier one that found the same, or after what they look at.
OTHER_NAMES = {
    "test_g9_a_login_where_none_is_meant_is_exit_2": 6,
    "test_x20_an_answer_without_measure": 15,
}
PROOF = re.compile(r"`([\w/]+\.py)::(\w+)`")


def promises(page: str) -> list[str]:
    """Give the rows of the one table whose rows end with a proof, without its head."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (table,) = (part for part in re.split(r"^## ", text, flags=re.MULTILINE) if "::" in part)
    return [line for line in table.splitlines() if line.startswith("| ")][1:]


def functions_in(path: Path) -> set[str]:
    """Give the names of the test functions of a file, not of what is nested in another function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize("page", PAGES)
def test_every_promise_names_its_test(page: str) -> None:
    """Each row ends with one test, and that test exists."""
    rows = promises(page)
    named = [PROOF.findall(row) for row in rows]
    assert len(rows) > 15
    assert [row for row, found in zip(rows, named, strict=True) if len(found) != 1] == []
    gone = [f"{file}::{name}" for ((file, name),) in named if name not in functions_in(ROOT / file)]
    assert gone == []


def test_both_languages_promise_the_same() -> None:
    """The same proofs in the same order."""
    english, korean = ([PROOF.findall(row) for row in promises(page)] for page in PAGES)
    assert english == korean


@pytest.mark.parametrize("page", PAGES)
def test_every_attack_of_the_review_is_carried_out(page: str) -> None:
    """Each row of the review has a promise, and the promise a test that attacks."""
    names = [name for row in promises(page) for _, name in PROOF.findall(row)]
    numbers = {int(found[1]) for name in names if (found := re.match(r"test_q(\d+)_", name))}
    assert numbers | {OTHER_NAMES[name] for name in names if name in OTHER_NAMES} == {*REVIEW}
