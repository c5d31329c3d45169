from __future__ import annotations

from dataclasses import dataclass

from evidence import status
from evidence.grafana import GrafanaKind, GrafanaUsed


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service as a stack would describe it."""

    name: str
    running: bool
    healthy: bool
    version: str
    detail: str


def test_every_service_has_its_line() -> None:
    """Name, state, health, version and detail stand in one line; what is down stands out."""
    text = status.render(
        "embedded",
        [
            Service(name="redis", running=True, healthy=True, version="7.0.15", detail="pid 12, PONG"),
            Service(name="grafana", running=True, healthy=False, version="10.0.0", detail="HTTP 503"),
        ],
        GrafanaUsed(kind=GrafanaKind.STANDIN, version="0.0.0-standin"),
    )
    lines = [line.split(maxsplit=4) for line in text.splitlines()]
    assert lines[0] == ["stack:", "embedded"]
    assert lines[1] == ["grafana:", "stand-in"]
    assert lines[3:] == [
        ["redis", "yes", "yes", "7.0.15", "pid 12, PONG"],
        ["grafana", "yes", "NO", "10.0.0", "HTTP 503"],
    ]


def test_a_stack_without_grafana_says_so() -> None:
    """Nobody may take silence for a Grafana."""
    assert "grafana: none that answered\n" in status.render("embedded", [], None)
