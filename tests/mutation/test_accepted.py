from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutation.accepted import ListError, judge, read
from tests.mutation.mutant import Mutant

ROOT = Path(__file__).parents[2]
ENTRY = """
[[survivor]]
file = "a.py"
scope = "f"
before = "x = 1"
after = "x = 2"
reason = "nobody looks at x"
"""


def mutant(after: str) -> Mutant:
    return Mutant(file="a.py", operator="one", scope="f", before="x = 1", after=after, source=after)


def test_the_committed_list_can_be_read() -> None:
    """Each entry has its reason, and speaks of a line that is in the file."""
    for (file, _, before, _, _), reason in read(Path(__file__).with_name("accepted.toml")).items():
        lines = {line.strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()}
        assert set(before.split("\n")) <= lines, before
        assert len(reason.split()) > 3, reason


def test_read(tmp_path: Path) -> None:
    """An entry is a key and a reason."""
    (tmp_path / "list").write_text(ENTRY, encoding="utf-8")
    assert read(tmp_path / "list") == {mutant("x = 2").key: "nobody looks at x"}


@pytest.mark.parametrize(
    "text",
    [
        ENTRY.replace("nobody looks at x", " "),
        ENTRY.replace('scope = "f"\n', ""),
        ENTRY + "line = 7\n",
        ENTRY + ENTRY,
    ],
    ids=["no-reason", "no-scope", "more", "twice"],
)
def test_read_refuses(text: str, tmp_path: Path) -> None:
    """A survivor is accepted with a reason and once, or not at all."""
    (tmp_path / "list").write_text(text, encoding="utf-8")
    with pytest.raises(ListError):
        read(tmp_path / "list")


def test_judge() -> None:
    """Only a list that says exactly what survives is good."""
    alive, dead = mutant("x = 2"), mutant("x = 3")
    survived = {alive: True, dead: False}
    assert judge(survived, [alive.key]).good
    assert judge(survived, []).unlisted == (alive,)
    assert judge(survived, [alive.key, dead.key]).killed == (dead,)
    gone = ("a.py", "g", "y", "z", 0)
    assert judge(survived, [alive.key, gone]).gone == (gone,)
    assert not judge(survived, [alive.key, gone]).good
