"""The Docker engine itself stopped and started: only on one that `scripts/with_docker.sh` has started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from acceptance.stack.compose import diagnosis
from acceptance.stack.compose.stack import ComposeStack
from acceptance.stack.interface import SERVICES
from acceptance.stack.readiness import http_get
from acceptance.stack.wait import Observation, wait_until
from acceptance.world.alerting import open_alerting

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
ENV = "paper"


def _engine(verb: str) -> None:
    script = [str(ROOT / "scripts" / "install_docker.sh"), verb]
    done = subprocess.run(script, capture_output=True, text=True, check=False, timeout=120, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert "nothing to" not in done.stderr, f"this engine is not the script's own: {done.stderr}"


def _runs_counted(stack: ComposeStack) -> float:
    _, page = http_get(stack.ports["node-exporter"], "/metrics")
    name = "arbitrage_preflight_runs_total{"
    return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name))


def test_the_engine_restarts() -> None:
    """All services come back by themselves and healthy, counters go on, and a P0 of before is not told again."""
    with ComposeStack(images="local", grafana="standin") as stack, open_alerting(stack, ENV) as alerting:
        offline = {
            **alerting.variables,
            "PREFLIGHT_EXCHANGES__UPBIT__ENABLED": "false",
            "PREFLIGHT_EXCHANGES__BINANCE__ENABLED": "false",
        }
        held = stack.run_preflight("--env", ENV, env={**offline, "PREFLIGHT_REDIS__PORT": "1"})
        assert held.exit_code == 1, held.stderr
        counted = _runs_counted(stack)
        assert counted >= 1

        _engine("stop")
        _engine("start")

        def all_well() -> Observation[None]:
            rows = diagnosis.containers(stack.project)
            ill = [f"{name}: {row}" for name, row in rows.items() if not row.is_well]
            return Observation(
                done=len(rows) == len(SERVICES) and not ill, said=", ".join(ill) or f"{len(rows)} containers"
            )

        wait_until(
            all_well, asked="whether every service is healthy after the engine's restart", timeout=90, interval=0.5
        )
        assert _runs_counted(stack) == counted
        assert stack.run_preflight("--env", ENV, env=offline).exit_code == 0
        assert stack.run_preflight("alerts", "flush", "--env", ENV, env=offline).exit_code == 0
        assert _runs_counted(stack) == counted + 1
        told = [text for text in alerting.texts if str(held.report["run_id"]) in text]
        assert len(told) == 1, alerting.texts
