"""Draws what shows the newest value of each series: stat and gauge, bar gauge, pie chart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from acceptance.dashboards.model import Panel, PanelValue
from acceptance.dashboards.pictures.ink import GRID, INK, MUTED, PALETTE, Box, contrast, drawable, fit, width
from acceptance.dashboards.pictures.reading import Config

__all__ = ["bargauge", "piechart", "stat"]

_GAP = 6.0
_BIGGEST = 26.0  # points
_SMALLEST = 8.0


def stat(box: Box, panel: Panel, values: Sequence[PanelValue]) -> None:
    """Draw one tile per series, its value as large as the tile allows."""
    config = Config(panel)
    mode = str(config.options.get("textMode", "auto"))
    named = mode == "value_and_name" or (mode == "auto" and len(values) > 1)
    columns, rows = _grid(len(values), box)
    w, h = (box.w - _GAP * (columns - 1)) / columns, (box.h - _GAP * (rows - 1)) / rows
    for index, shown in enumerate(values):
        look = config.look(shown.value, shown.name)
        tile = box.inner(index % columns * (w + _GAP), index // columns * (h + _GAP), w, h)
        colour = look.colour or PALETTE[0]
        ink = colour
        if config.options.get("colorMode") == "background":
            tile.fill(0, 0, w, h, colour)
            ink = contrast(colour)
        text = shown.name if mode == "name" else look.text
        below = shown.name if named else ""
        room = h - (16 if below else 0)
        _large(tile, text, room, ink)
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


def bargauge(box: Box, panel: Panel, values: Sequence[PanelValue]) -> None:
    """Draw a horizontal bar per series, from zero, on a track that shows the whole range."""
    config = Config(panel)
    numbers = [shown.value for shown in values if shown.value is not None]
    low, high = _range(config, numbers)
    row = min(box.h / len(values), 46.0)
    texts = [config.look(shown.value, shown.name) for shown in values]
    margin = max(width(drawable(look.text), 9.5, bold=True) for look in texts) + 12
    track = max(box.w - margin, 20)
    for index, (shown, look) in enumerate(zip(values, texts, strict=True)):
        top = index * row
        box.text(0, top + row * 0.25, fit(drawable(shown.name), 8.5, track), size=8.5, colour=INK)
        y, h = top + row * 0.45, row * 0.38
        box.fill(0, y, track, h, "#EEF1F5")
        if shown.value is not None:
            zero, end = (_share(value, low, high) * track for value in (0.0, shown.value))
            box.fill(min(zero, end), y, max(abs(end - zero), 1.5), h, look.colour or PALETTE[0])
        if low < 0 < high:
            zero = _share(0, low, high) * track
            box.line([(zero, y - 2), (zero, y + h + 2)], MUTED, line=0.8)
        box.text(box.w, y + h / 2, look.text, size=9.5, bold=True, ha="right")


def _range(config: Config, numbers: Sequence[float]) -> tuple[float, float]:
    given_low, given_high = config.option("min"), config.option("max")
    low = float(given_low) if given_low is not None else min([0.0, *numbers])
    high = float(given_high) if given_high is not None else max([0.0, *numbers])
    return (low, high) if high > low else (low, low + 1.0)


def _share(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def piechart(box: Box, panel: Panel, values: Sequence[PanelValue]) -> None:
    """Draw a ring with the sum in its middle, and a legend that also names what is zero."""
    config = Config(panel)
    sizes = [max(shown.value or 0.0, 0.0) for shown in values]
    total = sum(sizes)
    side = min(box.h, box.w * 0.56)
    radius = side / 2 - 4
    middle = (side / 2, box.h / 2)
    if total == 0:
        box.wedge(*middle, radius, start=0, stop=360, colour=GRID)
    at = 0.0
    for index, (shown, size) in enumerate(zip(values, sizes, strict=True)):
        colour = config.fixed(shown.name) or PALETTE[index % len(PALETTE)]
        angle = 360 * size / total if total else 0.0
        if angle:
            box.wedge(*middle, radius, start=at, stop=at + angle, colour=colour)
        if angle > 20:
            bearing = math.radians(at + angle / 2)
            where = (middle[0] + radius * 0.79 * math.sin(bearing), middle[1] - radius * 0.79 * math.cos(bearing))
            text = config.write(size, shown.name)
            box.text(*where, text, size=9.5, colour=contrast(colour), bold=True, ha="center")
        at += angle
        row = box.h / 2 + (index - (len(values) - 1) / 2) * 20
        left = side + 10
        box.fill(left, row - 5, 10, 10, colour)
        box.text(left + 16, row, fit(drawable(shown.name), 9, box.w - left - 44), size=9)
        box.text(box.w, row, config.look(shown.value, shown.name).text, size=9, bold=True, ha="right")
    box.text(*middle, config.write(total), size=17, bold=True, ha="center")
