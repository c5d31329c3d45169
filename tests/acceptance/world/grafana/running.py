"""Runs a stand-in in this process, for tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import MappingProxyType

import requests

from acceptance.stack.ports import HOST
from acceptance.world.grafana.front import Front, Pages
from acceptance.world.grafana.logfmt import LogfmtLog
from acceptance.world.grafana.options import ServerOptions
from acceptance.world.grafana.seam import PageRequest, PageResponse
from acceptance.world.grafana.server import Server
from acceptance.world.grafana.site import GrafanaSite
from tests.acceptance.world.grafana import provisioning_files

ADMIN = ("admin", "correct horse battery")


@dataclass(frozen=True, slots=True)
class Running:
    """A stand-in on a port of its own."""

    url: str
    site: GrafanaSite
    log: StringIO

    def get(self, path: str, **more: object) -> requests.Response:
        """Ask as the administrator."""
        return requests.get(f"{self.url}{path}", auth=ADMIN, timeout=30, allow_redirects=False, **more)  # type: ignore[arg-type]

    def query(self, expr: str, **more: object) -> requests.Response:
        """Run one target now."""
        source = {"type": "prometheus", "uid": provisioning_files.SOURCE}
        target = {"refId": "A", "datasource": source, "expr": expr, "instant": True, "range": False, **more}
        body = {"queries": [target], "from": "now-1m", "to": "now"}
        return requests.post(f"{self.url}/api/ds/query", json=body, auth=ADMIN, timeout=30)


def a_page(request: PageRequest) -> PageResponse:
    """Stand for the pages, which have tests of their own: say what was handed over."""
    told = f"{request.path} {sorted(request.params.items())} {request.logged_in}"
    return PageResponse(status=200, content_type="text/html; charset=utf-8", body=told.encode())


@contextmanager
def standin(
    folder: Path,
    url: str,
    *,
    pages: Pages = a_page,
    data: Path | None = None,
    library: Mapping[str, str] = MappingProxyType({}),
    **limits: float,
) -> Iterator[Running]:
    """Run a stand-in in this process, in front of the Prometheus at ``url``; `library` says where Grafana's own is."""
    log = StringIO()
    lines = LogfmtLog(log)
    user, password = ADMIN
    options = ServerOptions(host=HOST, port=0, provisioning=folder, user=user, password=password, data=data)
    environ = {"PROMETHEUS_URL": url, "DASHBOARDS_PATH": str(folder / "files"), "SCRAPE_INTERVAL": "1s", **library}
    site = GrafanaSite(options, environ, lines)
    server = Server(HOST, 0, Front(site, pages, lines).answer, **limits)  # type: ignore[arg-type]
    server.start()
    try:
        yield Running(f"http://{HOST}:{server.port}", site, log)
    finally:
        server.close()
        site.close()
