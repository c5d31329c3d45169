"""The compose stack on a real Docker engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from acceptance.stack.compose.images import choose
from acceptance.stack.compose.project import Project
from acceptance.stack.compose.stack import ComposeStack
from acceptance.stack.docker import docker_cli
from acceptance.stack.interface import SERVICES, Stack, StackError
from acceptance.stack.ports import Ports, is_free
from acceptance.stack.readiness import http_get
from acceptance.stack.wait import Observation, wait_until

pytestmark = [pytest.mark.compose, pytest.mark.timeout(900)]

UNWELL_SECONDS = 20  # deadline handed to stacks that cannot get ready


@pytest.fixture(scope="module")
def images() -> dict[str, str]:
    """Variable -> image, all of them there."""
    return dict(choose.prepare().names)


@pytest.fixture(scope="module")
def stack(images: dict[str, str]) -> Iterator[ComposeStack]:
    """One running stack for all tests that leave it as they found it."""
    assert images
    with ComposeStack() as running:
        yield running


def _left_of(project: str) -> list[str]:
    """What Docker still has of a project."""
    label = f"label=com.docker.compose.project={project}"
    found = []
    for words in (("ps", "-aq"), ("volume", "ls", "-q"), ("network", "ls", "-q")):
        found += docker_cli.docker(*words, "--filter", label).stdout.split()
    return found


def _mine() -> set[str]:
    """Names of the containers of stacks that this process started."""
    names = docker_cli.docker("ps", "-a", "--format", "{{.Names}}").stdout.split()
    return {name for name in names if name.startswith(f"arbitrage-test-{os.getpid()}-")}


def test_it_is_a_stack(stack: ComposeStack) -> None:
    """It stands behind the interface that the suite knows."""
    assert isinstance(stack, Stack)
    assert stack.name == "compose"


def test_every_service_is_healthy_after_start(stack: ComposeStack) -> None:
    """Start returns when each service runs and answers its own question."""
    assert [(each.name, each.running, each.healthy) for each in stack.services()] == [(n, True, True) for n in SERVICES]


def test_versions_say_which_images_ran(stack: ComposeStack, images: dict[str, str]) -> None:
    """For the evidence: each service's version, image and image id, and which official image was not tried."""
    versions = stack.versions()
    assert set(versions) == set(SERVICES)
    for each in versions.values():
        assert each["version"][0].isdigit()
        assert each["id"].startswith("sha256:")
        assert each["image"] in each["source"]
    untested = {each["official_untested"] for each in versions.values() if "official_untested" in each}
    assert untested == {*choose.official().values()} - {*images.values()}


def test_preflight_says_go_and_its_run_reaches_the_exporter(stack: ComposeStack) -> None:
    """A run in the container ends in GO, and node_exporter shows this very run's timestamp."""
    run = stack.run_preflight("--env", "paper")
    assert (run.exit_code, run.report["verdict"]) == (0, "GO"), run.stdout + run.stderr
    line = next(x for x in run.prom.splitlines() if x.startswith("arbitrage_preflight_last_run_timestamp_seconds{"))
    assert float(line.rpartition(" ")[2]) == run.report["ended_at"]
    _, page = http_get(stack.ports["node-exporter"], "/metrics")
    shown = next(x for x in page.splitlines() if x.startswith("arbitrage_preflight_last_run_timestamp_seconds{"))
    assert float(shown.rpartition(" ")[2]) == run.report["ended_at"]


def test_counters_outlive_the_container(stack: ComposeStack) -> None:
    """The ledger is on a volume: the next container goes on counting."""
    before = _runs(stack.run_preflight("--env", "dev").prom)
    assert _runs(stack.run_preflight("--env", "dev").prom) == before + 1


def _runs(prom: str) -> float:
    return float(next(x for x in prom.splitlines() if x.startswith("arbitrage_preflight_runs_total{")).split()[-1])


