from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.stack.docker import env_file


def test_a_new_file_says_who_keeps_it(tmp_path: Path) -> None:
    """The first update makes the file, with a comment on where its lines come from."""
    path = tmp_path / ".env"
    env_file.update(path, {"A": "1"})
    assert path.read_text(encoding="utf-8").startswith("#")
    assert env_file.read(path) == {"A": "1"}


def test_a_users_lines_are_kept(tmp_path: Path) -> None:
    """Comments, blank lines and settings of the user's own stay where they are."""
    path = tmp_path / ".env"
    path.write_text("# mine\n\nGRAFANA_PORT=4000\nREDIS_IMAGE=old:1\n", encoding="utf-8")
    env_file.update(path, {"REDIS_IMAGE": "new:2", "BASE_IMAGE": "base:3"})
    assert path.read_text(encoding="utf-8") == "# mine\n\nGRAFANA_PORT=4000\nREDIS_IMAGE=new:2\nBASE_IMAGE=base:3\n"


def test_a_second_line_of_the_same_name_cannot_win(tmp_path: Path) -> None:
    """A name that stands there twice is left once, with the new value."""
    path = tmp_path / ".env"
    path.write_text("A=1\nB=2\nA=3", encoding="utf-8")
    env_file.update(path, {"A": "4"})
    assert path.read_text(encoding="utf-8") == "A=4\nB=2\n"


def test_settings_are_removed(tmp_path: Path) -> None:
    """What is to go is gone; a name that is also set stays."""
    path = tmp_path / ".env"
    path.write_text("A=1\nB=2\nC=3\n", encoding="utf-8")
    env_file.update(path, {"C": "4"}, remove=["A", "C"])
    assert env_file.read(path) == {"B": "2", "C": "4"}


def test_no_file_has_no_settings(tmp_path: Path) -> None:
    """A file that is not there holds nothing."""
    assert env_file.read(tmp_path / ".env") == {}


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    """The draft that replaces the file does not stay."""
    env_file.update(tmp_path / ".env", {"A": "1"})
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


@pytest.mark.parametrize("line", ["#A=1", "  # A=1", "nonsense", "=1", ""])
def test_other_lines_are_no_settings(tmp_path: Path, line: str) -> None:
    """Comments and lines without a name set nothing."""
    path = tmp_path / ".env"
    path.write_text(line + "\n", encoding="utf-8")
    assert env_file.read(path) == {}
