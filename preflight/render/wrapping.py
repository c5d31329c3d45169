"""Lines that fit a terminal: broken between words only, with Korean letters as wide as they are shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"(?:`[^`]*`|[^ ])+")  # a command in backticks is one, so that it can be copied
_WIDE = frozenset({"W", "F"})  # two columns: https://www.unicode.org/reports/tr11/


def columns(text: str) -> int:
    """Count the columns that a text takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in _WIDE) for c in text)


def wrap(text: str, width: int | None, *, first: str = "", rest: str = "") -> list[str]:
    """Break a text into lines.

    Args:
        text: One line.
        width: Columns of a line; None: as many as it takes.
        first: What the first line begins with.
        rest: What each later line begins with.

    Returns:
        The lines. A word that is longer than a line has one to itself and is not broken; a command in backticks is
        one word, unless it is longer than a line.
    """
    if width is None:
        return [f"{first}{text}"]
    lines, line, empty = [], first, True
    for word in _words(text, width - columns(rest)):
        if not empty and columns(line) + 1 + columns(word) > width:
            lines.append(line)
            line, empty = rest, True
        line += word if empty else f" {word}"
        empty = False
    return [*lines, line]


def _words(text: str, width: int) -> Iterator[str]:
    """Return what a line is not broken in."""
    for word in _WORD.findall(text):
        yield from [word] if columns(word) <= width else word.split(" ")
