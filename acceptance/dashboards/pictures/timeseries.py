"""Draws lines over time."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from matplotlib.axes import Axes

from acceptance.dashboards.model import Panel, PanelValue
from acceptance.dashboards.pictures.ink import GRID, MUTED, PALETTE, Box, Dash, drawable, fit, font, width
from acceptance.dashboards.pictures.reading import Config
from acceptance.probes.frames import FrameSeries

__all__ = ["clock_ticks", "dress_time", "timeseries"]

_DASHES: tuple[Dash, ...] = ("-", "--", ":", "-.")
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_LEGEND_ROW = 16.0
_LEGEND_ROWS = 3
_GAP_STEPS = 3.5  # a hole of so many steps breaks the line: nothing was seen there


@dataclass(frozen=True, slots=True)
class _Line:
    """One series with how it is drawn."""

    shown: PanelValue
    colour: str
    dash: Dash


def timeseries(box: Box, panel: Panel, values: Sequence[PanelValue], start: float, end: float) -> None:
    """Draw each series as a line, thresholds where the panel shows them, and a legend with the newest values.

    Args:
        box: Where.
        panel: As served.
        values: Its series.
        start: Left end of the time axis, Unix seconds.
        end: Right end.
    """
    config = Config(panel)
    lines = [_line(config, index, shown) for index, shown in enumerate(values)]
    legend = _legend_rows(config, lines, box.w)
    below = len(legend) * _LEGEND_ROW + 22
    _draw(box, config, lines, start=start, end=end, below=below)
    for row, entries in enumerate(legend):
        left, top = 0.0, box.h - (len(legend) - row - 0.5) * _LEGEND_ROW
        for line, text, size in entries:
            if line is not None:
                box.line([(left, top), (left + 16, top)], line.colour, line=2.2, dash=line.dash)
            box.text(left + 20, top, text, size=8.5)
            left += size


def _line(config: Config, index: int, shown: PanelValue) -> _Line:
    fixed = config.fixed(shown.name)
    dash: Dash = "--" if config.dashed(shown.name) else _DASHES[index // len(PALETTE) % len(_DASHES)]
    return _Line(shown, fixed or PALETTE[index % len(PALETTE)], dash)


def _legend_rows(config: Config, lines: Sequence[_Line], room: float) -> list[list[tuple[_Line | None, str, float]]]:
    """Lay the legend out in rows; what does not fit is counted."""
    rows: list[list[tuple[_Line | None, str, float]]] = [[]]
    left = 0.0
    for index, line in enumerate(lines):
        newest = "-" if line.shown.value is None else config.write(line.shown.value, line.shown.name)
        text = fit(drawable(f"{line.shown.name}  {newest}".strip()), 8.5, room - 24)
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


def _draw(box: Box, config: Config, lines: Sequence[_Line], *, start: float, end: float, below: float) -> None:
    """Draw axes and lines above the legend."""
    axes = box.axes(60, 4, box.w - 66, box.h - below - 4)
    stacked = (config.option("custom.stacking") or {}).get("mode") == "normal"
    tops = _stack([line.shown.series for line in lines]) if stacked else None
    step = str(config.option("custom.lineInterpolation")) == "stepAfter"
    opacity = float(config.option("custom.fillOpacity") or 0) / 100
    for index, line in enumerate(lines):
        series = line.shown.series
        upper = tops[index][1] if tops else list(series.values)
        lower = tops[index][0] if tops else [0.0] * len(upper)
        _plot(axes, line, _pieces(series.times, lower, upper), step=step, opacity=opacity)
    axes.margins(y=0.12)
    axes.autoscale(axis="y")
    _limits(axes, config)
    _thresholds(axes, config)
    dress_time(axes, start, end)
    ticks = [tick for tick in axes.get_yticks() if axes.get_ylim()[0] <= tick <= axes.get_ylim()[1]]
    ticks = ticks[:: math.ceil(len(ticks) / 6)] if ticks else []
    texts = [config.write(0.0 if abs(tick) < 1e-12 else float(tick)) for tick in ticks]
    axes.set_yticks(ticks, [drawable(text) for text in texts])
    for label in axes.get_yticklabels():
        label.set(fontproperties=font(8), color=MUTED)


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


def _stack(series: Sequence[FrameSeries]) -> list[tuple[list[float], list[float]]]:
    """Give lower and upper edge of each series when each stands on those before it."""
    height: dict[float, float] = {}
    edges = []
    for one in series:
        lower, upper = [], []
        for time, value in zip(one.times, one.values, strict=True):
            base = height.get(time, 0.0)
            lower.append(base)
            upper.append(base + value)
            if math.isfinite(value):
                height[time] = base + value
        edges.append((lower, upper))
    return edges


def _limits(axes: Axes, config: Config) -> None:
    low, high = axes.get_ylim()
    given_low, given_high = config.option("min"), config.option("max")
    low = float(given_low) if given_low is not None else low
    high = float(given_high) if given_high is not None else high
    axes.set_ylim(low, high if high > low else low + 1)


def _thresholds(axes: Axes, config: Config) -> None:
    """Draw the limits as lines where the panel asks for it, also when the data stay far below: that is the news."""
    if "line" not in str((config.option("custom.thresholdsStyle") or {}).get("mode", "off")):
        return
    low, high = axes.get_ylim()
    limits = [(at, colour) for at, colour in config.steps() if math.isfinite(at)]
    axes.set_ylim(low, max([high, *(at * 1.08 for at, _ in limits)]))
    for at, colour in limits:
        axes.axhline(at, color=colour, linewidth=1.2, linestyle=(0, (6, 3)))


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
