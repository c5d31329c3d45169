"""What every stack promises, whatever runs the servers: the seam between the suite and the machinery.

The acceptance tests know only this interface. ``embedded`` (child processes), ``compose`` (containers) and
``external`` (the user's own servers) stand behind it, so that one set of tests serves all three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from evidence.grafana import GrafanaUsed

if TYPE_CHECKING:  # an HTTP client, which whoever only names a stack's error has no use for
    from acceptance.probes.transport import Login

GrafanaChoice = Literal["auto", "real", "standin"]
GRAFANA_CHOICES: tuple[GrafanaChoice, ...] = ("auto", "real", "standin")

SERVICES: tuple[str, ...] = ("redis", "postgres", "prometheus", "grafana", "node-exporter", "engine")
"""Every service name that a stack may use; the names are those of the compose file."""


class StackError(Exception):
    """A stack cannot do what was asked.

    The text is meant for a person: the service, what was asked of it, its last answer, the number of
    attempts, its exit code if it died, and the tail of its log. It never holds a secret.

    Attributes:
        service: The service it is about, or ``""`` when it is about the stack as a whole.
    """

    def __init__(self, message: str, *, service: str = "") -> None:
        super().__init__(message)
        self.service = service


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """Where the servers of a stack answer from this machine; no trailing slash."""

    prometheus: str
    grafana: str
    node_exporter: str
    engine: str | None  # None where the stack runs without the engine
    prometheus_auth: Login | None = None  # None where it asks for none
    ca: Path | None = None  # whose certificates are trusted; None: those that this machine trusts


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightRun:
    """One finished preflight run, as seen from outside."""

    argv: tuple[str, ...]  # as started, first element the program; never holds a secret
    exit_code: int
    report: dict[str, Any]  # the report JSON; empty when the run wrote none (a usage error)
    prom: str  # the textfile as it stands after the run; "" when there is none
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """How one service is doing at this moment."""

    name: str
    running: bool  # its process or container exists and is not paused
    healthy: bool  # it answered its own readiness question just now
    version: str
    detail: str  # its last answer, or why there is none


@runtime_checkable
class Stack(Protocol):
    """A running set of servers on which the acceptance tests stand."""

    @property
    def name(self) -> str:
        """``embedded``, ``compose`` or ``external``."""

    def start(self) -> None:
        """Start every service and return when each is ready.

        Raises:
            StackError: A service failed; everything that was started is ended again. ``secrets``, ``services``,
                ``versions`` and ``logs`` then tell how things stood, for the evidence.
        """

    def stop(self) -> None:
        """End every service and remove what the stack wrote. Calling it twice is fine."""

    def keep(self) -> str:
        """Let the servers live on when this process ends.

        Returns:
            What to type to end them.
        """

    @property
    def urls(self) -> Urls:
        """Where the servers answer."""

    @property
    def ports(self) -> Mapping[str, int]:
        """Service name -> port on 127.0.0.1; empty where they are somebody else's."""

    @property
    def grafana_auth(self) -> tuple[str, str]:
        """User and password of Grafana's administrator."""

    @property
    def grafana(self) -> GrafanaUsed | None:
        """Which Grafana it is; None where the stack has none, and while that is not known."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value that this stack made, for redaction."""

    def run_preflight(self, *args: str, env: Mapping[str, str] | None = None) -> PreflightRun:
        """Run preflight against this stack.

        Args:
            *args: Further options; ``--env paper`` is added unless an env is named.
            env: Variables laid over those that point preflight at this stack.
        """

    def services(self) -> tuple[ServiceState, ...]:
        """The state of every service, asked now; after a start that failed, as it was then (it may be empty)."""

    def versions(self) -> dict[str, dict[str, str]]:
        """Service name -> ``{"version": ..., "source": ...}``."""

    def logs(self, service: str) -> str:
        """What the service has written so far; after ``stop`` or a start that failed, until then."""

    def stop_service(self, name: str) -> None:
        """Stop one service; its port and its data are kept for ``start_service``."""

    def start_service(self, name: str) -> None:
        """Start a stopped service on the same port with the same data; returns when it is ready."""

    def pause_service(self, name: str) -> None:
        """Freeze a service: it keeps its connections and answers nothing."""

    def resume_service(self, name: str) -> None:
        """Let a paused service go on; returns when it is ready."""


class DataServers(Protocol):
    """The part of a stack that faults and live runs use: its servers as they are reached from this machine."""

    def settings(self) -> dict[str, Any]:
        """Preflight's settings for it, nested; host and port as reached from here."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret it made."""

    def stop_service(self, name: str) -> None:
        """Stop a server."""

    def start_service(self, name: str) -> None:
        """Start it again; returns when it is ready."""

    def pause_service(self, name: str) -> None:
        """Freeze a server."""

    def resume_service(self, name: str) -> None:
        """Let it go on; returns when it is ready."""
