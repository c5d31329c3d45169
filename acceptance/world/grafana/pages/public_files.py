"""The files beside the pages: style sheet, script, icon, and a Korean font for machines that have none."""

from __future__ import annotations

import io
from functools import cache
from importlib.resources import files

from fontTools.ttLib import TTFont

from acceptance.dashboards.pictures.ink import font_file
from acceptance.world.grafana.seam import PageResponse

__all__ = ["public_file"]

_KOREAN = "korean.ttf"
_TYPES = {
    "standin.css": "text/css; charset=utf-8",
    "standin.js": "text/javascript; charset=utf-8",
    "standin.svg": "image/svg+xml",
    _KOREAN: "font/ttf",
}


def public_file(name: str) -> PageResponse | None:
    """Give one of the files; None where there is none of this name."""
    if name not in _TYPES:
        return None
    body = _korean() if name == _KOREAN else files(__package__).joinpath("public", name).read_bytes()
    headers = {"Cache-Control": "max-age=3600" if name == _KOREAN else "no-cache"}
    return PageResponse(status=200, content_type=_TYPES[name], body=body, headers=headers)


@cache
def _korean() -> bytes:
    """Give the font that the pictures are drawn with, without its makers' sources, which browsers refuse."""
    font, stream = TTFont(font_file()), io.BytesIO()
    for table in [tag for tag in font.keys() if tag.startswith("TSI")]:  # noqa: SIM118 - no mapping
        del font[table]
    font.save(stream)
    return stream.getvalue()
