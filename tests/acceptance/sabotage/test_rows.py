from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from acceptance.sabotage.__main__ import LEAST
from acceptance.sabotage.checkout import copy_checkout
from acceptance.sabotage.driver import batches
from acceptance.sabotage.edits import DASHBOARDS, FileEdit
from acceptance.sabotage.row import Place, RowError, read_row, read_rows

ROOT = Path(__file__).parents[3]
HOPS = {"preflight", "pipeline", "dashboards", "alerts", "compose", "evidence", "suite"}
GOOD = """
breaks = "something"
[[file]]
path = "file"
old = "x"
[caught]
"test" = ["word"]
"""


def test_there_are_enough_over_every_hop() -> None:
    """At least sixty, and no hop without one."""
    rows = read_rows()

    assert len(rows) >= LEAST == 60
    assert {row.hop for row in rows} == HOPS


def test_each_still_finds_what_it_breaks(tmp_path: Path) -> None:
    """Every edit applies to this checkout, together with those that share its copy."""
    whole = copy_checkout(ROOT, tmp_path / "whole")
    for number, batch in enumerate(batches(read_rows())):
        copy = tmp_path / str(number)
        shutil.copytree(whole / DASHBOARDS, copy / DASHBOARDS)  # and of the rest only what is edited
        for edit in (edit for row in batch.rows for edit in row.edits if isinstance(edit, FileEdit)):
            if (whole / edit.path).is_file():
                (copy / edit.path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(whole / edit.path, copy / edit.path)
        for row in batch.rows:
            row.apply(copy)


def test_each_names_tests_that_are_there() -> None:
    """The file and the function of each test that has to fail; whether the case is there, the run shows."""
    missing = [
        f"{row.path}: {test}"
        for row in read_rows()
        for test in row.caught
        if "::" in test and not _is_there(*test.partition("[")[0].split("::"))
    ]

    assert missing == []


def _is_there(file: str, function: str) -> bool:
    path = ROOT / file
    return path.is_file() and f"def {function}(" in path.read_text(encoding="utf-8")


def test_those_of_one_copy_are_told_apart() -> None:
    """Where two of one run name the same test, none of them could be caught in the words of the other alone."""
    for batch in batches(read_rows()):
        for row in batch.rows:
            for other in (other for other in batch.rows if other is not row):
                for test in row.caught.keys() & other.caught.keys():
                    assert not set(row.caught[test]) <= set(other.caught[test]), f"{row.path} and {other.path}: {test}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("breaks = ", "Invalid value"),
        (GOOD.replace('breaks = "something"', ""), "the key 'breaks' is missing"),
        (GOOD.partition("[caught]")[0], "the key 'caught' is missing"),
        (GOOD.replace('["word"]', "[]"), "a list of words"),
        (GOOD.replace("[[file]]", "more = 1\n[[file]]"), "unknown key more"),
        (GOOD.replace('old = "x"', 'older = "x"'), "older"),
        (GOOD.replace('old = "x"', ""), "give one of old, create and delete"),
        (GOOD.replace("[[file]]", 'place = "elsewhere"\n[[file]]'), "elsewhere"),
        ('breaks = "x"\n[caught]\n"t" = ["w"]\n', "it breaks nothing"),
        ('breaks = "x"\nplace = "files"\n[textfiles]\n"a" = "b"\n[caught]\n"t" = ["w"]\n', "on the shared stack only"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(text: str, words: str, tmp_path: Path) -> None:
    """With what is wrong with it."""
    path = tmp_path / "hop" / "name.toml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")

    with pytest.raises(RowError, match=r"^hop/name\.toml: ") as caught:
        read_row(path)
    assert words in str(caught.value)


def test_a_file_is_read(tmp_path: Path) -> None:
    """Its name and its folder are its own name and its hop."""
    path = tmp_path / "hop" / "name.toml"
    path.parent.mkdir()
    path.write_text(GOOD, encoding="utf-8")

    row = read_row(path)

    assert (row.path, row.breaks, row.place, row.caught) == ("hop/name", "something", Place.SHARED, {"test": ("word",)})
