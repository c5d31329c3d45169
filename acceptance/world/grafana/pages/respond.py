"""Sorts the addresses of pages."""

from __future__ import annotations

from acceptance.world.grafana.pages.dashboard import dashboard_page
from acceptance.world.grafana.pages.picture import panel_svg, places_css
from acceptance.world.grafana.pages.plain import dashboard_list, login, not_found
from acceptance.world.grafana.pages.public_files import public_file
from acceptance.world.grafana.seam import PageRequest, PageResponse

__all__ = ["respond"]


def respond(request: PageRequest) -> PageResponse:
    """Answer a GET of anything but the API."""
    return _found(request) or not_found(request, f"The stand-in has no page {request.path}")


def _found(request: PageRequest) -> PageResponse | None:
    found: PageResponse | None = None
    match [part for part in request.path.split("/") if part]:
        case ["login"]:
            found = login(request)
        case ["public", name]:
            found = public_file(name)
        case [] | ["dashboards"]:
            found = dashboard_list(request)
        case ["d", uid] | ["d", uid, _]:
            found = dashboard_page(request, uid)
        case ["panel", uid, "places.css"]:
            found = places_css(request, uid)
        case ["panel", uid, place] if place.endswith(".svg"):
            found = panel_svg(request, uid, place.removesuffix(".svg"))
    return found
