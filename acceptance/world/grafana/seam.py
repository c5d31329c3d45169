"""What the server and its pages know of each other: one request, one response, and what a page may ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from acceptance.display import Display

__all__ = ["PageRequest", "PageResponse", "Site"]


class Site(Protocol):
    """What a page may ask of the server. Safe to call from several threads at once."""

    def dashboards(self) -> tuple[dict[str, Any], ...]:
        """Give each dashboard, by title, as its API serves it: ``{"meta": ..., "dashboard": ...}``."""

    def query(self, queries: Sequence[Mapping[str, Any]], from_ms: int, to_ms: int) -> dict[str, Any]:
        """Give the body that ``POST /api/ds/query`` answers, ``{"results": {refId: ...}}``.

        A target that failed carries ``error`` in its result. Never raises for a query: a request that is refused as
        a whole (an unknown datasource, no query at all) is the refusal's body, ``{"message": ...}``, without
        ``results``.

        Args:
            queries: Query objects as ``acceptance.dashboards.model.panel_queries`` makes them.
            from_ms: Start of the range, Unix milliseconds.
            to_ms: End of the range, Unix milliseconds; instant targets are evaluated here.
        """

    def display(self) -> Display | None:
        """Return what says what panels display; None: pages then show the bare numbers."""

    def scrape_interval(self) -> float:
        """Give the default datasource's ``timeInterval`` in seconds; 15.0 where it has none, as in Grafana."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """One GET of a page. Only ``/login`` and ``/public/...`` are handed over without a login.

    The login page's form posts ``user`` and ``password`` to ``/login``; after a wrong one the browser comes back to
    ``/login?error=1``. ``/logout`` is the server's own.
    """

    path: str  # decoded, without the query, e.g. "/d/d77_system_health/d77-system-health"
    params: Mapping[str, tuple[str, ...]]  # the query string, decoded, e.g. {"var-env": ("paper",)}
    logged_in: bool
    site: Site


@dataclass(frozen=True, slots=True, kw_only=True)
class PageResponse:
    """What to send; the server adds Content-Length and Date. A redirect has a ``Location`` among its headers."""

    status: int
    content_type: str  # e.g. "text/html; charset=utf-8"
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
