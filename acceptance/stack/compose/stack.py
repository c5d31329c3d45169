"""The stack of ``docker/docker-compose.yml``: the same containers that an operator starts, on ports of their own.

The life of a project is pytest-docker's; around it stand what it lacks: clean environment, deadlines, and an error
that names the service, its last log lines and what to do.
"""

from __future__ import annotations

import contextlib
import shlex
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pytest_docker.plugin import DockerComposeExecutor, get_docker_services

from acceptance.stack.compose import diagnosis, leftovers
from acceptance.stack.compose import project as compose_project
from acceptance.stack.compose import run_preflight as compose_run
from acceptance.stack.compose import secrets as compose_secrets
from acceptance.stack.compose import services as control
from acceptance.stack.compose.images import choose
from acceptance.stack.compose.readiness import questions
from acceptance.stack.compose.relay import Relays
from acceptance.stack.compose.versions import grafana_used, versions
from acceptance.stack.docker import docker_cli
from acceptance.stack.interface import SERVICES, GrafanaChoice, PreflightRun, ServiceState, StackError, Urls
from acceptance.stack.owned import NOT_STARTED, OwnedStack
from acceptance.stack.ports import HOST, Ports
from acceptance.stack.readiness import Question, look_at_all
from evidence.grafana import GrafanaUsed
from preflight.redaction import scrub

START_SECONDS = 60
"""For all services to become healthy. With the images there it takes 5 to 15."""

GRAFANA_USER = "admin"
_STOP_SECONDS = 5


