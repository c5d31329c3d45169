"""The states of a stack's services as text: ``docker_status.txt``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from evidence.grafana import GrafanaUsed, label_of

FILE_NAME: Final = "docker_status.txt"
NO_STACK: Final = "no stack was started in this run\n"


class Service(Protocol):
    """What is said of one service, whatever runs it."""

    @property
    def name(self) -> str:
        """Such as ``redis``."""

    @property
    def running(self) -> bool:
        """Its process or container exists."""

    @property
    def healthy(self) -> bool:
        """It answered its own readiness question."""

    @property
    def version(self) -> str:
        """What runs."""

    @property
    def detail(self) -> str:
        """Its last answer, or why there is none."""


def render(stack: str, services: Iterable[Service], grafana: GrafanaUsed | None) -> str:
    """Write a table like that of ``docker compose ps``, for whichever stack it was."""
    lines = [f"stack: {stack}", f"grafana: {label_of(grafana)}"]
    lines.append(_columns("SERVICE", "RUNNING", "HEALTHY", "VERSION", "DETAIL"))
    for one in services:
        running, healthy = ("yes" if state else "NO" for state in (one.running, one.healthy))
        lines.append(_columns(one.name, running, healthy, one.version, one.detail))
    return "\n".join(lines) + "\n"


def _columns(name: str, running: str, healthy: str, version: str, detail: str) -> str:
    return f"{name:<14} {running:<8} {healthy:<8} {version:<12} {detail}".rstrip()
