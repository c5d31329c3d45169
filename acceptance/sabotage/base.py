"""What a sabotage is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class SabotageError(Exception):
    """There is nothing to break where the sabotage looks: the code has moved on and it must follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """One way to break the system."""

    name: str
    story: str  # what happened, as an operator would tell it
    suite: str  # the part of the suite that must notice, as a path for pytest
    caught_by: tuple[str, ...]  # ids of the tests that must fail, without the file's path
    because: tuple[str, ...]  # what the output must say: the hop and the place
    apply: Callable[[Path], None]  # breaks the copy of the checkout at this path


def replace_in(path: Path, old: str, new: str) -> None:
    """Replace every `old` in a file.

    Raises:
        SabotageError: It is not in there.
    """
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise SabotageError(f"{path.name} does not hold {old!r} any more")
    path.write_text(text.replace(old, new), encoding="utf-8")