@pytest.mark.parametrize(
    ("args", "env", "code"),
    [
        (("--nonsense",), {}, 2),
        ((), {"PREFLIGHT_REDIS__PASSWORD": "wrong"}, 1),
        ((), {"PREFLIGHT_POSTGRES__HOST": "nowhere.invalid"}, 1),
    ],
    ids=["usage", "wrong password", "no such host"],
)
def test_exit_codes_come_through(stack: ComposeStack, args: tuple[str, ...], env: dict[str, str], code: int) -> None:
    """The container's code is the caller's, whatever it is; compose adds none of its own."""
    assert stack.run_preflight(*args, env=env).exit_code == code


def test_a_server_on_this_machines_loopback_can_be_reached(stack: ComposeStack, tmp_path: Path) -> None:
    """What a test serves on 127.0.0.1 (here: an engine's page) answers preflight in its container, file secrets too."""
    page = tmp_path / "metrics"
    page.write_text("arbitrage_engine_read_only 1\n", encoding="utf-8")
    with HTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/metrics"
        try:
            run = stack.run_preflight("--only", "read_only_guard", env={"PREFLIGHT_BOT__METRICS_URL": url})
            page.write_text("arbitrage_engine_read_only 0\n", encoding="utf-8")
            other = stack.run_preflight("--only", "read_only_guard", env={"PREFLIGHT_BOT__METRICS_URL": url})
        finally:
            server.shutdown()
            thread.join()
    assert [each["status"] for each in run.report["checks"] if each["id"] == "read_only_guard"] == ["pass"]
    assert [each["status"] for each in other.report["checks"] if each["id"] == "read_only_guard"] == ["fail"]


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_stopped_service_is_reported_not_started(stack: ComposeStack) -> None:
    """With Redis down, preflight says NO_GO and Redis stays down; started again, it has port and data of before."""
    stack.stop_service("redis")
    try:
        assert stack.run_preflight("--env", "paper").report["verdict"] == "NO_GO"
        assert [each.running for each in stack.services() if each.name == "redis"] == [False]
    finally:
        stack.start_service("redis")
    assert stack.run_preflight("--env", "paper").report["verdict"] == "GO"


def test_a_frozen_service_answers_nothing_and_comes_back(stack: ComposeStack) -> None:
    """A paused Postgres cannot be asked: never GO; resumed, it is ready again."""
    stack.pause_service("postgres")
    try:
        assert stack.run_preflight("--env", "paper").exit_code in {1, 3}
        state = next(each for each in stack.services() if each.name == "postgres")
        assert (state.running, state.healthy) == (False, False)
    finally:
        stack.resume_service("postgres")
    assert all(each.healthy for each in stack.services())


def test_postgres_killed_while_the_gate_runs(stack: ComposeStack) -> None:
    """`kill -s KILL postgres` under a running preflight and engine: a designed answer in time, then `up -d` is enough.

    Killed before the check came to it, Postgres is down (NO_GO) or could not be asked (UNVERIFIED); a run that had
    asked it before may go.
    """
    project = stack.project
    with ThreadPoolExecutor(max_workers=1) as pool:
        began = time.monotonic()
        running = pool.submit(stack.run_preflight, "--env", "paper")
        wait_until(partial(_preflight_runs, project), asked="the preflight container", timeout=30, interval=0.05)
        assert docker_cli.run(project.argv("kill", "-s", "KILL", "postgres"), seconds=30).code == 0
        run = running.result(timeout=90)
    assert time.monotonic() - began < RUN_SECONDS + 30  # its own deadline, and what a container needs to come and go
    said = next(each["status"] for each in run.report["checks"] if each["id"] == "postgres")
    assert (run.exit_code, said) in {(1, "fail"), (3, "error"), (0, "pass"), (0, "warn")}, run.stdout + run.stderr

    wait_until(partial(_postgres_seen_by_engine, stack, 0.0), asked="the engine's dependency_up", timeout=30)
    assert stack.run_preflight("--env", "paper").exit_code == 1
    done = docker_cli.run(project.argv("up", "-d", "--wait", "--pull", "never"), seconds=60)
    assert done.code == 0, done.said
    wait_until(partial(_postgres_seen_by_engine, stack, 1.0), asked="the engine's dependency_up", timeout=30)

    def well() -> Observation[None]:
        states = stack.services()
        return Observation(done=all(each.healthy for each in states), said=str(states))

    wait_until(well, asked="every service", timeout=30, interval=0.5)
    assert stack.run_preflight("--env", "paper").exit_code == 0


