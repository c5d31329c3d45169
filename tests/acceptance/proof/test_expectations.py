from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.proof.expectations import ExpectationsError, load_expectations

ENTRY = '[[panel]]\ndashboard = "d77"\npanel = "P"\nreason = "nothing fires"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "may_be_empty.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_listed_panel_has_its_reason(tmp_path: Path) -> None:
    """The reason is found by dashboard and title, and by nothing else."""
    expected = load_expectations(write(tmp_path, ENTRY))

    assert expected.reason("d77", "P") == "nothing fires"
    assert expected.reason("d78", "P") is None
    assert expected.reason("d77", "Q") is None


def test_a_line_that_is_not_needed_is_told(tmp_path: Path) -> None:
    """A listed panel that shows data, or is not there, makes its line an error."""
    expected = load_expectations(write(tmp_path, ENTRY))

    assert expected.unused({("d77", "P", "A"), ("d77", "Q", "A")}) == ()
    (line,) = expected.unused({("d77", "Q", "A")})
    assert line.startswith("may_be_empty.toml: 'd77' / 'P' is listed as possibly empty")


def test_a_line_may_be_about_one_target(tmp_path: Path) -> None:
    """A target's reason is not its neighbour's, and not the whole panel's."""
    expected = load_expectations(write(tmp_path, ENTRY + 'target = "B"\n'))

    assert expected.reason("d77", "P", "B") == "nothing fires"
    assert expected.reason("d77", "P", "A") is None
    assert expected.reason("d77", "P") is None
    assert expected.unused({("d77", "P", "B")}) == ()
    assert "'P', target B is listed" in expected.unused({("d77", "P", "A")})[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("[[panel", "cannot be read", id="no TOML"),
        pytest.param("x = 1\n" + ENTRY, "tables only", id="other keys"),
        pytest.param("panel = 3", "tables only", id="no list"),
        pytest.param(ENTRY + "why = 'x'\n", "entry 1: needs", id="unknown key"),
        pytest.param(ENTRY.replace("nothing fires", " "), "entry 1: needs", id="blank reason"),
        pytest.param(ENTRY.replace('reason = "nothing fires"\n', ""), "entry 1: needs", id="no reason"),
        pytest.param(ENTRY.replace('"P"', "3"), "entry 1: needs", id="title is no text"),
        pytest.param("panel = ['x']", "entry 1: needs", id="no table"),
        pytest.param(ENTRY + ENTRY, "entry 2: d77 / P is there twice", id="twice"),
        pytest.param(ENTRY + ENTRY + "target = 'A'", "entry 2: d77 / P is there twice", id="the panel and its target"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """A malformed file, an unknown key, a missing reason or a double entry is an error with its place."""
    with pytest.raises(ExpectationsError, match=words):
        load_expectations(write(tmp_path, text))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """No file is not the same as no expectations."""
    with pytest.raises(ExpectationsError, match="cannot be read"):
        load_expectations(tmp_path / "gone.toml")


def test_the_committed_file_can_be_used() -> None:
    """The file in the acceptance folder is well formed."""
    load_expectations(Path(__file__).parents[3] / "acceptance" / "may_be_empty.toml")
