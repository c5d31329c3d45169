"""The picture of one panel, at an address of its own: the page names range and variables in it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from typing import Any, Final

from acceptance.dashboards.model import Panel, list_panels
from acceptance.dashboards.pictures import data_picture
from acceptance.world.grafana.pages.ask import ask_panel
from acceptance.world.grafana.pages.plain import not_found
from acceptance.world.grafana.pages.view import chosen_values, read_range, window_of
from acceptance.world.grafana.seam import PageRequest, PageResponse

__all__ = ["NARROW", "panel_svg", "places_css", "size"]

NARROW: Final = "narrow"
_COLUMN, _LINE = 56.0, 38.0  # pixels of the dashboard's grid
_ABOVE = 92.0  # pixels of a panel that its title and description take
_PHONE = 340.0  # pixels
_DRAWING = threading.Lock()  # matplotlib's settings are global while a picture is made
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def size(panel: Panel, *, narrow: bool) -> tuple[float, float]:
    """Give width and height in pixels: of its place in the grid, or of a phone."""
    place = panel.raw.get("gridPos") or {}
    columns = min(max(float(place.get("w", 12)), 3), 24)
    lines = min(max(float(place.get("h", 8)), 3), 40)
    wide = (columns * _COLUMN - 34, max(lines * _LINE - _ABOVE, 70.0))
    if not narrow:
        return wide
    return _PHONE, {"stat": 84.0, "gauge": 84.0}.get(panel.type, min(max(wide[1], 200.0), 320.0))


def panel_svg(request: PageRequest, uid: str, place: str) -> PageResponse:
    """Draw the panel at a place of a dashboard's reading order, from data of the range that is asked for."""
    board, panels = _panels(request, uid)
    if not (place.isascii() and place.isdigit() and int(place) < len(panels)):
        return not_found(request, f"There is no panel {place} in a dashboard {uid}")
    panel = panels[int(place)]
    window = window_of(request.site, read_range(request, board))
    outcome = ask_panel(request.site, panel, chosen_values(request, board), window)
    width, height = size(panel, narrow=NARROW in request.params.get("size", ()))
    with _DRAWING:
        drawn = data_picture(outcome, width, height, source="stand-in for Grafana")
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "private, max-age=60"}
    return PageResponse(status=200, content_type="image/svg+xml", body=drawn, headers=headers)


def places_css(request: PageRequest, uid: str) -> PageResponse:
    """Write where each panel stands in the grid of its row; numbers only, since the texts are foreign."""
    rules = []
    for _, members in itertools.groupby(enumerate(_panels(request, uid)[1]), key=lambda item: item[1].row):
        places = [(index, panel.raw.get("gridPos") or {}) for index, panel in members]
        first = min(int(place.get("y", 0)) for _, place in places)
        for index, place in places:
            x, y = int(place.get("x", 0)), int(place.get("y", 0)) - first
            w, h = int(place.get("w", 12)), int(place.get("h", 8))
            rules.append(f"#p{index}{{grid-area:{y + 1}/{x + 1}/span {h}/span {w}}}")
    body = f"@media (min-width: 900px) {{{''.join(rules)}}}"
    return PageResponse(status=200, content_type="text/css; charset=utf-8", body=body.encode())


def _panels(request: PageRequest, uid: str) -> tuple[Mapping[str, Any], tuple[Panel, ...]]:
    """Give a dashboard and its panels; none for one that is not there or cannot be read."""
    for served in request.site.dashboards():
        board: Mapping[str, Any] = served["dashboard"]
        if board.get("uid") == uid and isinstance(board.get("panels"), list):
            return board, list_panels(board)
    return {}, ()
