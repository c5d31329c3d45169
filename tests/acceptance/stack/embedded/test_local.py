from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from acceptance.stack.embedded import local
from acceptance.stack.embedded.local import PORTS, chosen_ports
from acceptance.stack.embedded.supervisor.client import CODE
from acceptance.stack.interface import StackError
from acceptance.stack.ports import Ports, port_variable
from acceptance.stack.wait import Observation, wait_until
from preflight.system.process_id import birth
from tests.acceptance.stack.light import gone, vanished

pytestmark = pytest.mark.leg("system")


class Person:
    """Somebody at a terminal, in a project of their own and on ports of their own."""

    def __init__(self, project: Path, services: tuple[str, ...] = ("redis", "node-exporter")) -> None:
        self.project = project
        self.services = services
        with Ports.free(services) as ports:
            self.ports = ports.as_dict()
        self.env = {**os.environ, **{port_variable(name): str(port) for name, port in self.ports.items()}}

    def argv(self, verb: str) -> list[str]:
        """What ``make`` runs."""
        return [
            *(sys.executable, "-m", "acceptance.stack.embedded.local"),
            *("--project", str(self.project), "--services", ",".join(self.services)),
            *("--grafana", "standin", verb),
        ]

    def types(self, verb: str, **env: str) -> tuple[int, str]:
        """Run one command.

        Returns:
            Exit code and everything it printed.
        """
        done = subprocess.run(
            self.argv(verb),
            cwd=CODE,
            env={**self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout

    def state(self) -> dict[str, object]:
        """What ``up`` wrote down."""
        facts: dict[str, object] = json.loads((self.project / ".stack" / "state.json").read_text())
        return facts

    def processes(self) -> list[psutil.Process]:
        """The supervisor and its servers."""
        supervisor = psutil.Process(int(str(self.state()["supervisor_pid"])))
        return [supervisor, *supervisor.children(recursive=True)]


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    """A person whose stack is down again after the test."""
    somebody = Person(tmp_path)
    yield somebody
    somebody.types("down")


def test_up_says_first_where_the_dashboards_are(tmp_path: Path) -> None:
    """Their address, and whether a Grafana or the stand-in serves them; `status` says it again."""
    somebody = Person(tmp_path, ("prometheus", "grafana"))
    try:
        code, said = somebody.types("up")
        assert code == 0, said
        after = said[said.index("Ready after") :].splitlines()
        assert after[1] == f"Dashboards: http://localhost:{somebody.ports['grafana']}/d/d77_system_health"
        assert "a stand-in for Grafana, no Grafana" in after[2]
        assert str(tmp_path / ".stack" / "grafana-login") in after[2]
        assert "grafana: stand-in" in somebody.types("status")[1]
    finally:
        somebody.types("down")


def test_up_status_down(person: Person, tmp_path: Path) -> None:
    """``up`` leaves a stack running that its files describe; ``down`` leaves no process and none of the files."""
    code, said = person.types("up")
    assert code == 0, said
    assert f"localhost:{person.ports['redis']}" in said
    folder = tmp_path / ".stack"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.name != "lock"}
    assert modes == {"preflight.toml": 0o600, "grafana-login": 0o600, "state.json": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    settings = tomllib.loads((folder / "preflight.toml").read_text())
    processes = person.processes()
    assert settings["env"] == "paper"
    assert settings["redis"]["port"] == person.ports["redis"]
    assert settings["stack"]["supervisor_pid"] == processes[0].pid
    assert settings["stack"]["supervisor_born"] == birth(processes[0].pid)
    assert (folder / "grafana-login").read_text().splitlines()[0] == "user=admin"
    assert processes[0].ppid() != os.getpid()

    code, again = person.types("up")
    assert (code, "running already" in again) == (0, True), again
    assert person.processes() == processes

    code, listed = person.types("status")
    assert (code, listed.count("ready")) == (0, 2), listed

    code, said = person.types("down")
    assert (code, "nothing is left running" in said) == (0, True), said
    gone(processes)
    assert [path.name for path in folder.iterdir()] == ["lock"]
    vanished(Path(settings["textfile_dir"]))

    assert person.types("down") == (0, "Nothing is running.\n")
    assert person.types("status") == (1, "Nothing is running.\n")


def test_a_taken_port_is_refused_in_one_sentence(person: Person, tmp_path: Path) -> None:
    """Another project on the same port gets a sentence with port, service and variable, and leaves nothing."""
    assert person.types("up")[0] == 0
    other = Person(tmp_path / "other")
    other.project.mkdir()
    port = person.ports["redis"]
    code, said = other.types("up", REDIS_PORT=str(port))
    assert code == 1
    assert f"error: port {port} for redis is taken by" in said
    assert "REDIS_PORT=" in said
    assert not (other.project / ".stack" / "state.json").exists()
    assert person.types("status")[0] == 0


def test_down_clears_up_after_a_killed_supervisor(person: Person) -> None:
    """When the supervisor was killed, its servers are gone with it, and ``down`` removes what is left."""
    assert person.types("up")[0] == 0
    processes, folder = person.processes(), Path(str(person.state()["run_dir"]))
    processes[0].kill()
    gone(processes)
    code, said = person.types("status")
    assert (code, "supervisor is gone" in said) == (1, True), said
    code, said = person.types("down")
    assert (code, "gone already" in said) == (0, True), said
    assert not folder.exists()


def test_down_never_ends_a_stranger_with_a_reused_process_id(person: Person, tmp_path: Path) -> None:
    """A process that merely has the recorded id is left alone."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (tmp_path / ".stack").mkdir(mode=0o700)
        row = {"pid": stranger.pid, "born": "1", "name": "redis", "port": 1, "version": "1"}
        question = {"kind": "http", "asked": "", "settings": {}}
        facts = {
            "supervisor_pid": stranger.pid,
            "supervisor_born": "1",
            "run_dir": str(tmp_path / "nowhere"),
            "services": [{**row, "question": question}],
        }
        (tmp_path / ".stack" / "state.json").write_text(json.dumps(facts))
        code, said = person.types("down")
        assert (code, "gone already" in said) == (0, True), said
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_down_does_not_call_a_taken_port_nothing(person: Person) -> None:
    """While a recorded port is taken, ``down`` names who has it, keeps the data and does not say that all is gone."""
    assert person.types("up")[0] == 0
    processes, run_dir = person.processes(), Path(str(person.state()["run_dir"]))
    processes[0].kill()
    gone(processes)
    with socket.create_server(("127.0.0.1", person.ports["redis"])):
        code, said = person.types("down")
        assert (code, "nothing is left" in said) == (1, False), said
        assert f"port {person.ports['redis']} of redis is still taken by " in said
        assert f"(process {os.getpid()})" in said
        assert run_dir.exists()
        code, said = person.types("up")
        assert (code, "the stack that ran before is not gone" in said) == (1, True), said
    code, said = person.types("down")
    assert (code, "nothing is left running" in said) == (0, True), said
    assert not run_dir.exists()


def test_ctrl_c_after_the_start_says_what_runs(
    person: Person, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C while the addresses are printed leaves the stack running, and says how to end it."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "_describe", interrupt)
    for name, value in person.env.items():
        monkeypatch.setenv(name, value)
    assert local.main(person.argv("up")[3:]) == 130
    assert capsys.readouterr().err == "error: interrupted; 'make down' ends what runs\n"
    assert person.types("status")[0] == 0


def test_ctrl_c_while_starting_rolls_back(tmp_path: Path) -> None:
    """Ctrl-C during ``up`` ends what was started, writes no state, and says so with code 130."""
    person = Person(tmp_path, services=("redis", "postgres"))
    process = subprocess.Popen(
        person.argv("up"),
        cwd=CODE,
        env={**person.env, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None

    def started() -> Observation[list[psutil.Process]]:
        below = psutil.Process(process.pid).children(recursive=True)
        return Observation(done=len(below) >= 3, said=str(below), value=below)

    below = wait_until(started, asked="supervisor and two servers", timeout=20, interval=0.01).value
    assert below is not None
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert error == "error: interrupted; nothing was left running\n"
    gone(below)
    assert not (tmp_path / ".stack" / "state.json").exists()


def test_a_service_that_fails_rolls_back(tmp_path: Path) -> None:
    """When one service cannot start, ``up`` says which and why, ends the others and writes no state."""
    person = Person(tmp_path)
    fake = tmp_path / "bin" / "redis-server"
    fake.parent.mkdir()
    fake.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "Redis server v=7.4.0 x" && exit\necho "no memory"; exit 9\n'
    )
    fake.chmod(0o755)
    code, said = person.types("up", PATH=f"{fake.parent}:{os.environ['PATH']}")
    assert code == 1
    assert "redis did not become ready" in said
    assert "exit code 9" in said
    assert "no memory" in said
    assert not (tmp_path / ".stack" / "state.json").exists()
    assert person.types("down") == (0, "Nothing is running.\n")


def test_the_default_ports_are_those_of_the_readme() -> None:
    """9090 Prometheus, 3000 Grafana, 9101 node-exporter, 9100 engine, 6379 Redis, 5432 Postgres."""
    assert chosen_ports(tuple(PORTS), {}) == {
        "redis": 6379,
        "postgres": 5432,
        "prometheus": 9090,
        "grafana": 3000,
        "node-exporter": 9101,
        "engine": 9100,
    }


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "9090.5", "٣"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    """The sentence names the variable and what it held."""
    with pytest.raises(StackError, match=r"PROMETHEUS_PORT=.* is no port"):
        chosen_ports(("prometheus",), {"PROMETHEUS_PORT": text})
