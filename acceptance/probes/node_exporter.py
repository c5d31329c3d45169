"""Asks node_exporter for its page, on which the preflight's ``.prom`` file must appear."""

from __future__ import annotations

from pathlib import Path

import requests

from acceptance.probes.exposition import Exposition, parse
from acceptance.probes.transport import HttpProbe, ProbeClient

__all__ = ["NodeExporterClient"]


class NodeExporterClient(ProbeClient):
    """A thin client of an exporter's ``/metrics``; the engine's page can be read with it just as well."""

    def __init__(
        self,
        base_url: str,
        session: requests.Session | None = None,
        timeout: float = 10.0,
        service: str = "node_exporter",
        *,
        ca: Path | None = None,
    ) -> None:
        """Remember the address; see ``HttpProbe``."""
        super().__init__(HttpProbe(base_url, service=service, session=session, timeout=timeout, ca=ca))

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
