"""Makes the picture of one panel, and of a dashboard with all its panels in their places."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from acceptance.dashboards.model import Panel
from acceptance.dashboards.pictures.ink import GRID, MUTED, RED, Box, drawable, drawing, fit, width, wrap
from acceptance.dashboards.pictures.reading import NO_DATA, describe, shown_of
from acceptance.dashboards.pictures.rows import state_timeline, table
from acceptance.dashboards.pictures.tiles import bargauge, piechart, stat
from acceptance.dashboards.pictures.timeseries import timeseries
from acceptance.display import Displayed
from acceptance.proof.sweep import PanelOutcome

__all__ = ["DRAWN", "Form", "data_picture", "panel_picture", "sheet_picture"]

Form = Literal["svg", "png"]
_OverTime = Callable[[Box, Panel, Displayed, float, float], None]
_Now = Callable[[Box, Panel, Displayed], None]

_OVER_TIME: dict[str, _OverTime] = {"timeseries": timeseries, "state-timeline": state_timeline}
_NOW: dict[str, _Now] = {"stat": stat, "gauge": stat, "bargauge": bargauge, "piechart": piechart, "table": table}
DRAWN = frozenset({*_OVER_TIME, *_NOW})

_SIZES = {"timeseries": (640, 360), "state-timeline": (640, 400), "table": (640, 400)}
_SMALL = (420, 280)  # of the others
_COLUMN, _LINE, _MARGIN = 60.0, 38.0, 16.0  # of a sheet, in pixels; Grafana's grid has 24 columns
_ROW_TITLE = 30.0


def panel_picture(outcome: PanelOutcome, form: Form = "svg", *, source: str = "Grafana") -> bytes:
    """Draw one panel with its description, what it showed, and what is wrong with it.

    Args:
        outcome: What Grafana returned, judged.
        form: Of the file.
        source: Which Grafana returned it; stands below the picture and in its description.

    Returns:
        The file; the same bytes for the same outcome.
    """
    with drawing():
        w, h = _SIZES.get(outcome.panel.type, _SMALL)
        page = Box.page(w, h)
        draw_panel(page.inner(0, 0, w, h - 18), outcome, lines=3)
        page.text(14, h - 12, fit(_origin(outcome, source), 7, w - 28), size=7, colour=MUTED)
        return _file(page, form, outcome.panel.title, _alternative(outcome, source))


def data_picture(outcome: PanelOutcome, w: float, h: float, *, source: str = "Grafana") -> bytes:
    """Draw only what one panel shows, for a place that has its title in letters of its own.

    Args:
        outcome: What Grafana returned.
        w: Width in pixels.
        h: Height in pixels.
        source: Which Grafana returned it.

    Returns:
        An SVG file; the same bytes for the same outcome.
    """
    with drawing():
        page = Box.page(w, h)
        _data(page.inner(4, 4, w - 8, h - 8), outcome)
        return _file(page, "svg", outcome.panel.title, _alternative(outcome, source))


def sheet_picture(
    title: str, outcomes: Sequence[PanelOutcome], form: Form = "svg", *, source: str = "Grafana"
) -> bytes:
    """Draw the panels of one dashboard, each where the dashboard has it.

    Args:
        title: Of the sheet.
        outcomes: The panels; all of them, or those of one row.
        form: Of the file.
        source: Which Grafana returned it.

    Raises:
        ValueError: No panel is given.
    """
    if not outcomes:
        raise ValueError(f"the sheet {title!r} has no panels")
    with drawing():
        tops, height = _tops(outcomes)
        page = Box.page(24 * _COLUMN + 2 * _MARGIN, height + 70)
        page.text(_MARGIN + 4, 26, title, size=17, bold=True)
        bad = sum(bool(outcome.problems()) for outcome in outcomes)
        summary = f"{len(outcomes)} panels" + (f", {bad} with a fault / 결함 {bad}개" if bad else ", all showing data")
        page.text(page.w - _MARGIN - 4, 26, summary, size=10, colour=RED if bad else MUTED, ha="right")
        for row, top in _row_tops(outcomes, tops).items():
            page.text(_MARGIN + 4, top - 13 + 46, row, size=11, bold=True, colour=MUTED)
        for outcome, top in zip(outcomes, tops, strict=True):
            place = _place(outcome)
            box = page.inner(_MARGIN + place["x"] * _COLUMN, top + 46, place["w"] * _COLUMN, place["h"] * _LINE)
            draw_panel(box.inner(4, 4, box.w - 8, box.h - 8), outcome, lines=2 if place["h"] >= 8 else 1)
        page.text(
            _MARGIN + 4,
            page.h - 12,
            fit(_origin(outcomes[0], source, panel=False), 8, page.w - 40),
            size=8,
            colour=MUTED,
        )
        return _file(page, form, title, "\n".join(_alternative(outcome, source) for outcome in outcomes))


def draw_panel(box: Box, outcome: PanelOutcome, *, lines: int) -> None:
    """Draw a card: title, Korean description of at most `lines` lines, the data, and faults in red."""
    panel = outcome.panel
    problems = outcome.problems()
    box.fill(1, 1, box.w - 2, box.h - 2, "white", edge=RED if problems else GRID, line=2 if problems else 1)
    box.text(14, 18, fit(drawable(panel.title), 11, box.w - 28, bold=True), size=11, bold=True)
    english, korean = describe(panel)
    rows = wrap(drawable(korean or english), 7.5, box.w - 28, lines=lines)
    for index, row in enumerate(rows):
        box.text(14, 36 + index * 14, row, size=7.5, colour=MUTED)
    top = 36 + len(rows) * 14 + 2
    faults = wrap(drawable(_faults(outcome)), 7.5, box.w - 28, lines=2) if problems else []
    bottom = 10 + len(faults) * 13
    for index, row in enumerate(faults):
        box.text(14, box.h - bottom + 6 + index * 13, row, size=7.5, colour=RED)
    _data(box.inner(14, top, box.w - 28, box.h - top - bottom), outcome)


def _data(box: Box, outcome: PanelOutcome) -> None:
    panel = outcome.panel
    shown = shown_of(outcome)
    if outcome.failure or not shown.seen or all(one.value is None for one in outcome.values):
        what = "NOT ANSWERED / 응답 없음" if outcome.failure or outcome.result is None else NO_DATA
        size = min(15.0, (box.w - 4) / width(what, 1, bold=True))
        box.text(box.w / 2, box.h / 2, what, size=size, colour=RED, bold=True, ha="center")
    elif panel.type in _OVER_TIME:
        start, end = _range(outcome)
        _OVER_TIME[panel.type](box, panel, shown, start, end)
    elif panel.type in _NOW:
        _NOW[panel.type](box, panel, shown)
    else:
        text = f"panel type {panel.type!r} is not drawn here"
        box.text(box.w / 2, box.h / 2, fit(text, 10, box.w), size=10, colour=RED, ha="center")


def _range(outcome: PanelOutcome) -> tuple[float, float]:
    asked: Any = outcome.result.request if outcome.result is not None else {}
    start, end = float(asked.get("from", 0)) / 1000, float(asked.get("to", 0)) / 1000
    return (start, end) if end > start else (end - 1, end)


def _faults(outcome: PanelOutcome) -> str:
    if outcome.failure:
        return outcome.failure
    return "; ".join(dict.fromkeys(f"{fault.fault} ({fault.ref_id}): {fault.detail}" for fault in outcome.faults))


def _origin(outcome: PanelOutcome, source: str, *, panel: bool = True) -> str:
    """Say where the data come from and of when they are."""
    when = "not answered"
    if outcome.result is not None:
        when = datetime.fromtimestamp(_range(outcome)[1], tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{outcome.panel.dashboard}{f' · {outcome.panel.id}' if panel else ''} · {source}, {when}"


def _alternative(outcome: PanelOutcome, source: str) -> str:
    """Say in words what is drawn, for those who cannot see it and for those who search."""
    english, korean = describe(outcome.panel)
    shown = ", ".join(shown_of(outcome).texts()[:40])
    words = (english, korean, f"Displayed: {shown or 'nothing'}.", _origin(outcome, source), *outcome.problems())
    return f"{outcome.panel.title}. {' '.join(word for word in words if word)}"


def _place(outcome: PanelOutcome) -> dict[str, float]:
    given = outcome.panel.raw.get("gridPos") or {}
    return {"x": 0.0, "y": 0.0, "w": 12.0, "h": 8.0} | {key: float(value) for key, value in given.items()}


def _tops(outcomes: Sequence[PanelOutcome]) -> tuple[list[float], float]:
    """Give each panel's upper edge on the sheet, and the height of all: rows of the grid that are empty close up."""
    places = [_place(outcome) for outcome in outcomes]
    first = min(place["y"] for place in places)
    titles = {outcome.panel.row: 0.0 for outcome in outcomes}
    for outcome, place in zip(reversed(outcomes), reversed(places), strict=True):
        titles[outcome.panel.row] = place["y"]
    starts = {row: min(p["y"] for o, p in zip(outcomes, places, strict=True) if o.panel.row == row) for row in titles}
    order = sorted(row for row in {*starts.values()})
    tops = [
        # Each row title above it takes the place of one grid line.
        (place["y"] - first - sum(start <= starts[outcome.panel.row] for start in order) + 1) * _LINE
        + sum(start <= starts[outcome.panel.row] for start in order) * _ROW_TITLE
        for outcome, place in zip(outcomes, places, strict=True)
    ]
    return tops, max(top + place["h"] * _LINE for top, place in zip(tops, places, strict=True))


