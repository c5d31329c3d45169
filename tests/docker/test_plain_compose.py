"""The commands of docs/compose.md, typed as they stand there, on a copy of `docker/` and `monitoring/`."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator

import pytest

from acceptance.probes import GrafanaClient
from acceptance.stack.docker import docker_cli, env_file
from acceptance.stack.docker.docker_cli import DockerResult
from acceptance.stack.ports import HOST
from tests.docker.operator import DOCS, Operator, at_work, documented

pytestmark = [pytest.mark.compose, pytest.mark.alone, pytest.mark.timeout(900)]

LONG_FORM = re.search(r"```sh\n(volume=.*)\n(.*)\n(.*)\n```", DOCS).groups()  # type: ignore[union-attr]
PANELS = ("Preflight Last Success", "Preflight Duration P95", "Check Status Breakdown", "Redis/Postgres Latency")


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Somebody with a checkout as every clone leaves it."""
    with at_work(tmp_path_factory.mktemp("checkout")) as made:
        yield made


@pytest.fixture(scope="module")
def first_run(operator: Operator) -> DockerResult:
    """The first block of docs/compose.md, up to the first run of the gate."""
    operator.comes_up()
    operator.types(documented("docker compose run --rm preflight db migrate"))
    return operator.runs_preflight()


def test_the_first_run_is_go_and_prometheus_counts_one(operator: Operator, first_run: DockerResult) -> None:
    """Exit 0, and what the documented `curl` asks Prometheus gives 1."""
    assert "GO" in first_run.stdout
    operator.sees_runs(1)


def test_grafana_shows_the_four_panels_to_its_administrator(operator: Operator, first_run: DockerResult) -> None:
    """With the password of `secrets/grafana_admin_password`, the dashboard that the documented `curl` asks for."""
    assert first_run.code == 0
    password = (operator.folder / "secrets" / "grafana_admin_password").read_text(encoding="utf-8")
    with GrafanaClient(f"http://{HOST}:{operator.ports['grafana']}", auth=("admin", password)) as grafana:
        panels = {str(panel["title"]) for panel in grafana.dashboard("d77_system_health").dashboard["panels"]}
    assert {*PANELS} <= panels


REACHED = {
    ("engine", "redis", 6379): True,
    ("engine", "postgres", 5432): True,
    ("prometheus", "engine", 9100): True,
    ("prometheus", "node-exporter", 9100): True,
    ("grafana", "prometheus", 9090): True,
    ("grafana", "redis", 6379): False,
    ("prometheus", "postgres", 5432): False,
    ("node-exporter", "redis", 6379): False,
    ("redis", "prometheus", 9090): False,
    ("redis", "grafana", 3000): False,
}
_CONNECTS = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3).close()"


def _addresses(operator: Operator, service: str) -> list[str]:
    """Every address of a service's container: a name that does not resolve would prove nothing."""
    shown = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    done = docker_cli.docker("inspect", "--format", shown, f"{operator.project}-{service}-1")
    assert done.code == 0, done.said
    return done.stdout.split()


@pytest.mark.parametrize(("asks", "asked", "port"), REACHED, ids=str)
def test_who_reaches_whom(operator: Operator, first_run: DockerResult, asks: str, asked: str, port: int) -> None:
    """A service reaches, by any address, what it needs and nothing else."""
    assert first_run.code == 0
    image = env_file.read(operator.folder / ".env")["PREFLIGHT_IMAGE"]
    inside = ("run", "--rm", "--pull", "never", "--network", f"container:{operator.project}-{asks}-1")
    codes = [
        docker_cli.docker(
            *inside, "--entrypoint", "python3", image, "-c", _CONNECTS, address, str(port), seconds=30
        ).code
        for address in _addresses(operator, asked)
    ]
    assert (0 in codes) is REACHED[asks, asked, port], f"{asks} -> {asked}:{port} ended with {codes}"