RUN_SECONDS = 30
"""`run_timeout`: the deadline of a run's checks."""


def _preflight_runs(project: Project) -> Observation[None]:
    names = docker_cli.docker("ps", "--format", "{{.Names}}").stdout.split()
    return Observation(done=any(each.startswith(f"{project.name}-preflight-run-") for each in names), said=str(names))


def _postgres_seen_by_engine(stack: ComposeStack, wanted: float) -> Observation[None]:
    """What the engine says of Postgres on its page."""
    _, page = http_get(stack.ports["engine"], "/metrics")
    line = next(x for x in page.splitlines() if x.startswith('arbitrage_engine_dependency_up{dependency="postgres"}'))
    return Observation(done=float(line.split()[-1]) == wanted, said=line)


def test_no_secret_is_in_a_command_line_environment_or_log(stack: ComposeStack) -> None:
    """Neither `docker inspect` nor the process list nor a log of any container shows a secret's value."""
    for service in SERVICES:
        name = stack.project.container(service)
        shown = (
            docker_cli.docker("inspect", name).stdout
            + docker_cli.docker("top", name, "-eo", "pid,args").stdout
            + stack.logs(service)
        )
        assert [value for value in stack.secrets if value in shown] == [], service


def test_no_process_has_a_capability_or_can_gain_one(stack: ComposeStack) -> None:
    """As the kernel sees the first process of each container: no capability, no-new-privileges, not root."""
    for service in SERVICES:
        status = docker_cli.docker("exec", stack.project.container(service), "cat", "/proc/1/status").stdout
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0, service
        assert fields["NoNewPrivs"] == "1", service
        assert fields["Uid"].split()[0] != "0", service


def test_ports_are_published_on_loopback_only(stack: ComposeStack) -> None:
    """No service can be reached from another machine."""
    for service in SERVICES:
        raw = docker_cli.docker("port", stack.project.container(service)).stdout.split("\n")
        assert [line for line in raw if line and " -> 127.0.0.1:" not in line] == [], service


def test_two_stacks_side_by_side_do_not_clash(stack: ComposeStack) -> None:
    """A second stack has its own ports, secrets and counters; taking it down leaves the first one alone."""
    with ComposeStack() as other:
        assert not {*other.ports.values()} & {*stack.ports.values()}
        assert not {*other.secrets} & {*stack.secrets}
        assert _runs(other.run_preflight("--env", "paper").prom) == 1
        name = other.project.name
    assert _left_of(name) == []
    assert all(each.healthy for each in stack.services())


def test_only_what_was_chosen_is_started(images: dict[str, str]) -> None:
    """Live runs and faults need Redis and Postgres alone."""
    assert images
    with ComposeStack(services=("redis", "postgres")) as stack:
        assert [(each.name, each.running, each.healthy) for each in stack.services()] == [
            ("redis", True, True),
            ("postgres", True, True),
        ]
        running = docker_cli.docker("ps", "--format", "{{.Names}}").stdout.split()
        assert {name for name in running if name.startswith(stack.project.name)} == {
            stack.project.container("redis"),
            stack.project.container("postgres"),
        }
        assert set(stack.versions()) == {"redis", "postgres"}
    with pytest.raises(StackError, match=r"no service 'mysql'.*redis"):
        ComposeStack(services=("mysql",))


