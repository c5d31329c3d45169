"""Every service killed, frozen, cut off and restarted, while runs go on and a scraper counts."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPException
from typing import Self
from urllib.parse import urlencode

import pytest

from acceptance.stack.compose import diagnosis
from acceptance.stack.compose.stack import ComposeStack
from acceptance.stack.docker import docker_cli
from acceptance.stack.interface import SERVICES, PreflightRun
from acceptance.stack.readiness import http_get
from acceptance.stack.wait import Observation, wait_until
from acceptance.world.alerting import Alerting, open_alerting

pytestmark = [pytest.mark.compose, pytest.mark.timeout(420)]

ENV = "paper"
AWAY_SECONDS = 1.0  # how long a service is frozen or off the network: enough for a run to meet it
COUNTERS = ("arbitrage_preflight_runs_total{", "arbitrage_preflight_alerts_total{")


@pytest.fixture(scope="module")
def stack() -> Iterator[ComposeStack]:
    """All six services."""
    with ComposeStack(images="local", grafana="standin") as made:
        yield made


class Runs:
    """Runs one after the other, and what a scraper saw meanwhile, until told to end."""

    def __init__(self, stack: ComposeStack, alerting: Alerting) -> None:
        self.done: list[PreflightRun] = []
        self.seen: dict[str, list[float]] = {}
        self._stack = stack
        self._variables = {
            **alerting.variables,
            "PREFLIGHT_EXCHANGES__UPBIT__ENABLED": "false",
            "PREFLIGHT_EXCHANGES__BINANCE__ENABLED": "false",
            "PREFLIGHT_TELEGRAM__DEADLINE": "5",
        }
        self._over = threading.Event()
        self._threads = ThreadPoolExecutor(max_workers=2)
        self._ends: list[Future[None]] = []

    def __enter__(self) -> Self:
        """Begin."""
        self._ends = [self._threads.submit(each) for each in (self._run, self._scrape)]
        return self

    def __exit__(self, *_: object) -> None:
        """End after the run that is under way; what went wrong in either thread is raised here."""
        self._over.set()
        self._threads.shutdown()
        for each in self._ends:
            each.result()

    def run(self, *words: str) -> PreflightRun:
        """One run, or another command."""
        return self._stack.run_preflight(*words, "--env", ENV, env=self._variables)

    def _run(self) -> None:
        while not self._over.is_set():
            self.done.append(self.run())

    def _scrape(self) -> None:
        while not self._over.wait(0.2):
            try:
                _, page = http_get(self._stack.ports["node-exporter"], "/metrics")
            except (OSError, HTTPException):  # it is the one that is away
                continue
            for line in page.splitlines():
                if line.startswith(COUNTERS):
                    name, _, value = line.rpartition(" ")
                    self.seen.setdefault(name, []).append(float(value))


def _pid(container: str) -> int:
    """The process id of a container's first process; 0 while it has none."""
    return int(docker_cli.docker("inspect", "--format", "{{.State.Pid}}", container).stdout)


def _runs_again(container: str, *, killed: int) -> None:
    """Wait until Docker has started a container again; how its service does by then is for the end to say."""
    wait_until(
        lambda: Observation[None](done=(pid := _pid(container)) not in {0, killed}, said=f"process {pid}"),
        asked=f"whether {container} was started again",
        timeout=60,
        interval=0.1,
    )


def _strike(stack: ComposeStack, service: str, kind: str, away: threading.Event) -> None:
    container = stack.project.container(service)
    network = f"{stack.project.name}_{'data' if service in {'redis', 'postgres', 'engine'} else 'metrics'}"
    if kind == "kill":  # by its process: `docker kill` would count as somebody's wish that it be stopped
        pid = _pid(container)
        os.kill(pid, signal.SIGKILL)
        away.wait(AWAY_SECONDS)
        _runs_again(container, killed=pid)
        return
    if kind == "restart":
        _must_work(docker_cli.docker("restart", "--time", "5", container, seconds=30))
    elif kind == "freeze":
        _must_work(docker_cli.pause(container, seconds=30))
        away.wait(AWAY_SECONDS)
        _must_work(docker_cli.docker("unpause", container, seconds=30))
    else:
        _must_work(docker_cli.docker("network", "disconnect", network, container, seconds=30))
        away.wait(AWAY_SECONDS)
        _must_work(docker_cli.docker("network", "connect", "--alias", service, network, container, seconds=30))


def _must_work(done: docker_cli.DockerResult) -> None:
    assert done.code == 0, done.said


def _of_prometheus(stack: ComposeStack, query: str) -> dict[str, float]:
    """What Prometheus answers to a query: series -> value."""
    asked = f"/api/v1/query?{urlencode({'query': query})}"
    _, answer = http_get(stack.ports["prometheus"], asked)
    return {str(each["metric"]): float(each["value"][1]) for each in json.loads(answer)["data"]["result"]}


def test_a_month_in_three_minutes(stack: ComposeStack) -> None:
    """Counters only grow, each P0 is in the chat once, and everything gets healthy again without help."""
    never = threading.Event()
    with open_alerting(stack, ENV) as alerting:
        with Runs(stack, alerting) as runs:
            for service in SERVICES:
                for kind in ("kill", "freeze", "cut off", "restart"):
                    _strike(stack, service, kind, never)

            def probe() -> Observation[None]:
                rows = diagnosis.containers(stack.project)
                ill = [f"{name}: {row}" for name, row in rows.items() if not row.is_well]
                return Observation(done=len(rows) == len(SERVICES) and not ill, said=", ".join(ill))

            wait_until(probe, asked="whether every service is healthy again", timeout=120, interval=0.5)
        assert runs.run().exit_code == 0
        assert runs.run("alerts", "flush").exit_code == 0
        chat = alerting.texts
    held = [each for each in runs.done if each.exit_code in {1, 3}]
    assert held, "no run met what was done"
    assert {each.exit_code for each in runs.done} <= {0, 1, 3}
    for each in held:
        assert sum(str(each.report["run_id"]) in text for text in chat) == 1, each.report["alerts"]
    assert runs.seen
    for name, values in runs.seen.items():
        assert values == sorted(values), name
    totals = [values[-1] for name, values in runs.seen.items() if "runs_total{" in name]
    resets = _of_prometheus(stack, f'resets({{__name__=~"{"|".join(name[:-1] for name in COUNTERS)}"}}[10m])')
    assert resets, "Prometheus has none of the counters"
    assert set(resets.values()) == {0.0}, resets
    assert len(runs.done) - 1 <= sum(totals) <= len(runs.done), "each run is counted, and once"