@pytest.mark.parametrize(("user", "said"), [("postgres", "pg_hba.conf rejects connection"), ("arbitrage", "")])
def test_the_superuser_logs_in_by_the_socket_only(
    operator: Operator, first_run: DockerResult, user: str, said: str
) -> None:
    """With the right password, over TCP: the application's role gets in, the superuser does not."""
    assert first_run.code == 0
    secret = "postgres_owner_password" if user == "postgres" else "postgres_password"
    script = f"PGPASSWORD=$(cat /run/secrets/{secret}) exec psql -wqAt -h 127.0.0.1 -U {user} -d {user} -c 'SELECT 1'"
    done = docker_cli.docker("exec", f"{operator.project}-postgres-1", "sh", "-c", script)
    assert (done.code == 0, said in done.stderr) == (user == "arbitrage", True), done.said


def test_promtool_reads_the_configuration_on_request(operator: Operator, first_run: DockerResult) -> None:
    """The documented check says yes to the committed configuration and names what is wrong in a broken one."""
    assert first_run.code == 0
    line = documented("docker compose run --rm --no-deps --entrypoint promtool")
    assert "SUCCESS" in operator.types(line).stdout
    config = operator.folder.parent / "monitoring" / "prometheus" / "prometheus.yml"
    whole = config.read_text(encoding="utf-8")
    config.write_text(f"{whole}\nnonsense: 1\n", encoding="utf-8")
    try:
        done = docker_cli.run(("bash", "-c", line), seconds=60, cwd=operator.folder)
    finally:
        config.write_text(whole, encoding="utf-8")
    assert (done.code != 0, "nonsense" in done.stdout + done.stderr) == (True, True), done.said


def test_down_keeps_every_volume(operator: Operator, first_run: DockerResult) -> None:
    """`docker compose down` and `up` again: nothing was deleted, and the ledger goes on counting."""
    assert first_run.code == 0
    before = operator.volumes()
    assert f"{operator.project}_preflight-ledger" in before
    operator.types("docker compose down --timeout 5")
    assert operator.volumes() == before
    operator.comes_up()
    operator.runs_preflight()
    operator.sees_runs(2)


def test_a_backup_of_the_ledger_can_be_brought_back(operator: Operator, first_run: DockerResult) -> None:
    """The long form as documented: what was counted at the time of the backup is counted again after the restore."""
    assert first_run.code == 0
    names, taken, brought = LONG_FORM
    counted = operator.runs_counted()
    operator.types("docker compose stop --timeout 5")
    operator.types(f"{names}\n{taken}")
    operator.comes_up()
    operator.runs_preflight()
    assert operator.runs_counted() == counted + 1
    operator.types("docker compose stop --timeout 5")
    operator.types(f"{names}\n{brought}")
    operator.comes_up()
    operator.runs_preflight()
    assert operator.runs_counted() == counted + 1


@pytest.mark.parametrize("trouble", ["no tar", "half a tar", "a running stack"])
def test_the_long_form_touches_nothing_that_it_cannot_bring_back(
    operator: Operator, first_run: DockerResult, trouble: str
) -> None:
    """K5: In another folder, with half a tar, or while the stack runs: it fails, and the ledger is as it was."""
    assert first_run.code == 0
    names, _, brought = LONG_FORM
    tar = operator.folder / "preflight-ledger.tar"
    tar.unlink(missing_ok=True)
    content = f"{names}\ndocker run --rm --user 0 --network none --entrypoint ls -v $volume:/data $image -A /data"
    if trouble == "a running stack":
        with tarfile.open(tar, "w"):
            pass
        runs = "docker compose run -d --rm --no-deps --entrypoint sleep preflight 60"
        container = operator.types(runs).stdout.strip()
    else:
        operator.types("docker compose stop --timeout 5")
        container = ""
    if trouble == "half a tar":
        with tarfile.open(tar, "w") as whole:
            whole.add(__file__, "ledger.sqlite")
        with tar.open("r+b") as file:
            file.truncate(1000)
    before = operator.types(content).stdout
    try:
        done = operator.tries(f"{names}\n{brought}")
    finally:
        if container:
            docker_cli.docker("rm", "--force", container)
    assert done.code != 0
    assert "ledger.sqlite" in before
    assert operator.types(content).stdout == before
