from __future__ import annotations

from pathlib import Path

from tests.mutation.targets import ROOMS, TESTS

ROOT = Path(__file__).parents[2]


def test_every_file_with_code_is_mutated() -> None:
    """A file that is added to one of the rooms, or moves, has to be named here."""
    listed = {file for file in TESTS if Path(file).parent.as_posix() in ROOMS}
    there = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).glob("*.py")
        if "def " in path.read_text(encoding="utf-8")
    }
    assert listed == there
    assert all((ROOT / file).is_file() for file in TESTS)


def test_every_test_file_is_there() -> None:
    """A test that moved would leave mutants alive."""
    paths = {word for words in TESTS.values() for word in words if word.startswith("tests/")}
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
