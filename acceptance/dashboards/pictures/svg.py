"""Writes matplotlib's SVG shorter: outlines of letters are most of such a file. What is shown stays the same."""

from __future__ import annotations

import functools
import re

__all__ = ["compact"]

_OUTLINE = re.compile(r'\bd="([^"]*)"')
_LETTER = re.compile(r'<path id="([^"]+)" d="([^"]*)" transform="scale\(0\.015625\)"/>')
_SHIFT = re.compile(r'transform="translate\((-?[\d.]+) 0\)"')
_NAMELESS = re.compile(r'<g id="[^"]*">')
_EMPTY = re.compile(r'<g(?: id="[^"]*")?/>')
_COARSER = 16  # a letter's em has about 6000 units and is at most 40 pixels: a sixteenth of that is finer than a screen
_BETWEEN_TAGS = re.compile(r">\s+<")
_INTEGERS = re.compile(r"(?:[MLQC](?: -?\d+)+ ?\n?|[zZ] ?\n?)+")
_COMMAND = re.compile(r"([MLQCz])([^MLQCz]*)", re.IGNORECASE)


def compact(text: str) -> str:
    """Give the same picture in fewer characters: outlines with whole coordinates become relative ones."""
    shorter = _BETWEEN_TAGS.sub("><", text)
    names = {match.group(1): f"l{index:x}" for index, match in enumerate(_LETTER.finditer(shorter))}
    for name, short in names.items():
        shorter = shorter.replace(f'xlink:href="#{name}"', f'xlink:href="#{short}"')
    shorter = _LETTER.sub(
        lambda match: (
            f'<path id="{names[match.group(1)]}" d="{_outline(match.group(2), _COARSER)}" '
            f'transform="scale({_COARSER / 64})"/>'
        ),
        shorter,
    )
    shorter = _SHIFT.sub(lambda match: f'x="{float(match.group(1)):.0f}"', shorter)
    shorter = _EMPTY.sub("", _NAMELESS.sub("<g>", shorter))
    shorter = _OUTLINE.sub(lambda match: f'd="{_outline(match.group(1), 1)}"', shorter)
    return shorter.strip() + "\n"


@functools.lru_cache(maxsize=4096)  # letters come again in every picture
def _outline(path: str, coarser: int) -> str:
    """Write an outline with relative coordinates, in units `coarser` times as large; others only without line ends."""
    if not _INTEGERS.fullmatch(path.strip()):
        return " ".join(path.split())
    written: list[str] = []
    x = y = start_x = start_y = 0
    for letter, rest in _COMMAND.findall(path):
        numbers = [round(int(word) / coarser) for word in rest.split()]
        if letter in "zZ":
            written.append("z")
            x, y = start_x, start_y
            continue
        moves = [number - (y if index % 2 else x) for index, number in enumerate(numbers)]
        x, y = numbers[-2:]
        if letter == "M":
            start_x, start_y = x, y
        if letter == "L" and 0 in moves:
            written.append("" if moves == [0, 0] else f"h{moves[0]}" if moves[1] == 0 else f"v{moves[1]}")
        else:
            written.append(letter.lower() + _joined(moves))
    return "".join(written)


def _joined(numbers: list[int]) -> str:
    # A minus sign parts two numbers by itself.
    return "".join(str(number) if not index or number < 0 else f" {number}" for index, number in enumerate(numbers))
