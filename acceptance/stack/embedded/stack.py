"""The stack of real servers as child processes: nothing to install by hand, no root, no containers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from acceptance.stack import run_folder
from acceptance.stack.binaries import grafana_source
from acceptance.stack.binaries.component import Component
from acceptance.stack.binaries.progress import Progress
from acceptance.stack.embedded import programs
from acceptance.stack.embedded.context import (
    GRAFANA_USER,
    Layout,
    Secrets,
    StackContext,
    preflight_settings,
    write_private,
)
from acceptance.stack.embedded.services import BUILDERS, COMPONENT_OF
from acceptance.stack.embedded.supervisor.client import CODE, Event, SupervisorClient
from acceptance.stack.embedded.supervisor.protocol import SupervisorSpec
from acceptance.stack.interface import GrafanaChoice, PreflightRun, ServiceState, StackError, Urls
from acceptance.stack.owned import NOT_STARTED, OwnedStack
from acceptance.stack.ports import HOST, Ports
from acceptance.stack.readiness import look_at_all
from acceptance.stack.run_as import service_user
from acceptance.stack.run_preflight import invoke
from evidence.grafana import GrafanaUsed

_START_TIMEOUT = 90.0


class EmbeddedStack(OwnedStack):
    """Redis, Postgres, Prometheus, Grafana, node_exporter and the engine under one supervisor.

    Use it as a context manager, or call ``start`` and ``stop``. However the process that holds it ends, the
    servers end too (see ``supervisor``).
    """

    name = "embedded"

    def __init__(
        self,
        *,
        services: Sequence[str] | None = None,
        ports: Mapping[str, int] | None = None,
        interval: str | None = "1s",
        postgres: Mapping[str, str] | None = None,
        project: Path = CODE,
        monitoring: Path | None = None,
        textfile_seen: Path | None = None,
        grafana: GrafanaChoice = "auto",
        progress: Progress | None = None,
        resolve: Callable[[Sequence[str]], Mapping[str, Component]] | None = None,
        tell: Callable[[Event], object] = lambda _: None,
    ) -> None:
        """Nothing is started yet.

        Args:
            services: Which to run; None for all that are available.
            ports: Service name -> port for exactly these; None for any free ones.
            interval: Scrape and evaluation interval; None keeps the committed one.
            postgres: Settings of Postgres, laid over the stack's own; for tests of servers that are set up otherwise.
            project: Folder in which preflight runs.
            monitoring: Folder with ``prometheus`` and ``grafana``; None for the checkout's own.
            textfile_seen: Directory that node_exporter reads; None for the one preflight writes to. For
                breaking the stack on purpose.
            grafana: Which Grafana to run: one of this machine where there is one, that or none, or the stand-in.
            progress: Told which programs are passed over, chosen and made; standard error by default.
            resolve: Finds the programs; None for ``programs.resolve`` with this Grafana and progress.
            tell: Is given the supervisor's events while the stack starts.
        """
        super().__init__()
        self._names = tuple(services if services is not None else programs.available_services())
        programs.check(self._names)
        self._fixed = dict(ports) if ports is not None else None
        self._interval = interval
        self._postgres = dict(postgres or {})
        self._project = project
        self._monitoring = monitoring if monitoring is not None else CODE / "monitoring"
        self._textfile_seen = textfile_seen
        self._resolve = resolve or partial(programs.resolve, grafana=grafana, progress=progress)
        self._tell = tell
        self._secrets = Secrets()
        self._layout: Layout | None = None
        self._context: StackContext | None = None
        self._spec: SupervisorSpec | None = None
        self._supervisor: SupervisorClient | None = None
        self._components: Mapping[str, Component] = {}

    # --- life -----------------------------------------------------------------------------------------

    @property
    def _started(self) -> bool:
        return self._supervisor is not None

    def _begin(self) -> None:
        user = service_user()
        self._ports = Ports.free(self._names) if self._fixed is None else Ports.fixed(self._fixed)
        self._components = self._resolve([COMPONENT_OF[each] for each in self._names if each != "engine"])
        self._layout = Layout(run_folder.create(user))
        try:
            self._layout.make()
            context = self._context = StackContext(
                layout=self._layout,
                ports=self._ports.as_dict(),
                secrets=self._secrets,
                components=self._components,
                user=user,
                monitoring=self._monitoring,
                code=CODE,
                interval=self._interval,
                postgres=self._postgres,
                textfile_seen=self._textfile_seen or self._layout.textfile,
            )
            self._spec = SupervisorSpec(
                run_dir=str(self._layout.root),
                services=tuple(BUILDERS[each](context) for each in self._names),
            )
            self._supervisor = SupervisorClient(self._spec, log=self._layout.log("supervisor"))
        except OSError as error:
            message = f"cannot prepare the stack in {self._layout.root}: {error}"
            raise StackError(message) from error
        self.start_seconds = self._supervisor.wait_up(timeout=_START_TIMEOUT, tell=self._tell)

    def stop(self) -> None:
        """End every service and remove the run folder. Calling it twice is fine."""
        if self._layout is not None:
            self._last_logs = {each: self._read_log(each) for each in (*self._names, "supervisor")}
        if self._supervisor is not None:
            self._supervisor.close()
            self._supervisor = None
        if self._layout is not None:
            run_folder.remove(self._layout.root)  # the supervisor did, unless it was killed
            self._layout = None
        self._release_ports()

    def detach(self) -> int:
        """Let the stack live on without this process (``--keep-stack``, ``make up``).

        Returns:
            The supervisor's process id; a SIGTERM to it ends everything.
        """
        pid = self._running().detach()
        self._supervisor = None
        self._layout = None
        self._release_ports()
        return pid

    def keep(self) -> str:
        """Let the stack live on; give what to type to end it, and where its folder and Grafana's login are."""
        root, (user, password) = self.layout.root, self.grafana_auth
        login = write_private(self.layout.conf / "grafana-login", f"user={user}\npassword={password}\n")
        return f"kill {self.detach()} (its folder is {root}, Grafana's login is in {login})"

    # --- what it is -----------------------------------------------------------------------------------

    @property
    def urls(self) -> Urls:
        """Where the servers answer; empty for a service that this stack does not run."""
        ports = self.ports

        def at(service: str) -> str:
            return f"http://{HOST}:{ports[service]}" if service in ports else ""

        return Urls(
            prometheus=at("prometheus"),
            grafana=at("grafana"),
            node_exporter=at("node-exporter"),
            engine=at("engine") or None,
        )

    @property
    def layout(self) -> Layout:
        """Where its files lie."""
        if self._layout is None:
            raise StackError(NOT_STARTED)
        return self._layout

    @property
    def spec(self) -> SupervisorSpec:
        """What the supervisor was told; holds secrets."""
        if self._spec is None:
            raise StackError(NOT_STARTED)
        return self._spec

    @property
    def supervisor_pid(self) -> int:
        """Process id of the supervisor."""
        return self._running().pid

    def processes(self) -> list[dict[str, Any]]:
        """One row per service: ``service``, ``state``, ``pid`` or None, ``born`` (`preflight.system.process_id`)."""
        rows: list[dict[str, Any]] = self._running().request("status")["services"]
        return rows

    @property
    def grafana_auth(self) -> tuple[str, str]:
        """User and password of Grafana's administrator."""
        return GRAFANA_USER, self._secrets.grafana

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value that this stack made."""
        return self._secrets.values()

    def settings(self) -> dict[str, Any]:
        """Preflight's settings for this stack, nested as in its TOML file; holds secrets."""
        if self._context is None:
            raise StackError(NOT_STARTED)
        return preflight_settings(self._context)

    @property
    def grafana(self) -> GrafanaUsed | None:
        """Which Grafana this stack runs; None without one, and while that is not known."""
        component = self._components.get("grafana")
        return None if component is None else grafana_source.used(component)

    def versions(self) -> dict[str, dict[str, str]]:
        """Service name -> version and where the program came from; empty while that is not known."""
        if not self._components:
            return {}
        return programs.versions(self._names, self._components)

    # --- what it does ---------------------------------------------------------------------------------

    def run_preflight(self, *args: str, env: Mapping[str, str] | None = None) -> PreflightRun:
        """Run preflight against this stack, in an environment of nothing but what it needs."""
        return invoke(args, self.settings(), project=self._project, code=CODE, extra=env or {})

    def _states(self) -> tuple[ServiceState, ...]:
        """Each process as the supervisor sees it, and its answer."""
        rows = self.processes()
        answers = look_at_all({each.name: each.question for each in self.spec.services})
        versions = self.versions()
        return tuple(
            ServiceState(
                name=row["service"],
                running=row["pid"] is not None and row["state"] != "paused",
                healthy=answers[row["service"]].done,
                version=versions[row["service"]]["version"],
                detail=f"{row['state']}; {answers[row['service']].said}",
            )
            for row in rows
        )

    def logs(self, service: str) -> str:
        """What a service (or ``supervisor``) has written; after ``stop``, what it had written until then."""
        if service not in (*self._names, "supervisor"):
            message = f"no service {service!r} in this stack; there are: {', '.join(self._names)}"
            raise StackError(message, service=service)
        return self._last_logs.get(service, "") if self._layout is None else self._read_log(service)

    def stop_service(self, name: str) -> None:
        """Stop one service; port and data are kept."""
        self._running().request("stop", name)

    def start_service(self, name: str) -> None:
        """Start a stopped service; returns when it is ready."""
        self._running().request("start", name)

    def pause_service(self, name: str) -> None:
        """Freeze a service."""
        self._running().request("pause", name)

    def resume_service(self, name: str) -> None:
        """Let a paused service go on; returns when it is ready."""
        self._running().request("resume", name)

    # --- helpers --------------------------------------------------------------------------------------

    def _running(self) -> SupervisorClient:
        if self._supervisor is None:
            raise StackError(NOT_STARTED)
        return self._supervisor

    def _read_log(self, service: str) -> str:
        try:
            return self.layout.log(service).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