class ComposeStack(OwnedStack):
    """Redis, Postgres, engine, Prometheus, Grafana and node_exporter in containers of one compose project.

    Use it as a context manager, or call ``start`` and ``stop``.
    """

    name = "compose"

    def __init__(
        self,
        *,
        services: Sequence[str] = SERVICES,
        images: choose.Mode = "auto",
        grafana: GrafanaChoice = "auto",
        ports: Mapping[str, int] | None = None,
        interval: str | None = "1s",
        root: Path = choose.ROOT,
        monitoring: Path | None = None,
        overrides: Mapping[str, str] | None = None,
        start_seconds: int = START_SECONDS,
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Nothing is started yet.

        Args:
            services: Which to run; those that they depend on have to be among them.
            images: Official images, ones built here, or whichever can be had.
            grafana: A Grafana (the official image, or the one that ``GRAFANA_IMAGE`` names), the stand-in, or a
                Grafana unless the other images are built here.
            ports: Service name -> port for exactly these; None for any free ones.
            interval: Scrape and evaluation interval; None keeps the committed one.
            root: The checkout.
            monitoring: Folder with ``prometheus`` and ``grafana``; None for the checkout's own.
            overrides: Variables of the compose file, laid over all others. For breaking the stack on purpose.
            start_seconds: Deadline for all services to become healthy.
            tell: Is given a line about each slow step.
        """
        super().__init__()
        for each in services:
            control.must_be_known(each)
        self._names = tuple(services)
        self._mode = images
        self._grafana = grafana
        self._fixed = dict(ports) if ports is not None else None
        self._interval = interval
        self._root = root
        self._monitoring = monitoring if monitoring is not None else root / "monitoring"
        self._overrides = dict(overrides or {})
        self._deadline = start_seconds
        self._tell = tell
        self._life = contextlib.ExitStack()
        self._cleanup: list[str] = []  # pytest-docker's commands for the end; emptied to let the stack live on
        self._images: choose.Images | None = None
        self._project: compose_project.Project | None = None
        self._relays: Relays | None = None
        self._secrets: dict[str, str] = {}
        self._versions: dict[str, dict[str, str]] = {}

    # --- life ---------------------------------------------------------------------------------------------

    @property
    def _started(self) -> bool:
        return self._project is not None

    def _begin(self) -> None:
        trouble = docker_cli.why_unusable()
        if trouble is not None:
            raise StackError(trouble)
        for name in leftovers.sweep():
            self._tell(f"took down {name}, which a killed run had left")
        self._images = choose.prepare(self._mode, grafana=self._grafana, root=self._root, tell=self._tell)
        self._ports = Ports.free(SERVICES) if self._fixed is None else Ports.fixed(self._fixed)
        project = compose_project.create(
            self._root,
            images=self._images.names,
            ports=self._ports.as_dict(),
            interval=self._interval,
            monitoring=self._monitoring,
            overrides=self._overrides,
        )
        self._project = project
        self._secrets = compose_secrets.read(project.secrets_dir)
        if "prometheus" in self._names:
            image = self._overrides.get("PROMETHEUS_IMAGE", self._images.names["PROMETHEUS_IMAGE"])
            compose_project.check_prometheus(project, image)
        began = time.monotonic()
        self._cleanup = [f"--profile preflight down --volumes --remove-orphans --timeout {_STOP_SECONDS}"]
        files = [str(project.compose_file)]
        # No set-up command is handed over: it would take the containers down before their logs could be read.
        self._life.enter_context(get_docker_services(project.command, files, project.name, [], self._cleanup))
        self._relays = Relays(project, self._images.names["PREFLIGHT_IMAGE"])
        self._life.callback(self._relays.close)  # before `down`, which cannot remove a network in use
        said = ""
        try:
            DockerComposeExecutor(project.command, files, project.name).execute(
                f"up --detach --wait --wait-timeout {self._deadline} --pull never --no-build {' '.join(self._names)}"
            )
        except Exception as error:  # noqa: BLE001 - pytest-docker raises nothing narrower
            said = str(error)
        rows = diagnosis.containers(project)
        # Compose's word alone is not taken: each service has to be seen healthy.
        if said or not all(name in rows and rows[name].is_well for name in self._names):
            service, message = diagnosis.explain(project, said)
            raise StackError(self._redact(message), service=service)
        if "grafana" in self._names:
            self._wait("grafana")  # healthy before its dashboards are loaded
        self.start_seconds = time.monotonic() - began

    def stop(self) -> None:
        """Take the project down with its volumes, and remove its folder. Calling it twice is fine.

        Raises:
            StackError: Docker did not take it down.
        """
        project, self._project = self._project, None
        try:
            if project is not None:
                self._last_logs = {each: self._redact(diagnosis.log(project, each)) for each in self._names}
        finally:
            self._take_down(project)

    def _take_down(self, project: compose_project.Project | None) -> None:
        try:
            self._life.close()
        except Exception as error:  # noqa: BLE001 - pytest-docker raises nothing narrower
            message = f"compose project {project.name if project else ''} could not be taken down: {error}"
            raise StackError(self._redact(message)) from None
        finally:
            if project is not None:
                shutil.rmtree(project.folder, ignore_errors=True)
            self._release_ports()

    def keep(self) -> str:
        """Let the stack live on without this process; give the command that takes it down."""
        project = self._running()
        (project.folder / leftovers.KEPT).touch()
        self._cleanup.clear()
        self._life.close()
        self._project = None
        self._release_ports()
        words = ("docker", "compose", "--env-file", project.env_file, "-f", project.compose_file, "-p", project.name)
        down = shlex.join([*map(str, words), "--profile", "preflight", "down", "--volumes"])
        return f"{down} && {shlex.join(('rm', '-r', str(project.folder)))}"  # the folder holds the secrets

    # --- what it is ---------------------------------------------------------------------------------------

    @property
    def urls(self) -> Urls:
        """Where the servers answer."""
        at = {name: f"http://{HOST}:{port}" for name, port in self.ports.items()}
        return Urls(
            prometheus=at["prometheus"],
            grafana=at["grafana"],
            node_exporter=at["node-exporter"],
            engine=at["engine"],
        )

    @property
    def project(self) -> compose_project.Project:
        """Its compose project."""
        return self._running()

    @property
    def grafana_auth(self) -> tuple[str, str]:
        """User and password of Grafana's administrator."""
        return GRAFANA_USER, self._secrets["grafana_admin_password"]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value that this stack made."""
        return tuple(self._secrets.values())

    @property
    def grafana(self) -> GrafanaUsed | None:
        """Which Grafana its image is; None without one, and while that is not known."""
        if self._images is None or "grafana" not in self._names:
            return None
        image = self._overrides.get("GRAFANA_IMAGE", self._images.names["GRAFANA_IMAGE"])
        return grafana_used(image, self.versions().get("grafana", {}).get("version", "unknown"))

    def versions(self) -> dict[str, dict[str, str]]:
        """Service name -> version, source, image and image id; what was learnt first is kept."""
        if self._project is not None and len(self._versions) < len(self._names):
            self._versions = versions(self._project, self.ports)
        return self._versions

    # --- what it does -------------------------------------------------------------------------------------

    def run_preflight(self, *args: str, env: Mapping[str, str] | None = None) -> PreflightRun:
        """Run the preflight container against this stack."""
        project = self._running()
        if self._relays is None:
            raise StackError(NOT_STARTED)
        return compose_run.run_preflight(project, self._relays, args, env or {})

    def _states(self) -> tuple[ServiceState, ...]:
        """Each container as the engine sees it, and its answer."""
        project = self._running()
        asked = self._questions()
        answers = look_at_all({name: asked[name] for name in self._names})
        rows = diagnosis.containers(project)
        known = self.versions()
        return tuple(
            ServiceState(
                name=name,
                running=name in rows and rows[name].status == "running",
                healthy=answers[name].done,
                version=known.get(name, {}).get("version", ""),
                detail=self._redact(f"{rows.get(name, 'no container')}; {answers[name].said}"),
            )
            for name in self._names
        )

    def logs(self, service: str) -> str:
        """What a service has written; after ``stop``, what it had written until then."""
        control.must_be_known(service)
        return self._last_logs.get(service, "") if self._project is None else diagnosis.log(self._project, service)

    def stop_service(self, name: str) -> None:
        """Stop one service; port and data are kept."""
        control.tell(self._running(), name, "stop", "--time", str(_STOP_SECONDS))

    def start_service(self, name: str) -> None:
        """Start a stopped service; returns when it is ready."""
        control.tell(self._running(), name, "start")
        self._wait(name)

    def pause_service(self, name: str) -> None:
        """Freeze a service."""
        control.tell(self._running(), name, "pause")

    def resume_service(self, name: str) -> None:
        """Let a paused service go on; returns when it is ready."""
        control.tell(self._running(), name, "unpause")
        self._wait(name)

    # --- helpers ------------------------------------------------------------------------------------------

    def _running(self) -> compose_project.Project:
        if self._project is None:
            raise StackError(NOT_STARTED)
        return self._project

    def _questions(self) -> dict[str, Question]:
        return questions(self.ports, self._secrets, dashboards=self._monitoring / "grafana" / "dashboards")

    def _wait(self, service: str) -> None:
        control.wait_ready(self._running(), service, self._questions()[service])

    def _redact(self, text: str) -> str:
        return scrub(text, self._secrets.values())
