from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutation.mutant import Mutant
from tests.mutation.session import Copy, SessionError, copies, prove, session

pytestmark = pytest.mark.leg("servers")

FILE = "preflight/one.py"
SOURCE = "def answer(x):\n    return x + 1\n"
TEST = "from preflight.one import answer\n\n\ndef test_it():\n    assert answer(1) == 2\n"
STAGE = ("tests/test_one.py",)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project with one function and one test."""
    for path, text in ((FILE, SOURCE), ("tests/test_one.py", TEST), ("pyproject.toml", "")):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def copy(checkout: Path) -> Iterator[Copy]:
    """A copy of it."""
    with copies(checkout, Path(sys.executable), 1) as free:
        yield free.get()


def mutant(source: str) -> Mutant:
    return Mutant(file=FILE, operator="one", scope="answer", before="", after=source, source=source)


def test_survivors_are_told_from_the_killed(checkout: Path) -> None:
    """A mutant that a test sees is killed, one that none sees survives, and the checkout stays as it was."""
    seen, unseen = mutant(SOURCE.replace("+", "-")), mutant(SOURCE.replace("x + 1", "1 + x"))
    told: list[bool] = []
    with copies(checkout, Path(sys.executable), 2) as free:
        found = session([seen, unseen], {FILE: [STAGE]}, free, count=2, told=lambda _, alive: told.append(alive))
    assert found == {seen: False, unseen: True}
    assert sorted(told) == [False, True]
    assert (checkout / FILE).read_text(encoding="utf-8") == SOURCE


def test_a_session_proves_that_its_tests_look(copy: Copy) -> None:
    """Tests that are red before any mutant, or that do not import the file, are refused."""
    prove(copy, FILE, [STAGE])
    (copy.root / "tests/test_one.py").write_text("def test_it():\n    assert True\n", encoding="utf-8")
    with pytest.raises(SessionError, match="looks elsewhere"):
        prove(copy, FILE, [STAGE])
    (copy.root / "tests/test_one.py").write_text("def test_it():\n    assert False\n", encoding="utf-8")
    with pytest.raises(SessionError, match="without any mutant"):
        prove(copy, FILE, [STAGE])
