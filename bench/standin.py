"""What the stand-in for Grafana costs: how soon it answers, and its memory. The sweep of the panels is in `panels`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import psutil
import requests

from acceptance.dashboards.pictures.live import DASHBOARDS
from acceptance.stack.ports import HOST, Ports
from acceptance.stack.wait import Observation, wait_until
from bench.figure import Figure

ROOT = Path(__file__).parents[1]
_TIMES = 5


def measure() -> Iterable[Figure]:
    """From its start to its first answer, and what it holds then, beside the limits of issue 12."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        password = Path(name) / "password"
        password.write_text("only for this measurement", encoding="utf-8")
        starts = [start_once(password) for _ in range(_TIMES)]
    ready = statistics.median(seconds for seconds, _ in starts)
    yield Figure(what="stand-in for Grafana ready", value=ready, unit="s", limit=0.5)
    held = max(megabytes for _, megabytes in starts)
    yield Figure(what="stand-in's memory, no page drawn", value=held, unit="MB", limit=60)


def start_once(password: Path) -> tuple[float, float]:
    """Start it with the project's provisioning; give seconds to its first answer, and megabytes resident."""
    with Ports.free(("grafana",)) as ports:
        port = ports["grafana"]
    options = (
        "--port",
        str(port),
        "--provisioning",
        "monitoring/grafana/provisioning",
        "--password-file",
        str(password),
    )
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GF_")},
        "DASHBOARDS_PATH": str(DASHBOARDS),
        "PROMETHEUS_URL": f"http://{HOST}:9",
        "SCRAPE_INTERVAL": "15s",
    }
    command = [sys.executable, "-m", "acceptance.world.grafana", *options]
    begun = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: answers(port), asked="the stand-in for its health", timeout=20, interval=0.005)
            return time.perf_counter() - begun, psutil.Process(process.pid).memory_info().rss / 1e6
        finally:
            process.kill()


def answers(port: int) -> Observation[None]:
    """Ask for its health."""
    try:
        response = requests.get(f"http://{HOST}:{port}/api/health", timeout=5)
    except requests.ConnectionError as error:
        return Observation(done=False, said=type(error).__name__)
    return Observation(done=response.ok, said=f"HTTP {response.status_code}")
