from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from acceptance.dashboards.pictures.live import DASHBOARDS
from acceptance.probes.grafana import GrafanaClient
from acceptance.stack.wait import Observation, wait_until
from acceptance.world.grafana.identity import VERSION, health, is_standin
from tests.acceptance.world.grafana.provisioning_files import OURS, ROOT, SOURCE

PASSWORD = "only-in-a-file"  # made up, and looked for
READY_SECONDS, READY_MEGABYTES = 0.5, 60  # what issue 12 asks


def environ(folder: Path, **more: str) -> dict[str, str]:
    """Give the names that Grafana's own image reads, and what our provisioning is filled with."""
    password = folder / "password"
    password.write_text(f"{PASSWORD}\n", encoding="utf-8")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("GF_")},
        "GF_SERVER_HTTP_PORT": "0",
        "GF_PATHS_PROVISIONING": str(OURS),
        "GF_SECURITY_ADMIN_PASSWORD__FILE": str(password),
        "DASHBOARDS_PATH": str(DASHBOARDS),
        "PROMETHEUS_URL": "http://127.0.0.1:9",
        "SCRAPE_INTERVAL": "15s",
        **more,
    }


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "acceptance.world.grafana", *options]


@contextmanager
def started(env: dict[str, str], log: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start it as anybody would; give the process and its address."""

    def listening() -> Observation[str]:
        found = re.search(r"HTTP Server Listen.* address=(\S+)", log.read_text(encoding="utf-8"))
        said = log.read_text(encoding="utf-8")[-300:]
        return Observation[str](done=found is not None, said=said, value=f"http://{found[1]}" if found else None)

    with log.open("wb") as file, subprocess.Popen(command(*options), cwd=ROOT, env=env, stderr=file) as process:
        try:
            yield process, str(wait_until(listening, asked="it to listen", timeout=20, interval=0.005).value)
        finally:
            process.kill()


def test_it_serves_what_is_provisioned_and_says_what_it_is(tmp_path: Path) -> None:
    """By the environment alone: six dashboards, one datasource, and a version that is no Grafana's; no secret shown."""
    with started(environ(tmp_path, GF_SECURITY_ADMIN_USER="boss"), tmp_path / "log") as (process, url):
        assert is_standin(requests.get(f"{url}/api/health", timeout=5).json())
        with GrafanaClient(url, auth=("boss", PASSWORD)) as grafana:
            assert (grafana.health().database, grafana.health().version) == ("ok", VERSION)
            assert [(each.uid, each.url, each.json_data["timeInterval"]) for each in grafana.datasources()] == [
                (SOURCE, "http://127.0.0.1:9", "15s")
            ]
            hits = grafana.search()
            assert [hit.uid for hit in hits] == sorted(path.stem for path in DASHBOARDS.glob("*.json"))
            assert {hit.folder for hit in hits} == {"Arbitrage"}
            assert all(grafana.dashboard(hit.uid).provisioned for hit in hits)
        seen = psutil.Process(process.pid)
        shown = " ".join([*seen.cmdline(), *seen.environ().values(), (tmp_path / "log").read_text(encoding="utf-8")])
        listens = {one.laddr.ip for one in seen.net_connections() if one.status == psutil.CONN_LISTEN}
    assert PASSWORD not in shown
    assert listens == {"127.0.0.1"}


def test_it_is_ready_at_once_and_small(tmp_path: Path) -> None:
    """Ready within half a second and under 60 MB, the best of three starts: a busy machine is not its fault."""
    found = []
    for number in range(3):
        begun = time.perf_counter()
        with started(environ(tmp_path), tmp_path / f"log{number}") as (process, url):
            requests.get(f"{url}/api/health", timeout=5).raise_for_status()
            found.append((time.perf_counter() - begun, psutil.Process(process.pid).memory_info().rss / 1e6))
    assert min(seconds for seconds, _ in found) < READY_SECONDS
    assert max(megabytes for _, megabytes in found) < READY_MEGABYTES


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    """Exit 0, also while somebody is connected, and no trace back."""
    with started(environ(tmp_path), tmp_path / "log") as (process, url):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5):
            process.send_signal(number)
            assert process.wait(5) == 0
    assert "Traceback" not in (tmp_path / "log").read_text(encoding="utf-8")


def ended(env: dict[str, str], *options: str) -> tuple[int, str]:
    done = subprocess.run(command(*options), cwd=ROOT, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    """Exit 1; the sentence names address and remedy."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = ended(environ(tmp_path), "--port", port)
    assert (code, said.count("level=error")) == (1, 1)
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use; end what does, or give another --port" in said


@pytest.mark.parametrize(
    ("options", "changed", "told"),
    [
        (("--port", "x"), {}, "--port (GF_SERVER_HTTP_PORT) is 'x'; give a number from 0 to 65535"),
        ((), {"GF_SERVER_HTTP_PORT": "65536"}, "--port (GF_SERVER_HTTP_PORT) is '65536'"),
        ((), {"GF_PATHS_PROVISIONING": ""}, "--provisioning (GF_PATHS_PROVISIONING) is missing; name the folder"),
        (
            ("--provisioning", "/nowhere"),
            {},
            "--provisioning (GF_PATHS_PROVISIONING) is '/nowhere', which is no folder",
        ),
        ((), {"GF_SECURITY_ADMIN_PASSWORD__FILE": ""}, "is missing; there is no default password"),
        (("--password-file", "/nowhere"), {}, "'/nowhere' cannot be read (FileNotFoundError)"),
        (("--password-file", os.devnull), {}, "is empty; put the administrator's password in it"),
        (("--prot", "1"), {}, "unrecognized arguments: --prot 1"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    options: tuple[str, ...], changed: dict[str, str], told: str, tmp_path: Path
) -> None:
    """Exit 2; the sentence says which option, by both its names, and what to do."""
    code, said = ended(environ(tmp_path, **changed), *options)
    assert (code, len(said.splitlines())) == (2, 1)
    assert told in said


def test_provisioning_that_is_no_yaml_ends_it(folder: Path, tmp_path: Path) -> None:
    """Exit 1 with one line that names the file, as Grafana does not start then either."""
    (folder / "datasources" / "prometheus.yml").write_text("datasources: [", encoding="utf-8")
    code, said = ended(environ(tmp_path), "--provisioning", str(folder))
    assert (code, len(said.splitlines())) == (1, 1)
    assert "provisioning error" in said
    assert "prometheus.yml: yaml: " in said


def test_a_data_folder_that_cannot_be_one_ends_it(tmp_path: Path) -> None:
    """Exit 1 with one line that names the option."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    code, said = ended(environ(tmp_path), "--data", str(tmp_path / "file"))
    assert (code, "--data (GF_PATHS_DATA) cannot be used" in said, len(said.splitlines())) == (1, True, 1)


def test_nobody_takes_it_for_a_grafana() -> None:
    """Its health says so twice; a Grafana's says so never."""
    assert is_standin(health())
    assert is_standin({"version": VERSION})
    assert not is_standin({"commit": "NA", "database": "ok", "version": "12.4.4"})
