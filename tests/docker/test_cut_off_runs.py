"""Runs of the gate in its container that are cut off or cannot write: what node_exporter serves of them then."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from acceptance.stack.docker import docker_cli, env_file
from acceptance.stack.readiness import http_get
from acceptance.stack.wait import Observation, wait_until
from tests.docker.operator import Operator, at_work, documented

pytestmark = [pytest.mark.compose, pytest.mark.timeout(300)]

RUN = ("docker", "compose", "run", "--rm", "-T", "preflight", "--env", "paper")
SERVICES = "redis postgres engine node-exporter"


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Somebody whose first run was GO."""
    with at_work(tmp_path_factory.mktemp("checkout")) as made:
        made.types(f"docker compose up -d --wait --wait-timeout 60 {SERVICES}")
        made.types(documented("docker compose run --rm preflight db migrate"))
        made.runs_preflight()
        yield made


def number(operator: Operator, name: str) -> float:
    """What node_exporter serves of a metric of preflight's."""
    _, page = http_get(operator.ports["node-exporter"], "/metrics")
    (line,) = (each for each in page.splitlines() if each.startswith(f"arbitrage_preflight_{name}{{"))
    return float(line.split()[-1])


@contextmanager
def hanging_run(operator: Operator) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A run that has begun and waits for a frozen Redis: the command, and its container."""
    redis = f"{operator.project}-redis-1"
    begun = number(operator, "last_start_timestamp_seconds")
    frozen = docker_cli.pause(redis)
    assert frozen.code == 0, frozen.said
    process = subprocess.Popen(
        RUN, cwd=operator.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(
            lambda: Observation[None](done=number(operator, "last_start_timestamp_seconds") > begun, said="not begun"),
            asked="whether the run has begun",
            timeout=30,
            interval=0.05,
        )
        oneoff = ("--filter", f"label=com.docker.compose.project={operator.project}", "--filter", "name=preflight-run")
        yield process, docker_cli.docker("ps", "-q", *oneoff).stdout.strip()
    finally:
        docker_cli.docker("unpause", redis)
        process.kill()
        process.wait()
        health = ("inspect", "--format", "{{.State.Health.Status}}", redis)
        wait_until(  # not `up --wait`, which gives up at once on a service that is unhealthy still
            lambda: Observation[None](done=(said := docker_cli.docker(*health).stdout.strip()) == "healthy", said=said),
            asked="whether Redis is healthy again",
            timeout=60,
            interval=0.2,
        )


def ended(operator: Operator) -> bool:
    """Whether the last run that began has recorded an end."""
    return number(operator, "last_run_timestamp_seconds") >= number(operator, "last_start_timestamp_seconds")


def test_k15_a_run_that_is_killed_leaves_its_start(operator: Operator) -> None:
    """No end is recorded: what PreflightCrashed asks, and no success stands there meanwhile."""
    operator.runs_preflight()
    assert (number(operator, "last_success"), ended(operator)) == (1, True)
    with hanging_run(operator) as (_, container):
        assert docker_cli.docker("kill", container).code == 0
    assert not ended(operator)
    operator.runs_preflight()
    assert (number(operator, "last_success"), ended(operator)) == (1, True)


def test_k15_a_run_that_is_stopped_records_its_end(operator: Operator) -> None:
    """As dockerd stops a container: the run is on record as no success before it is killed."""
    with hanging_run(operator) as (_, container):
        began = time.monotonic()
        assert docker_cli.docker("stop", "--time", "10", container, seconds=30).code == 0
        assert time.monotonic() - began < 9, "it was killed"
    assert (number(operator, "last_success"), ended(operator)) == (0, True)


def test_k12_a_run_whose_command_is_interrupted_tells_by_its_record(operator: Operator) -> None:
    """`compose run` without a terminal ends with 130; the run in its container goes on and is recorded."""
    counted = operator.runs_counted()
    with hanging_run(operator) as (process, _):
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
        wait_until(
            lambda: Observation[None](done=operator.runs_counted() == counted + 1, said=str(operator.runs_counted())),
            asked="whether the run was counted",
            timeout=60,
            interval=0.2,
        )
    assert (number(operator, "last_success"), ended(operator)) == (0, True)


def _in_volume(operator: Operator, volume: str, script: str) -> None:
    image = env_file.read(operator.folder / ".env")["REDIS_IMAGE"]
    mount = f"{operator.project}_{volume}:/data"
    done = docker_cli.docker("run", "--rm", "--user", "0", "-v", mount, "--entrypoint", "sh", image, "-c", script)
    assert done.code == 0, done.said


def test_k1_a_success_is_taken_back_where_the_ledger_cannot_be_written(operator: Operator) -> None:
    """Its volume unreadable after a GO: exit 5 or 1, and yesterday's success does not stand there any longer."""
    operator.runs_preflight()
    assert number(operator, "last_success") == 1
    _in_volume(operator, "preflight-ledger", "chmod 0000 /data")
    try:
        done = operator.tries(documented("docker compose run --rm preflight --env paper"))
        assert done.code in {1, 5}, done.said
        assert (number(operator, "last_success"), number(operator, "ready_for_live")) == (0, 0)
    finally:
        _in_volume(operator, "preflight-ledger", "chmod 2775 /data")
    operator.runs_preflight()
    assert number(operator, "last_success") == 1


def test_k13_a_foreign_prom_that_repeats_our_names_is_found(operator: Operator) -> None:
    """One of the two series would be dropped in silence: `storage` says which file it is."""
    _in_volume(operator, "textfile-collector-data", "cp /data/arbitrage_preflight_paper.prom /data/foreign.prom")
    try:
        done = operator.tries(documented("docker compose run --rm preflight --env paper"))
    finally:
        _in_volume(operator, "textfile-collector-data", "rm /data/foreign.prom")
    assert done.code == 1, done.said
    (line,) = (line for line in done.stdout.splitlines() if line.split()[:2] == ["FAIL", "storage"])
    assert "foreign.prom" in line
