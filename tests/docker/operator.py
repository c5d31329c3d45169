"""Somebody who follows docs/compose.md, in a copy of `docker/` and `monitoring/`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from acceptance.probes import PrometheusClient
from acceptance.stack.compose import leftovers, secrets
from acceptance.stack.compose.images import choose
from acceptance.stack.docker import docker_cli
from acceptance.stack.docker.docker_cli import DockerResult
from acceptance.stack.interface import SERVICES
from acceptance.stack.ports import HOST, Ports, port_variable
from acceptance.stack.readiness import http_get
from acceptance.stack.wait import Observation, wait_until

DOCS = (choose.ROOT / "docs" / "compose.md").read_text(encoding="utf-8")


def documented(begins: str) -> str:
    """The one command line of docs/compose.md that begins so, without its comment."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", DOCS, flags=re.DOTALL) for line in block.splitlines()]
    (line,) = (line for line in lines if line.startswith(begins))
    return re.sub(r"\s+#.*$", "", line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Somebody who types in `docker/`."""

    folder: Path  # the copy of docker/
    project: str
    ports: dict[str, int]

    def tries(self, line: str, *, seconds: float = 120.0) -> DockerResult:
        """Have a shell do it."""
        line = line.replace("arbitrage_", f"{self.project}_")  # COMPOSE_PROJECT_NAME, which the docs have as it is
        return docker_cli.run(("bash", "-c", line), seconds=seconds, cwd=self.folder)

    def types(self, line: str, *, seconds: float = 120.0) -> DockerResult:
        """Have a shell do it; it has to succeed."""
        done = self.tries(line, seconds=seconds)
        assert done.code == 0, f"{line}: {done.said}"
        return done

    def runs_total(self) -> float | None:
        """What Prometheus has of `arbitrage_preflight_runs_total`."""
        with PrometheusClient(f"http://{HOST}:{self.ports['prometheus']}") as prometheus:
            samples = prometheus.query('arbitrage_preflight_runs_total{env="paper"}').samples
        return samples[0].value if samples else None

    def runs_counted(self) -> float:
        """What node_exporter has of it now."""
        _, page = http_get(self.ports["node-exporter"], "/metrics")
        (line,) = (each for each in page.splitlines() if each.startswith("arbitrage_preflight_runs_total{"))
        return float(line.split()[-1])

    def comes_up(self) -> None:
        """`up`, as documented."""
        self.types(documented("cd docker && docker compose up").removeprefix("cd docker && "))

    def runs_preflight(self) -> DockerResult:
        """A run of the gate, as documented."""
        return self.types(documented("docker compose run --rm preflight --env paper"))

    def sees_runs(self, wanted: float) -> None:
        """Wait for it: Prometheus asks every 15 s here, as committed."""

        def probe() -> Observation[None]:
            seen = self.runs_total()
            return Observation(done=seen == wanted, said=str(seen))

        wait_until(probe, asked="arbitrage_preflight_runs_total", timeout=60, interval=0.5)

    def volumes(self) -> set[str]:
        """The volumes of his project."""
        label = f"label=com.docker.compose.project={self.project}"
        return {*docker_cli.docker("volume", "ls", "-q", "--filter", label).stdout.split()}


@contextmanager
def at_work(root: Path, *, umask: int = 0o022) -> Iterator[Operator]:
    """An operator with what `make images secrets` leaves, and ports and a name of his own; nothing runs yet.

    Args:
        root: Empty folder for his checkout.
        umask: With which he cloned it.
    """
    ignored = shutil.ignore_patterns(".env", "secrets", "*.env", "components", "images")
    for name in ("docker", "monitoring"):
        shutil.copytree(choose.ROOT / name, root / name, ignore=ignored)
    for path in root.rglob("*"):
        executable = path.is_dir() or bool(path.stat().st_mode & 0o100)
        path.chmod((0o777 if executable else 0o666) & ~umask)
    folder = root / "docker"
    assert choose.main(["--docker-dir", str(folder)]) == 0
    assert secrets.main(["--docker-dir", str(folder)]) == 0
    name = leftovers.new_name()
    with Ports.free(SERVICES) as free:
        ports = free.as_dict()
    lines = [f"{port_variable(service)}={port}" for service, port in ports.items()]
    with (folder / ".env").open("a", encoding="utf-8") as file:
        file.write("\n".join([f"COMPOSE_PROJECT_NAME={name}", *lines, ""]))
    made = Operator(folder=folder, project=name, ports=ports)
    try:
        yield made
    finally:
        made.types("docker compose --profile preflight down --volumes --timeout 5")
        docker_cli.docker("volume", "rm", "--force", *made.volumes())  # those of before a restore
