"""A real Prometheus with the data that was there when Grafana was recorded, and the stand-in in front of it."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from acceptance.stack.binaries.resolve import resolve
from acceptance.stack.ports import HOST
from acceptance.stack.wait import Observation, wait_until
from tests.acceptance.world.grafana import contract, provisioning_files
from tests.acceptance.world.grafana.running import Running, standin
from tests.acceptance.world.grafana.samples import exposition


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that holds the recorded series at the recorded time."""
    folder = tmp_path_factory.mktemp("prometheus")
    text, data, config = folder / "samples.om", folder / "data", folder / "prometheus.yml"
    text.write_text(exposition(contract.queries(), int(time.time())), encoding="utf-8")
    promtool = str(resolve("promtool").binary)
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", "-q", str(text), str(data)], check=True)
    config.write_text("global: {}\n", encoding="utf-8")
    command = [
        str(resolve("prometheus").binary),
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=100y",  # the recording grows old
        f"--web.listen-address={HOST}:0",
    ]
    log = folder / "log"
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            yield _address_of(log)
        finally:
            process.terminate()
            process.wait(10)


def _address_of(log: Path) -> str:
    def listening() -> Observation[str]:
        found = re.search(r'Listening on" .*?address=(\S+:\d+)', log.read_text(encoding="utf-8"))
        if not found:
            return Observation[str](done=False, said="no address in its log")
        url = f"http://{found[1]}"
        return Observation[str](
            done=requests.get(f"{url}/-/ready", timeout=5).ok, said=f"{url} is not ready", value=url
        )

    return str(wait_until(listening, asked="Prometheus to listen", timeout=20).value)


@pytest.fixture(scope="session")
def recorded_site(prometheus: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stand-in as Grafana stood when it was recorded."""
    folder = provisioning_files.write(tmp_path_factory.mktemp("grafana"), contract.dashboards())
    with standin(folder, prometheus) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A provisioning folder of the project's own form, with two dashboards."""
    return provisioning_files.write(
        tmp_path / "grafana", [provisioning_files.dashboard("a"), provisioning_files.dashboard("b")]
    )
