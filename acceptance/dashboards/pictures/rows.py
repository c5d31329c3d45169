"""Draws what is made of rows: tables and state timelines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from acceptance.dashboards.model import Panel
from acceptance.dashboards.pictures.ink import GRID, INK, MUTED, PALETTE, Box, contrast, drawable, fit, width
from acceptance.dashboards.pictures.timeseries import dress_time
from acceptance.display import BandState, Displayed, DisplayedItem

__all__ = ["state_timeline", "table"]

_ROW = 22.0
_MANY_ROWS = 14.0  # the least height of a row that can be read
_Row = Mapping[str, DisplayedItem]


def table(box: Box, _: Panel, shown: Displayed) -> None:
    """Draw a header and as many rows as there is room for; those left out are counted."""
    columns = list(dict.fromkeys(item.title for item in shown.seen))
    rows: dict[int, dict[str, DisplayedItem]] = {}
    for item in shown.items:
        rows.setdefault(item.row or 0, {})[item.title] = item
    cells = [rows[number] for number in sorted(rows)]
    height = min(_ROW, max(_MANY_ROWS, box.h / (len(cells) + 1)))
    fitting = max(1, math.floor(box.h / height) - 1)
    drawn = cells if len(cells) <= fitting else cells[: fitting - 1]
    size = min(9.0, height * 0.5)
    lefts = _columns(columns, cells, box.w)
    for name, (left, _width) in lefts.items():
        box.text(left + 8, height / 2, drawable(name), size=min(8.5, size), colour=MUTED, bold=True)
    box.line([(0, height), (box.w, height)], GRID, line=1.2)
    for index, row in enumerate(drawn):
        top = (index + 1) * height
        for name, (left, wide) in lefts.items():
            cell = row[name]
            if cell.colour is not None:
                box.fill(left + 2, top + 1, wide - 4, height - 2, cell.colour)
            ink = INK if cell.colour is None else contrast(cell.colour)
            box.text(left + 8, top + height / 2, fit(drawable(cell.text), size, wide - 12), size=size, colour=ink)
        box.line([(0, top + height), (box.w, top + height)], GRID, line=0.6)
    if len(drawn) < len(cells):
        box.text(6, (len(drawn) + 1.5) * height, f"+ {len(cells) - len(drawn)} more", size=8.5, colour=MUTED)


def _columns(columns: Sequence[str], rows: Sequence[_Row], room: float) -> dict[str, tuple[float, float]]:
    """Return left edge and width of each column, in the proportion of what is in it."""
    needs = [
        max(width(drawable(text), 9) for text in (name, *(row[name].text for row in rows))) + 24 for name in columns
    ]
    scale, left, places = room / (sum(needs) or 1), 0.0, {}
    for name, need in zip(columns, needs, strict=True):
        places[name] = (left, need * scale)
        left += need * scale
    return places


def state_timeline(box: Box, _: Panel, shown: Displayed, start: float, end: float) -> None:
    """Draw a band per series that changes colour with its state, and a legend of the states."""
    items = shown.seen
    names = max(width(drawable(item.title), 8) for item in items) + 10
    left = min(names, box.w * 0.4)
    below = 40.0
    axes = box.axes(left, 0, box.w - left - 6, box.h - below)
    dress_time(axes, start, end)
    axes.grid(visible=False, axis="y")
    axes.set_yticks([])
    axes.set_ylim(len(items), 0)
    row = (box.h - below) / len(items)
    for index, item in enumerate(items):
        box.text(left - 8, (index + 0.5) * row, fit(drawable(item.title), 8, left - 8), size=8, ha="right")
        for begin, stop, value in _segments(item, end):
            state = item.states.get(value, BandState(text=value, colour=None))
            colour = state.colour or PALETTE[0]
            from_, to = max(begin, start), min(stop, end)
            axes.barh(index + 0.5, to - from_, left=from_, height=0.78, color=colour, linewidth=0)
            pixels = (to - from_) / (end - start) * (box.w - left - 6)
            if row >= 13 and width(drawable(state.text), 8) + 8 <= pixels:
                at = left + (from_ - start) / (end - start) * (box.w - left - 6) + 5
                box.text(at, (index + 0.5) * row, state.text, size=8, colour=contrast(colour))
    _states(box, {state.text: state for item in items for state in item.states.values()})


def _states(box: Box, states: Mapping[str, BandState]) -> None:
    at = 0.0
    for text, state in sorted(states.items()):
        box.fill(at, box.h - 13, 10, 10, state.colour or PALETTE[0])
        box.text(at + 15, box.h - 8, text, size=8.5)
        at += 15 + width(drawable(text), 8.5) + 16


def _segments(item: DisplayedItem, end: float) -> Iterator[tuple[float, float, str]]:
    """Merge neighbours of the same value into (from, to, value as text); a gap is left open."""
    points = [(time, _key(value)) for time, value in zip(item.times, item.values, strict=True)]
    strides = sorted(later[0] - earlier[0] for earlier, later in itertools.pairwise(points))
    usual = strides[len(strides) // 2] if strides else 0.0
    begin: tuple[float, str] | None = None
    for index, point in enumerate(points):
        following = points[index + 1] if index + 1 < len(points) else None
        begin = begin or point
        hole = following is not None and following[0] - point[0] > 3.5 * usual
        if following is None:
            yield begin[0], end if end - point[0] <= 3.5 * usual or not usual else point[0] + usual, begin[1]
        elif hole or following[1] != begin[1]:
            yield begin[0], point[0] + usual if hole else following[0], begin[1]
            begin = None


def _key(value: object) -> str:
    """Write a value as the states of a band are keyed: as JavaScript does."""
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
