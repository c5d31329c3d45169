"""The list of mutants that may survive, each with its reason, and what a session makes of it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

Key = tuple[str, str, str]  # file, the lines before, the lines after: no line numbers, which other changes move
FIELDS = ("file", "before", "after")


class ListError(Exception):
    """The list of accepted survivors cannot be used; says where."""


def read(path: Path) -> dict[Key, str]:
    """Return the reason for each accepted survivor.

    Raises:
        ListError: An entry has other fields than it must have, no reason, or is there twice.
    """
    found: dict[Key, str] = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", []):
        if set(entry) != {*FIELDS, "reason"} or not str(entry["reason"]).strip():
            raise ListError(f"{path.name}: {entry} must have {', '.join(FIELDS)} and a reason, and nothing else")
        key: Key = (entry["file"], entry["before"], entry["after"])
        if key in found:
            raise ListError(f"{path.name}: {key} is there twice")
        found[key] = entry["reason"]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is wrong after a session; nothing is where both are empty."""

    unlisted: tuple[Key, ...]  # survived, and no reason is given why they may
    stale: tuple[Key, ...]  # listed, but a test sees them now, or they are not made any more

    @property
    def good(self) -> bool:
        """Whether the list says exactly what is so."""
        return not (self.unlisted or self.stale)


def judge(survived: Iterable[Key], listed: Mapping[Key, str], *, gone: Callable[[Key], bool]) -> Judgement:
    """Compare a session with the list.

    Args:
        survived: Every mutant that no test saw.
        listed: The list, as `read` returns it.
        gone: Tells of an entry that did not survive whether the session has shown that it does not any more.
    """
    alive = frozenset(survived)
    stale = (key for key in listed.keys() - alive if gone(key))
    return Judgement(unlisted=tuple(sorted(alive - listed.keys())), stale=tuple(sorted(stale)))
