"""Reports of a bundle, for people and for programs: HTML, Markdown, JSON.

::

    view       what a report shows, as one document: the JSON form, and what the others are drawn from
    html       one self-contained page in English and Korean (page/)
    markdown   for a CI's summary page
    hops       the way of one value, with times
"""

from __future__ import annotations

from evidence.report.view import build, to_json

__all__ = ["build", "to_json"]
