"""Asks node_exporter for its page, on which the preflight's ``.prom`` file must appear."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import requests

from acceptance.probes.exposition import Exposition, parse
from acceptance.probes.transport import HttpProbe

__all__ = ["NodeExporterClient"]


class NodeExporterClient:
    """A thin client of an exporter's ``/metrics``; the engine's page can be read with it just as well."""

    def __init__(
        self,
        base_url: str,
        session: requests.Session | None = None,
        timeout: float = 10.0,
        service: str = "node_exporter",
    ) -> None:
        """Remember the address; see ``HttpProbe``."""
        self._http = HttpProbe(base_url, service=service, session=session, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the session, if this client made it."""
        self._http.close()

    def text(self) -> str:
        """Give the page as it is served."""
        response, asked = self._http.send("GET", "/metrics")
        self._http.fail_unless_ok(response, asked)
        response.encoding = "utf-8"  # the format is UTF-8 by definition; requests would guess Latin-1
        return response.text

    def samples(self) -> Exposition:
        """Give the page parsed.

        Raises:
            ProbeError: Unreachable, not 2xx, or not in the exposition format.
        """
        return parse(self.text(), origin=f"{self._http.service}'s /metrics")
