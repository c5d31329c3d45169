"""The list of mutants that may survive, each with its reason, and what a session makes of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.mutant import Key, Mutant

FIELDS = ("file", "scope", "before", "after", "occurrence")


class ListError(Exception):
    """The list of accepted survivors cannot be used; says where."""


def read(path: Path) -> dict[Key, str]:
    """Give the reason for each accepted survivor.

    Raises:
        ListError: An entry has other fields than it must have, no reason, or is there twice.
    """
    found: dict[Key, str] = {}
    for written in tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", []):
        entry = {"occurrence": 0, **written}
        if set(entry) != {*FIELDS, "reason"} or not str(entry["reason"]).strip():
            raise ListError(f"{path.name}: {entry} must have {', '.join(FIELDS)} and a reason, and nothing else")
        key: Key = (entry["file"], entry["scope"], entry["before"], entry["after"], entry["occurrence"])
        if key in found:
            raise ListError(f"{path.name}: {key} is there twice")
        found[key] = entry["reason"]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is wrong after a session; nothing is where all of these are empty."""

    unlisted: tuple[Mutant, ...]  # survived, and nobody has said why they may
    killed: tuple[Mutant, ...]  # listed, but a test sees them
    gone: tuple[Key, ...]  # listed, but no such mutant is made any more

    @property
    def good(self) -> bool:
        """Whether the list says exactly what is so."""
        return not (self.unlisted or self.killed or self.gone)


def judge(survived: Mapping[Mutant, bool], accepted: Iterable[Key]) -> Judgement:
    """Compare a session with the list.

    Args:
        survived: Every mutant of the session, and whether it survived.
        accepted: Keys of the list that concern the files of the session.
    """
    listed = frozenset(accepted)
    return Judgement(
        unlisted=tuple(mutant for mutant, alive in survived.items() if alive and mutant.key not in listed),
        killed=tuple(mutant for mutant, alive in survived.items() if not alive and mutant.key in listed),
        gone=tuple(sorted(listed - {mutant.key for mutant in survived})),
    )
