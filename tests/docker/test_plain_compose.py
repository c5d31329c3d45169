"""The commands of docs/compose.md, typed as they stand there, on a copy of `docker/` and `monitoring/`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from acceptance.probes import GrafanaClient, PrometheusClient
from acceptance.stack import compose_engine, compose_images, compose_secrets, compose_sweep
from acceptance.stack.base import SERVICES
from acceptance.stack.compose_engine import Done
from acceptance.stack.ports import HOST, Ports, port_variable
from acceptance.stack.readiness import http_get
from acceptance.stack.wait import Answer, wait_until

pytestmark = [pytest.mark.compose, pytest.mark.timeout(900)]

DOCS = (compose_images.ROOT / "docs" / "compose.md").read_text(encoding="utf-8")
PANELS = ("Preflight Last Success", "Preflight Duration P95", "Check Status Breakdown", "Redis/Postgres Latency")


def _documented(begins: str) -> str:
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

    def types(self, line: str, *, seconds: float = 120.0) -> Done:
        """Have a shell do it; it has to succeed."""
        line = line.replace("arbitrage_", f"{self.project}_")  # COMPOSE_PROJECT_NAME, which the docs have as it is
        done = compose_engine.run(("bash", "-c", line), seconds=seconds, cwd=self.folder)
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
        self.types(_documented("cd docker && docker compose up").removeprefix("cd docker && "))

    def runs_preflight(self) -> Done:
        """A run of the gate, as documented."""
        return self.types(_documented("docker compose run --rm preflight --env paper"))

    def sees_runs(self, wanted: float) -> None:
        """Wait for it: Prometheus asks every 15 s here, as committed."""

        def probe() -> Answer[None]:
            seen = self.runs_total()
            return Answer(done=seen == wanted, said=str(seen))

        wait_until(probe, asked="arbitrage_preflight_runs_total", timeout=60, interval=0.5)

    def volumes(self) -> set[str]:
        """The volumes of his project."""
        label = f"label=com.docker.compose.project={self.project}"
        return {*compose_engine.docker("volume", "ls", "-q", "--filter", label).stdout.split()}


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """What `make images secrets` leaves, with ports and a name of his own in `docker/.env`; nothing runs yet."""
    root = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns(".env", "secrets", "*.env", "components", "images")
    for name in ("docker", "monitoring"):
        shutil.copytree(compose_images.ROOT / name, root / name, ignore=ignored)
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    folder = root / "docker"
    assert compose_images.main(["--docker-dir", str(folder)]) == 0
    assert compose_secrets.main(["--docker-dir", str(folder)]) == 0
    name = compose_sweep.new_name()
    with Ports.free(SERVICES) as free:
        ports = free.as_dict()
    lines = [f"{port_variable(service)}={port}" for service, port in ports.items()]
    with (folder / ".env").open("a", encoding="utf-8") as file:
        file.write("\n".join([f"COMPOSE_PROJECT_NAME={name}", *lines, ""]))
    made = Operator(folder=folder, project=name, ports=ports)
    yield made
    made.types("docker compose --profile preflight down --volumes --timeout 5")


@pytest.fixture(scope="module")
def first_run(operator: Operator) -> Done:
    """The first block of docs/compose.md, up to the first run of the gate."""
    operator.comes_up()
    operator.types(_documented("docker compose run --rm preflight db migrate"))
    return operator.runs_preflight()


def test_the_first_run_is_go_and_prometheus_counts_one(operator: Operator, first_run: Done) -> None:
    """Exit 0, and what the documented `curl` asks Prometheus gives 1."""
    assert "GO" in first_run.stdout
    operator.sees_runs(1)


def test_grafana_shows_the_four_panels_to_its_administrator(operator: Operator, first_run: Done) -> None:
    """With the password of `secrets/grafana_admin_password`, the dashboard that the documented `curl` asks for."""
    assert first_run.code == 0
    password = (operator.folder / "secrets" / "grafana_admin_password").read_text(encoding="utf-8")
    with GrafanaClient(f"http://{HOST}:{operator.ports['grafana']}", auth=("admin", password)) as grafana:
        panels = {str(panel["title"]) for panel in grafana.dashboard("d77_system_health").dashboard["panels"]}
    assert {*PANELS} <= panels


def test_promtool_reads_the_configuration_on_request(operator: Operator, first_run: Done) -> None:
    """The documented check says yes to the committed configuration and names what is wrong in a broken one."""
    assert first_run.code == 0
    line = _documented("docker compose run --rm --no-deps --entrypoint promtool")
    assert "SUCCESS" in operator.types(line).stdout
    config = operator.folder.parent / "monitoring" / "prometheus" / "prometheus.yml"
    whole = config.read_text(encoding="utf-8")
    config.write_text(f"{whole}\nnonsense: 1\n", encoding="utf-8")
    try:
        done = compose_engine.run(("bash", "-c", line), seconds=60, cwd=operator.folder)
    finally:
        config.write_text(whole, encoding="utf-8")
    assert (done.code != 0, "nonsense" in done.stdout + done.stderr) == (True, True), done.said


def test_down_keeps_every_volume(operator: Operator, first_run: Done) -> None:
    """`docker compose down` and `up` again: nothing was deleted, and the ledger goes on counting."""
    assert first_run.code == 0
    before = operator.volumes()
    assert f"{operator.project}_preflight-ledger" in before
    operator.types("docker compose down --timeout 5")
    assert operator.volumes() == before
    operator.comes_up()
    operator.runs_preflight()
    operator.sees_runs(2)


def test_a_backup_of_the_ledger_can_be_brought_back(operator: Operator, first_run: Done) -> None:
    """As documented: what was counted at the time of the backup is counted again after the restore."""
    assert first_run.code == 0
    counted = operator.runs_counted()
    operator.types("docker compose stop --timeout 5")
    operator.types(_documented("docker run --rm --user 0 --network none --entrypoint tar"))
    operator.comes_up()
    operator.runs_preflight()
    assert operator.runs_counted() == counted + 1
    operator.types("docker compose stop --timeout 5")
    operator.types(_documented("docker run --rm --user 0 --network none --entrypoint sh"))
    operator.comes_up()
    operator.runs_preflight()
    assert operator.runs_counted() == counted + 1
