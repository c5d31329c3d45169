"""Draws what shows one value of each series: stat and gauge, bar gauge, pie chart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from acceptance.dashboards.model import Panel
from acceptance.dashboards.pictures.ink import INK, MUTED, PALETTE, Box, contrast, drawable, fit, width
from acceptance.display import Displayed, DisplayedItem

__all__ = ["bargauge", "piechart", "stat"]

_GAP = 6.0
_BIGGEST = 26.0  # points
_SMALLEST = 8.0


def stat(box: Box, panel: Panel, shown: Displayed) -> None:
    """Draw one tile per value, as large as the tile allows."""
    options = panel.raw.get("options") or {}
    items = shown.seen
    columns, rows = _grid(len(items), box)
    w, h = (box.w - _GAP * (columns - 1)) / columns, (box.h - _GAP * (rows - 1)) / rows
    for index, item in enumerate(items):
        tile = box.inner(index % columns * (w + _GAP), index // columns * (h + _GAP), w, h)
        colour = item.colour or PALETTE[0]
        ink = colour
        if str(options.get("colorMode", "")).startswith("background"):
            tile.fill(0, 0, w, h, colour)
            ink = contrast(colour)
        named = options.get("textMode") == "name"
        below = "" if named else item.title
        _large(tile, item.title if named else item.text, h - (16 if below else 0), ink)
        if below:
            tile.text(w / 2, h - 13, fit(drawable(below), 8.5, w - 8), size=8.5, colour=ink, ha="center")


def _large(tile: Box, text: str, room: float, ink: str) -> None:
    """Write a value as large as it fits; one with a slash goes on two lines where that makes it larger."""
    best: tuple[float, list[str]] = (0.0, [text])
    for lines in ([text], text.split(" / ") if " / " in text else [text]):
        widest = max(width(drawable(line), 1, bold=True) for line in lines) or 1
        size = min(_BIGGEST, (tile.w - 16) / widest, room * 0.8 / len(lines) * 0.72)
        if size > best[0] * 1.05:
            best = (size, lines)
    size, lines = max(best[0], _SMALLEST), best[1]
    step = size * 1.3 / 0.72
    for index, line in enumerate(lines):
        top = room / 2 + (index - (len(lines) - 1) / 2) * step
        cut = fit(drawable(line), size, tile.w - 8, bold=True)
        tile.text(tile.w / 2, top, cut, size=size, colour=ink, bold=True, ha="center")


def _grid(count: int, box: Box) -> tuple[int, int]:
    """Choose columns and rows so that no place stays empty without need and tiles are about twice as wide as high."""

    def ugliness(columns: int) -> float:
        rows = math.ceil(count / columns)
        shape = math.log(box.w / columns / (box.h / rows) / 2)
        return abs(shape) + (columns * rows - count) / count

    columns = min(range(1, count + 1), key=ugliness)
    return columns, math.ceil(count / columns)


def bargauge(box: Box, _: Panel, shown: Displayed) -> None:
    """Draw a horizontal bar per value, from zero, on a track that shows the whole range."""
    items = shown.seen
    low, high = _range(items)
    row = min(box.h / len(items), 46.0)
    margin = max(width(drawable(item.text), 9.5, bold=True) for item in items) + 12
    track = max(box.w - margin, 20)
    for index, item in enumerate(items):
        top = index * row
        box.text(0, top + row * 0.25, fit(drawable(item.title), 8.5, track), size=8.5, colour=INK)
        y, h = top + row * 0.45, row * 0.38
        box.fill(0, y, track, h, "#EEF1F5")
        if item.number is not None:
            zero, end = (_share(value, low, high) * track for value in (0.0, item.number))
            box.fill(min(zero, end), y, max(abs(end - zero), 1.5), h, item.colour or PALETTE[0])
        if low < 0 < high:
            zero = _share(0, low, high) * track
            box.line([(zero, y - 2), (zero, y + h + 2)], MUTED, line=0.8)
        box.text(box.w, y + h / 2, item.text, size=9.5, bold=True, ha="right")


def _range(items: Sequence[DisplayedItem]) -> tuple[float, float]:
    numbers = [item.number for item in items if item.number is not None]
    low = min([0.0, *numbers, *(item.low for item in items if item.low is not None)])
    high = max([0.0, *numbers, *(item.high for item in items if item.high is not None)])
    return (low, high) if high > low else (low, low + 1.0)


def _share(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def piechart(box: Box, _: Panel, shown: Displayed) -> None:
    """Draw a ring, and a legend that also names what is zero."""
    items = shown.seen
    sizes = [max(item.number or 0.0, 0.0) for item in items]
    total = sum(sizes)
    side = min(box.h, box.w * 0.56)
    radius = side / 2 - 4
    middle = (side / 2, box.h / 2)
    at = 0.0
    for index, (item, size) in enumerate(zip(items, sizes, strict=True)):
        colour = item.colour or PALETTE[index % len(PALETTE)]
        angle = 360 * size / total if total else 0.0
        if angle:
            box.wedge(*middle, radius, start=at, stop=at + angle, colour=colour)
        if angle > 20:
            bearing = math.radians(at + angle / 2)
            where = (middle[0] + radius * 0.79 * math.sin(bearing), middle[1] - radius * 0.79 * math.cos(bearing))
            box.text(*where, item.text, size=9.5, colour=contrast(colour), bold=True, ha="center")
        at += angle
        row = box.h / 2 + (index - (len(items) - 1) / 2) * 20
        left = side + 10
        box.fill(left, row - 5, 10, 10, colour)
        box.text(left + 16, row, fit(drawable(item.title), 9, box.w - left - 44), size=9)
        box.text(box.w, row, item.text, size=9, bold=True, ha="right")
