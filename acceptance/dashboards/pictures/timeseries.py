"""Draws lines over time."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from matplotlib.axes import Axes

from acceptance.dashboards.model import Panel
from acceptance.dashboards.pictures.ink import GRID, MUTED, PALETTE, Box, Dash, drawable, fit, font, width
from acceptance.display import Axis, Displayed, DisplayedItem

__all__ = ["clock_ticks", "dress_time", "timeseries"]

_DASHES: tuple[Dash, ...] = ("-", "--", ":", "-.")
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_LEGEND_ROW = 16.0
_LEGEND_ROWS = 3
_GAP_STEPS = 3.5  # a hole of so many steps breaks the line: nothing was seen there


@dataclass(frozen=True, slots=True)
class _Line:
    """One series with how it is drawn."""

    item: DisplayedItem
    colour: str
    dash: Dash


def timeseries(box: Box, panel: Panel, shown: Displayed, start: float, end: float) -> None:
    """Draw each series as a line, thresholds if the panel shows them, and a legend with the newest values.

    Args:
        box: Where.
        panel: As served.
        shown: What it displays.
        start: Left end of the time axis, Unix seconds.
        end: Right end.
    """
    lines = [_line(index, item) for index, item in enumerate(shown.seen)]
    legend = _legend_rows(lines, box.w)
    below = len(legend) * _LEGEND_ROW + 22
    _draw(box, panel, lines, shown.axis, start=start, end=end, below=below)
    for row, entries in enumerate(legend):
        left, top = 0.0, box.h - (len(legend) - row - 0.5) * _LEGEND_ROW
        for line, text, size in entries:
            if line is not None:
                box.line([(left, top), (left + 16, top)], line.colour, line=2.2, dash=line.dash)
            box.text(left + 20, top, text, size=8.5)
            left += size


def _line(index: int, item: DisplayedItem) -> _Line:
    dash: Dash = "--" if item.dashed else _DASHES[index // len(PALETTE) % len(_DASHES)]
    return _Line(item, item.colour or PALETTE[index % len(PALETTE)], dash)


def _legend_rows(lines: Sequence[_Line], room: float) -> list[list[tuple[_Line | None, str, float]]]:
    """Lay the legend out in rows; what does not fit is counted."""
    rows: list[list[tuple[_Line | None, str, float]]] = [[]]
    left = 0.0
    for index, line in enumerate(lines):
        text = fit(drawable(f"{line.item.title}  {line.item.text}".strip()), 8.5, room - 24)
        size = 20 + width(text, 8.5) + 16
        if rows[-1] and left + size - 16 > room:
            if len(rows) == _LEGEND_ROWS:
                rows[-1][-1] = (None, f"+ {len(lines) - index + 1} more", 0)
                break
            rows.append([])
            left = 0.0
        rows[-1].append((line, text, size))
        left += size
    return rows


def _custom(panel: Panel, name: str) -> Any:
    """Return a setting of how lines are drawn; None if it is not set."""
    defaults = (panel.raw.get("fieldConfig") or {}).get("defaults") or {}
    return (defaults.get("custom") or {}).get(name)


def _draw(
    box: Box, panel: Panel, lines: Sequence[_Line], axis: Axis | None, *, start: float, end: float, below: float
) -> None:
    """Draw axes and lines above the legend."""
    axes = box.axes(60, 4, box.w - 66, box.h - below - 4)
    stacked = (_custom(panel, "stacking") or {}).get("mode") == "normal"
    tops = _stack([line.item for line in lines]) if stacked else None
    step = _custom(panel, "lineInterpolation") == "stepAfter"
    opacity = float(_custom(panel, "fillOpacity") or 0) / 100
    for index, line in enumerate(lines):
        upper = tops[index][1] if tops else _numbers(line.item)
        lower = tops[index][0] if tops else [0.0] * len(upper)
        _plot(axes, line, _pieces(line.item.times, lower, upper), step=step, opacity=opacity)
    dress_time(axes, start, end)
    if axis is None:
        axes.set_yticks([])
        return
    margin = 0.06 * (axis.high - axis.low)
    axes.set_ylim(axis.low - margin, axis.high + margin)
    for at, colour in axis.limits:
        axes.axhline(at, color=colour, linewidth=1.2, linestyle=(0, (6, 3)))
    ticks = axis.ticks[:: math.ceil(len(axis.ticks) / 6)] if axis.ticks else ()
    axes.set_yticks([at for at, _ in ticks], [drawable(text) for _, text in ticks])
    for label in axes.get_yticklabels():
        label.set(fontproperties=font(8), color=MUTED)


def _numbers(item: DisplayedItem) -> list[float]:
    return [math.nan if value is None else float(value) for value in item.values]


def _plot(
    axes: Axes,
    line: _Line,
    pieces: Iterator[tuple[list[float], list[float], list[float]]],
    *,
    step: bool,
    opacity: float,
) -> None:
    for times, lower, upper in pieces:
        style = "steps-post" if step else "default"
        alone = len(times) == 1
        axes.plot(
            times,
            upper,
            color=line.colour,
            linestyle=line.dash,
            linewidth=1.8,
            drawstyle=style,
            marker="o" if alone else "",
            markersize=4,
            solid_capstyle="round",
        )
        if opacity and not alone:
            axes.fill_between(
                times, lower, upper, color=line.colour, alpha=opacity, linewidth=0, step="post" if step else None
            )


def _pieces(
    times: Sequence[float], lower: Sequence[float], upper: Sequence[float]
) -> Iterator[tuple[list[float], list[float], list[float]]]:
    """Cut a series where it has a gap: NaN and infinity are not joined over, neither is a hole in time."""
    strides = [later - earlier for earlier, later in itertools.pairwise(times)]
    usual = statistics.median(strides) if strides else 0.0
    piece: tuple[list[float], list[float], list[float]] = ([], [], [])
    for time, low, high in zip(times, lower, upper, strict=True):
        hole = bool(piece[0]) and usual > 0 and time - piece[0][-1] > _GAP_STEPS * usual
        if (hole or not math.isfinite(high)) and piece[0]:
            yield piece
            piece = ([], [], [])
        if math.isfinite(high):
            for part, number in zip(piece, (time, low, high), strict=True):
                part.append(number)
    if piece[0]:
        yield piece


def _stack(items: Sequence[DisplayedItem]) -> list[tuple[list[float], list[float]]]:
    """Return lower and upper edge of each series when each stands on those before it."""
    height: dict[float, float] = {}
    edges = []
    for one in items:
        lower, upper = [], []
        for time, value in zip(one.times, _numbers(one), strict=True):
            base = height.get(time, 0.0)
            lower.append(base)
            upper.append(base + value)
            if math.isfinite(value):
                height[time] = base + value
        edges.append((lower, upper))
    return edges


def dress_time(axes: Axes, start: float, end: float) -> None:
    """Give axes a time axis in UTC, a quiet grid and no frame."""
    axes.set_xlim(start, end)
    ticks = clock_ticks(start, end)
    form = "%H:%M:%S" if ticks and any(tick % 60 for tick in ticks) else "%H:%M"
    labels = [datetime.fromtimestamp(tick, tz=UTC).strftime(form) for tick in ticks]
    if labels:
        labels[-1] += " UTC"
    axes.set_xticks(ticks, labels)
    for label in axes.get_xticklabels():
        label.set(fontproperties=font(8), color=MUTED)
    axes.tick_params(length=0, pad=4)
    axes.grid(visible=True, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_facecolor("none")
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(GRID)


def clock_ticks(start: float, end: float) -> list[float]:
    """Give three to six round moments between two Unix times, none of them at the very edge."""
    span = end - start
    stride = next((step for step in _STEPS if span / step <= 5), _STEPS[-1])
    first = math.ceil((start + span * 0.04) / stride)
    return [float(tick * stride) for tick in range(first, math.floor((end - span * 0.06) / stride) + 1)]