def _row_tops(outcomes: Sequence[PanelOutcome], tops: Sequence[float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for outcome, top in zip(outcomes, tops, strict=True):
        name = outcome.panel.row or ""
        found[name] = min(found.get(name, top), top)
    return found


def _file(page: Box, form: Form, title: str, description: str) -> bytes:
    stream = io.BytesIO()
    if form == "svg":
        FigureCanvasSVG(page.figure)
        metadata: dict[str, Any] = {"Title": title, "Description": description, "Date": None, "Creator": None}
        page.figure.savefig(stream, format="svg", metadata=metadata)
        return stream.getvalue()
    canvas: Any = FigureCanvasAgg(page.figure)  # two of its methods have no types
    canvas.draw()
    words = PngInfo()
    words.add_itxt("Title", title)
    words.add_itxt("Description", description)
    _with_palette(np.asarray(canvas.buffer_rgba())).save(stream, "PNG", pnginfo=words)
    return stream.getvalue()


def _with_palette(pixels: NDArray[np.uint8]) -> Image.Image:
    """Keep the 256 colours that are seen most, for a third of the size: only edges of letters are among the others.

    Pillow's own choice would mix rare colours, and a state may be known by its colour alone.

    Args:
        pixels: Height x width x RGBA.
    """
    rgb = pixels[:, :, :3].astype(np.uint32)
    colours, where, counts = np.unique(
        (rgb[:, :, 0] << 16) | (rgb[:, :, 1] << 8) | rgb[:, :, 2], return_inverse=True, return_counts=True
    )
    kept = np.sort(np.argsort(-counts.astype(np.int64), kind="stable")[:256])
    parts = np.stack([colours >> 16, (colours >> 8) & 255, colours & 255], axis=1).astype(np.int32)
    nearest = np.stack([((parts - parts[index]) ** 2).sum(axis=1) for index in kept], axis=1).argmin(axis=1)
    image = Image.fromarray(nearest.astype(np.uint8)[where].reshape(rgb.shape[:2]))
    image.putpalette(parts[kept].astype(np.uint8).tobytes())
    return image
