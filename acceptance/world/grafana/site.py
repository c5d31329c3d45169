"""What one server serves: datasources, dashboards, logins; and what its pages may ask."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from acceptance.display import Display, GrafanaLibrary
from acceptance.world.grafana.accounts import Accounts
from acceptance.world.grafana.logfmt import LogfmtLog
from acceptance.world.grafana.login import Login
from acceptance.world.grafana.options import ServerOptions
from acceptance.world.grafana.provisioning.dashboards import Library
from acceptance.world.grafana.provisioning.datasources import load_datasources
from acceptance.world.grafana.provisioning.durations import SCRAPE_INTERVAL
from acceptance.world.grafana.provisioning.providers import load_providers
from acceptance.world.grafana.queries import Queries, QueryRefusedError

__all__ = ["DISPLAY", "NODE", "GrafanaSite"]

NODE, DISPLAY = "STANDIN_NODE", "STANDIN_DISPLAY"  # names in the environment: the program, the component's folder


class GrafanaSite:
    """Everything but HTTP; the ``Site`` of the pages. Use from several threads at once, and ``close`` it."""

    def __init__(self, options: ServerOptions, environ: Mapping[str, str], log: LogfmtLog) -> None:
        """Read provisioning and load the dashboards.

        Raises:
            ProvisioningError: A provisioning file cannot be used.
            OSError, ValueError: The data folder cannot be used.
        """
        self._log = log
        self.accounts = Accounts(options.data)
        self.login = Login(options.user, options.password, self.accounts)
        self.queries = Queries(load_datasources(options.provisioning, environ, log))
        self.library = Library(load_providers(options.provisioning, environ), log)
        self.library.scan()
        node, folder = environ.get(NODE), environ.get(DISPLAY)
        self._display = GrafanaLibrary(node=Path(node), folder=Path(folder)) if node and folder else None
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="dashboards", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Look at no file any more, and wait for no query."""
        self._over.set()
        self._watcher.join(5)
        self.queries.close()
        if self._display is not None:
            self._display.close()

    def dashboards(self) -> tuple[dict[str, Any], ...]:
        """Give each dashboard as served, by title."""
        return tuple(one.document() for one in self.library.dashboards)

    def query(self, queries: Sequence[Mapping[str, Any]], from_ms: int, to_ms: int) -> dict[str, Any]:
        """Answer as ``POST /api/ds/query``; a refusal is its body."""
        request = {"queries": [dict(query) for query in queries], "from": str(from_ms), "to": str(to_ms)}
        try:
            return self.queries.answer(request).body
        except QueryRefusedError as refused:
            return refused.body

    def display(self) -> Display | None:
        """Return Grafana's own display library, if the environment says where it is."""
        return self._display

    def scrape_interval(self) -> float:
        """Give the default datasource's ``timeInterval`` in seconds."""
        sources = sorted(self.queries.sources, key=lambda source: not source.is_default)
        return sources[0].scrape_interval if sources else SCRAPE_INTERVAL

    def _watch(self) -> None:
        while not self._over.wait(self.library.interval):
            try:
                self.library.scan()
            except OSError as error:  # a folder that goes while it is read: the next look will tell
                self._log.error("failed to search for dashboards", logger="provisioning.dashboard", error=error)
