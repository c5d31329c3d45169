"""Everything one compose project reads, in a private folder: secrets, configuration copies, its env file.

The committed configuration is used as it is but for the scrape intervals. It is copied, so that whatever modes the
checkout has (a strict umask, say), the containers' users can read it.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from acceptance.stack import prometheus_config
from acceptance.stack.compose import leftovers, secrets
from acceptance.stack.docker import docker_cli
from acceptance.stack.interface import SERVICES, StackError
from acceptance.stack.ports import port_variable

FILE = "docker-compose.yml"
COMMAND_SECONDS = 150
"""After which a docker compose command of pytest-docker's is ended: it has no deadline of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One compose project and its folder."""

    name: str
    root: Path  # the checkout whose compose file is used
    folder: Path  # private; removed with the project

    @property
    def compose_file(self) -> Path:
        """The committed compose file."""
        return self.root / "docker" / FILE

    @property
    def env_file(self) -> Path:
        """What fills the compose file's variables; holds no secret."""
        return self.folder / "compose.env"

    @property
    def secrets_dir(self) -> Path:
        """One file a secret."""
        return self.folder / "secrets"

    @property
    def reports(self) -> Path:
        """Where preflight containers put their reports, one folder each."""
        return self.folder / "reports"

    @property
    def prometheus_config(self) -> Path:
        """Copy of ``monitoring/prometheus``."""
        return self.folder / "prometheus"

    @property
    def command(self) -> str:
        """The ``docker compose`` command for pytest-docker, which runs it through a shell.

        It starts from a clean environment: a variable of the caller's would win over the env file. What is kept of
        it, such as DOCKER_HOST, is inherited: on a command line every user of the machine could read it.
        """
        kept = docker_cli.environment()
        unset = [f"--unset={name}" for name in sorted(os.environ) if name not in kept]
        words = ("timeout", "--kill-after=5", str(COMMAND_SECONDS), "env", *unset)
        return shlex.join((*words, "docker", "compose", "--progress", "quiet", "--env-file", str(self.env_file)))

    def argv(self, *words: str) -> tuple[str, ...]:
        """The same command as a list, with file and project."""
        head = ("docker", "compose", "--progress", "quiet", "--env-file", str(self.env_file))
        return (*head, "-f", str(self.compose_file), "-p", self.name, *words)

    def container(self, service: str) -> str:
        """Name of a service's container."""
        return f"{self.name}-{service}-1"


def create(
    root: Path,
    *,
    images: Mapping[str, str],
    ports: Mapping[str, int],
    interval: str | None,
    monitoring: Path,
    overrides: Mapping[str, str],
) -> Project:
    """Make the folder with everything in it; nothing is started.

    Args:
        root: The checkout.
        images: Variable of the compose file -> image.
        ports: Service name -> port on 127.0.0.1.
        interval: Scrape and evaluation interval, such as ``1s``; None keeps the committed ones.
        monitoring: Folder with ``prometheus`` and ``grafana``.
        overrides: Further variables of the compose file, laid over all others.

    Raises:
        StackError: The folder cannot be made, or the configuration is not as expected.
    """
    try:
        name = leftovers.new_name()
        folder = leftovers.folder_of(name)
        folder.mkdir(mode=0o700)
        project = Project(name=name, root=root, folder=folder)
        try:
            secrets.make(project.secrets_dir)
            project.reports.mkdir(mode=0o700)
            _copy_monitoring(monitoring, project, interval)
            _copy_readable(root / "docker" / "postgres", folder / "postgres")
            _write_env(project, images, ports, interval, overrides)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except (OSError, secrets.SecretsError) as error:
        message = f"cannot prepare the compose project: {error}.{docker_cli.disk_full(str(error))}"
        raise StackError(message) from error
    return project


def _copy_monitoring(monitoring: Path, project: Project, interval: str | None) -> None:
    _copy_readable(monitoring / "prometheus", project.prometheus_config)
    _copy_readable(monitoring / "grafana", project.folder / "grafana")
    if interval is not None:
        config = project.prometheus_config / "prometheus.yml"
        text = config.read_text(encoding="utf-8")
        config.write_text(prometheus_config.with_interval(text, interval), encoding="utf-8")


def _copy_readable(source: Path, target: Path) -> None:
    shutil.copytree(source, target)
    target.chmod(0o755)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _write_env(
    project: Project,
    images: Mapping[str, str],
    ports: Mapping[str, int],
    interval: str | None,
    overrides: Mapping[str, str],
) -> None:
    values = {
        **images,
        **{port_variable(name): str(ports[name]) for name in SERVICES},
        "SECRETS_DIR": str(project.secrets_dir),
        "REPOSITORY": str(project.root),
        "POSTGRES_INIT_DIR": str(project.folder / "postgres"),
        "PROMETHEUS_CONFIG_DIR": str(project.prometheus_config),
        "GRAFANA_CONFIG_DIR": str(project.folder / "grafana"),
        "SCRAPE_INTERVAL": interval or "15s",
        # Each probe is a program in a container: asked each second they took half a core, each 3 s most of what an idle
        # stack takes. The price is 5 s of waiting at its start.
        "HEALTHCHECK_INTERVAL": "6s",
        # The user's own settings for his stack are not this one's.
        "ENGINE_ENV_FILE": str(project.folder / "none.env"),
        "PREFLIGHT_ENV_FILE": str(project.folder / "none.env"),
        **overrides,
    }
    # In single quotes compose takes a value as it is.
    project.env_file.write_text("".join(f"{name}='{value}'\n" for name, value in values.items()), encoding="utf-8")


def check_prometheus(project: Project, image: str) -> None:
    """Have the image's promtool read the configuration: a server would only be seen to restart again and again.

    Raises:
        StackError: It refuses it, in its own words.
    """
    argv = (
        *("run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--entrypoint", "promtool"),
        *("-v", f"{project.prometheus_config}:/etc/prometheus:ro", image),
        *("check", "config", "/etc/prometheus/prometheus.yml"),
    )
    done = docker_cli.docker(*argv, seconds=60.0)
    if done.code != 0:
        message = f"prometheus: promtool refuses the configuration, so nothing was started; correct it: {done.said}"
        raise StackError(message, service="prometheus")
