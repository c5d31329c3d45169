"""What really ran: each service's own version, its image and the image's id."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Mapping

from acceptance.stack.compose import diagnosis
from acceptance.stack.compose.images import choose, contexts
from acceptance.stack.compose.project import Project
from acceptance.stack.docker import docker_cli
from acceptance.stack.interface import SERVICES
from acceptance.stack.readiness import http_get
from acceptance.world.grafana.identity import VERSION as STANDIN_VERSION
from evidence.grafana import GrafanaKind, GrafanaUsed

_NUMBER = re.compile(r"\d+(?:\.\d+)+(?:-[a-z]+)?")


def versions(project: Project, ports: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """Service name -> ``version`` (``unknown`` if it cannot be asked), ``source``, ``image``, ``id``.

    Where another image ran in the place of the official one, that is named as ``official_untested``.
    """
    official = choose.official(project.root)
    rows = diagnosis.containers(project)
    found = {}
    for name in SERVICES:
        if name not in rows:
            continue
        row = rows[name]
        found[name] = {
            "version": _version(name, project, ports),
            "source": f"image {row.image} {row.image_id[:19]}",
            "image": row.image,
            "id": row.image_id,
        }
        instead = official.get(f"{name.upper().replace('-', '_')}_IMAGE")
        if instead is not None and row.image != instead:
            found[name]["official_untested"] = instead
    return found


def grafana_used(image: str, version: str) -> GrafanaUsed:
    """Say in the words of the evidence which Grafana an image is: those built here are the stand-in.

    Args:
        image: The image's name.
        version: What the running server reports.
    """
    if image.startswith(f"{contexts.NAMESPACE}/") or version == STANDIN_VERSION:
        return GrafanaUsed(kind=GrafanaKind.STANDIN, version=STANDIN_VERSION)
    return GrafanaUsed(kind=GrafanaKind.IMAGE, version=version, image=image)


def _version(service: str, project: Project, ports: Mapping[str, int]) -> str:
    try:
        text = _ASKED[service](project, ports)
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        text = ""
    number = _NUMBER.search(text)
    return number.group() if number else "unknown"


def _command(service: str, *argv: str) -> Callable[[Project, Mapping[str, int]], str]:
    def asked(project: Project, _: Mapping[str, int]) -> str:
        return docker_cli.docker("exec", project.container(service), *argv).stdout

    return asked


def _prometheus(_: Project, ports: Mapping[str, int]) -> str:
    body = http_get(ports["prometheus"], "/api/v1/status/buildinfo")[1]
    return str(json.loads(body)["data"]["version"])


def _grafana(_: Project, ports: Mapping[str, int]) -> str:
    body = http_get(ports["grafana"], "/api/health")[1]
    return str(json.loads(body)["version"])


def _metric(service: str, metric: str) -> Callable[[Project, Mapping[str, int]], str]:
    pattern = re.compile(rf'^{metric}\{{[^}}]*\bversion="([^"]+)"', re.MULTILINE)

    def asked(_: Project, ports: Mapping[str, int]) -> str:
        body = http_get(ports[service], "/metrics")[1]
        match = pattern.search(body)
        return match.group(1) if match else ""

    return asked


_ASKED: Mapping[str, Callable[[Project, Mapping[str, int]], str]] = {
    "redis": _command("redis", "redis-server", "--version"),
    "postgres": _command("postgres", "postgres", "--version"),
    "prometheus": _prometheus,
    "grafana": _grafana,
    "node-exporter": _command("node-exporter", "/bin/node_exporter", "--version"),
    "engine": _metric("engine", "arbitrage_engine_info"),
}
