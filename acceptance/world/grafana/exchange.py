"""One HTTP request and one response, as the server hands them to what answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Request", "Response", "json_response", "redirect", "refusal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in."""

    method: str  # HEAD is handed over as GET
    path: str  # decoded, without the query
    params: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]  # names in title case, e.g. Content-Type
    body: bytes = field(default=b"", repr=False)

    def json(self) -> Any:
        """Read the body.

        Raises:
            ValueError: It is no JSON.
        """
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deep") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What goes out; Content-Length and Date are added."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def json_response(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return Response(status=status, content_type="application/json", body=body, headers=headers or {})


def refusal(status: int, message: str) -> Response:
    """Refuse, in the form that Grafana's API does."""
    return json_response(status, {"message": message, "traceID": ""})


def redirect(location: str, headers: Mapping[str, str] | None = None) -> Response:
    """Send a browser elsewhere."""
    body = f'<a href="{location}">Found</a>.\n\n'.encode()
    return Response(
        status=302,
        content_type="text/html; charset=utf-8",
        body=body,
        headers={"Location": location, **(headers or {})},
    )
