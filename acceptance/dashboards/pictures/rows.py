"""Draws what is made of rows: tables and state timelines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from acceptance.dashboards.model import Panel, PanelValue
from acceptance.dashboards.pictures.ink import GRID, INK, MUTED, PALETTE, Box, contrast, drawable, fit, width
from acceptance.dashboards.pictures.reading import Config
from acceptance.dashboards.pictures.timeseries import dress_time
from acceptance.probes.frames import FrameSeries

__all__ = ["state_timeline", "table", "table_cells"]

Cell = str | float | None
_ROW = 22.0
_MANY_ROWS = 14.0  # the least height of a row that can be read


def table_cells(panel: Panel, values: Sequence[PanelValue]) -> tuple[list[str], list[dict[str, Cell]]]:
    """Put the values of a table together as Grafana does: merge the targets, then organize the columns.

    Returns:
        The columns in order, and the rows.
    """
    refs = list(dict.fromkeys(shown.ref_id for shown in values))
    rows: dict[tuple[tuple[str, str], ...], dict[str, Cell]] = {}
    columns: dict[str, None] = {}
    for shown in values:
        labels = {key: text for key, text in shown.labels.items() if key != "__name__"}
        row = rows.setdefault(tuple(sorted(labels.items())), dict(labels))
        columns |= dict.fromkeys(sorted(labels))
        row["Value" if len(_targets(panel)) == 1 else f"Value #{shown.ref_id}"] = shown.value
    columns |= dict.fromkeys(["Value"] if len(_targets(panel)) == 1 else [f"Value #{ref}" for ref in refs])
    return _organized(panel, list(columns), list(rows.values()))


def _targets(panel: Panel) -> list[str]:
    return [target.ref_id for target in panel.targets if not target.hidden]


def _organized(
    panel: Panel, columns: list[str], rows: list[dict[str, Cell]]
) -> tuple[list[str], list[dict[str, Cell]]]:
    for step in panel.raw.get("transformations") or ():
        if step.get("id") != "organize":
            continue
        options: Mapping[str, Mapping[str, object]] = step.get("options") or {}
        left_out, order = options.get("excludeByName") or {}, options.get("indexByName") or {}
        names = {key: str(name) for key, name in (options.get("renameByName") or {}).items() if name}
        places = {name: int(str(order.get(name, len(columns) + at))) for at, name in enumerate(columns)}
        kept = [name for name in sorted(columns, key=places.__getitem__) if not left_out.get(name)]
        columns = [names.get(name, name) for name in kept]
        rows = [{names.get(name, name): row.get(name) for name in kept} for row in rows]
    return columns, rows


def table(box: Box, panel: Panel, values: Sequence[PanelValue]) -> None:
    """Draw a header and as many rows as there is room for; those left out are counted."""
    config = Config(panel)
    columns, rows = table_cells(panel, values)
    columns = [name for name in columns if any(row.get(name) not in {None, ""} for row in rows)] or columns
    texts = [{name: _cell(config, name, row.get(name)) for name in columns} for row in rows]
    height = min(_ROW, max(_MANY_ROWS, box.h / (len(rows) + 1)))
    fitting = max(1, math.floor(box.h / height) - 1)
    shown = texts if len(texts) <= fitting else texts[: fitting - 1]
    size = min(9.0, height * 0.5)
    lefts = _columns(columns, texts, box.w)
    for name, (left, _) in lefts.items():
        box.text(left + 8, height / 2, drawable(name), size=min(8.5, size), colour=MUTED, bold=True)
    box.line([(0, height), (box.w, height)], GRID, line=1.2)
    for index, row in enumerate(shown):
        top = (index + 1) * height
        for name, (left, wide) in lefts.items():
            text, colour = row[name]
            if colour is not None:
                box.fill(left + 2, top + 1, wide - 4, height - 2, colour)
            ink = INK if colour is None else contrast(colour)
            box.text(left + 8, top + height / 2, fit(drawable(text), size, wide - 12), size=size, colour=ink)
        box.line([(0, top + height), (box.w, top + height)], GRID, line=0.6)
    if len(shown) < len(texts):
        box.text(6, (len(shown) + 1.5) * height, f"+ {len(texts) - len(shown)} more", size=8.5, colour=MUTED)


def _cell(config: Config, column: str, value: Cell) -> tuple[str, str | None]:
    if isinstance(value, str):
        return value, None
    if value is None:
        return "", None
    look = config.look(value, column)
    filled = (config.option("custom.cellOptions", column) or {}).get("type") == "color-background"
    return look.text, look.colour if filled else None


def _columns(
    columns: Sequence[str], rows: Sequence[Mapping[str, tuple[str, str | None]]], room: float
) -> dict[str, tuple[float, float]]:
    """Give each column its left edge and width, in the proportion of what stands in it."""
    needs = [max(width(drawable(text), 9) for text in (name, *(row[name][0] for row in rows))) + 24 for name in columns]
    scale, left, places = room / (sum(needs) or 1), 0.0, {}
    for name, need in zip(columns, needs, strict=True):
        places[name] = (left, need * scale)
        left += need * scale
    return places


def state_timeline(box: Box, panel: Panel, values: Sequence[PanelValue], start: float, end: float) -> None:
    """Draw a band per series that changes colour with its state, and a legend of the states."""
    config = Config(panel)
    names = max(width(drawable(shown.name), 8) for shown in values) + 10
    left = min(names, box.w * 0.4)
    below = 40.0
    axes = box.axes(left, 0, box.w - left - 6, box.h - below)
    dress_time(axes, start, end)
    axes.grid(visible=False, axis="y")
    axes.set_yticks([])
    axes.set_ylim(len(values), 0)
    row = (box.h - below) / len(values)
    for index, shown in enumerate(values):
        box.text(left - 8, (index + 0.5) * row, fit(drawable(shown.name), 8, left - 8), size=8, ha="right")
        for begin, stop, value in _segments(shown.series, end):
            look = config.look(value, shown.name)
            colour = look.colour or PALETTE[0]
            from_, to = max(begin, start), min(stop, end)
            axes.barh(index + 0.5, to - from_, left=from_, height=0.78, color=colour, linewidth=0)
            pixels = (to - from_) / (end - start) * (box.w - left - 6)
            if row >= 13 and width(drawable(look.text), 8) + 8 <= pixels:
                at = left + (from_ - start) / (end - start) * (box.w - left - 6) + 5
                box.text(at, (index + 0.5) * row, look.text, size=8, colour=contrast(colour))
    _states(box, config)


def _states(box: Box, config: Config) -> None:
    at = 0.0
    for text, colour in config.states():
        box.fill(at, box.h - 13, 10, 10, colour)
        box.text(at + 15, box.h - 8, text, size=8.5)
        at += 15 + width(drawable(text), 8.5) + 16


def _segments(series: FrameSeries, end: float) -> Iterator[tuple[float, float, float]]:
    """Merge neighbours of the same value into (from, to, value); a gap is left open."""
    points = [point for point in zip(series.times, series.values, strict=True) if math.isfinite(point[1])]
    strides = sorted(later[0] - earlier[0] for earlier, later in itertools.pairwise(points))
    usual = strides[len(strides) // 2] if strides else 0.0
    begin: tuple[float, float] | None = None
    for index, point in enumerate(points):
        following = points[index + 1] if index + 1 < len(points) else None
        begin = begin or point
        hole = following is not None and following[0] - point[0] > 3.5 * usual
        if following is None:
            yield begin[0], end if end - point[0] <= 3.5 * usual or not usual else point[0] + usual, begin[1]
        elif hole or following[1] != begin[1]:
            yield begin[0], point[0] + usual if hole else following[0], begin[1]
            begin = None