def test_idle_memory_is_below_700_mb(stack: ComposeStack) -> None:
    """All containers together, as the engine counts."""
    names = [stack.project.container(service) for service in SERVICES]
    done = docker_cli.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", *names, seconds=30)
    units = {"KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}
    used = [line.split(" / ")[0].strip() for line in done.stdout.splitlines()]
    assert sum(float(each[:-3]) * units[each[-3:]] for each in used) < 700, used


# --- what cannot start --------------------------------------------------------------------------------------


def test_a_taken_port_is_named(images: dict[str, str]) -> None:
    """A port that another program has ends in one sentence before anything is started."""
    assert images
    with Ports.free(SERVICES) as free:
        chosen = free.as_dict()
    server = subprocess.Popen(["python3", "-m", "http.server", str(chosen["grafana"]), "--bind", "127.0.0.1"])
    try:
        wait_until(
            lambda: Observation(done=not is_free(chosen["grafana"]), said="free"), asked="the other program", timeout=10
        )
        with pytest.raises(StackError, match=rf"port {chosen['grafana']} for grafana is taken") as caught:
            ComposeStack(ports=chosen).start()
        assert caught.value.service == "grafana"
    finally:
        server.kill()
        server.wait()


def test_a_broken_prometheus_yml_is_refused_before_start(tmp_path: Path) -> None:
    """Promtool's words are in the error, and no container was made."""
    monitoring = tmp_path / "monitoring"
    shutil.copytree(choose.ROOT / "monitoring", monitoring)
    config = monitoring / "prometheus" / "prometheus.yml"
    config.write_text(config.read_text(encoding="utf-8") + "\nnonsense: 1\n", encoding="utf-8")
    stack = ComposeStack(monitoring=monitoring)
    with pytest.raises(StackError, match=r"(?s)promtool refuses.*nonsense") as caught:
        stack.start()
    assert caught.value.service == "prometheus"


def test_a_missing_image_says_how_to_get_it() -> None:
    """An image that is neither here nor to be pulled is named with `make images`."""
    stack = ComposeStack(overrides={"REDIS_IMAGE": "arbitrage-local/nowhere:1.0"})
    with pytest.raises(StackError, match=r"arbitrage-local/nowhere:1\.0.*make images"):
        stack.start()


def test_a_service_that_never_gets_healthy_is_named_with_its_log(images: dict[str, str]) -> None:
    """Within the deadline: the service, what its healthcheck said, the end of its log; and nothing is left."""
    # A server that runs and answers nothing on the engine's port.
    stack = ComposeStack(overrides={"ENGINE_IMAGE": images["REDIS_IMAGE"]}, start_seconds=UNWELL_SECONDS)
    before = _mine()
    began = time.monotonic()
    with pytest.raises(StackError, match=r"(?s)engine did not get ready.*Ready to accept connections") as caught:
        stack.start()
    assert time.monotonic() - began < UNWELL_SECONDS + 40
    assert caught.value.service == "engine"
    assert _mine() == before
    assert "Ready to accept connections" in stack.logs("engine")


def test_a_crashing_service_is_named_with_what_to_do(tmp_path: Path) -> None:
    """A Postgres whose preparation fails: its own last words are in the error."""
    scripts = tmp_path / "scripts"
    scripts.mkdir(mode=0o755)
    script = scripts / "10-fail.sh"
    script.write_text("#!/bin/sh\necho 'database files are incompatible with server' >&2\nexit 1\n", encoding="utf-8")
    script.chmod(0o755)
    tmp_path.chmod(0o755)
    stack = ComposeStack(overrides={"POSTGRES_INIT_DIR": str(scripts)}, start_seconds=UNWELL_SECONDS)
    with pytest.raises(StackError, match=r"(?s)postgres did not get ready.*of the volume.s version") as caught:
        stack.start()
    assert caught.value.service == "postgres"


def test_down_of_a_kept_stack_is_the_printed_command(images: dict[str, str]) -> None:
    """`--keep-stack` leaves it running and says which command ends it, volumes and the folder with secrets included."""
    assert images
    stack = ComposeStack()
    stack.start()
    project = stack.project
    try:
        command = stack.keep()
        assert command.endswith(f"rm -r {project.folder}")
        assert json.loads(http_get(stack.ports["grafana"], "/api/health")[1])["database"] == "ok"
    finally:
        done = docker_cli.run(("sh", "-c", command), seconds=60)
    assert done.code == 0, done.said
    assert _left_of(project.name) == []
    assert not project.folder.exists()
