from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from acceptance.stack.wait import Observation, wait_until
from tests.acceptance.stack.light import gone
from tests.scripts.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "install_docker.sh"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without anything of Docker."""
    return Machine(tmp_path, SCRIPT)


ANSWERS = 'case "$*" in *compose*) echo 2.26.1;; *) echo 20.10;; esac'


def test_nothing_is_done_where_docker_answers(machine: Machine) -> None:
    """With engine and compose v2 there, no package is asked for and nothing is started."""
    machine.fake("docker", ANSWERS)
    machine.fake("apt-get", "exit 1")
    machine.fake("dockerd", "exit 1")
    done = machine.run()
    assert done.returncode == 0
    assert "nothing to do" in done.stderr
    assert not [call for call in machine.calls if not call.startswith("docker ")]


@pytest.mark.parametrize("uid", ["1000", "0"], ids=["not root", "not Debian"])
def test_other_machines_get_one_sentence(machine: Machine, uid: str) -> None:
    """Who is not root on Debian is told what to install, and nothing is tried."""
    machine.fake("id", f"echo {uid}")  # no apt-get on this machine
    done = machine.run()
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert "install Docker Engine" in done.stderr


def test_compose_v1_is_not_taken_for_v2(machine: Machine) -> None:
    """A `docker compose` that answers 1.29 counts as missing."""
    machine.fake("docker", 'case "$*" in *compose*) echo 1.29.2;; *) echo 20.10;; esac')
    machine.fake("id", "echo 1000")
    assert machine.run().returncode == 3
    assert "2.24 or newer is missing" in machine.run("status").stderr


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        ("1.29.2", False),
        ("2.3.3", False),
        ("2.23.9", False),
        ("2.24.0", True),
        ("v2.40.1", True),
        ("2.100.0", True),
        ("5.0.1", True),
        ("10.1.0", True),
    ],
)
def test_compose_has_to_know_optional_env_files(machine: Machine, version: str, *, taken: bool) -> None:
    """Before 2.24 compose refuses the compose file, so such a one counts as missing."""
    machine.fake("docker", f'case "$*" in *compose*) echo {version};; *) echo 20.10;; esac')
    assert (machine.run("status").returncode == 0) is taken


def test_status_tells_and_fails_where_something_is_missing(machine: Machine) -> None:
    """`status` is 0 only when both answer."""
    assert machine.run("status").returncode == 1
    machine.fake("docker", ANSWERS)
    assert machine.run("status").returncode == 0


def test_stop_leaves_a_dockerd_that_is_not_ours(machine: Machine) -> None:
    """Without our pid file, nothing is stopped."""
    machine.fake("docker", ANSWERS)
    done = machine.run("stop")
    assert done.returncode == 0
    assert "nothing to stop" in done.stderr


def test_stop_leaves_a_process_that_reused_the_pid(machine: Machine) -> None:
    """The pid alone is not the process: one that started at another time is somebody else's."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
        try:
            machine.state.mkdir()
            (machine.state / "dockerd.pid").write_text(f"{other.pid} 1\n", encoding="utf-8")
            assert machine.run("stop").returncode == 0
            assert other.poll() is None
        finally:
            other.kill()


def test_stop_ends_what_start_started(machine: Machine) -> None:
    """The process whose pid and start time are in the file is asked to end, and the file goes with it."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as ours:
        try:
            stat = Path(f"/proc/{ours.pid}/stat").read_text(encoding="utf-8")
            started = stat.rpartition(")")[2].split()[19]
            machine.state.mkdir()
            pid_file = machine.state / "dockerd.pid"
            pid_file.write_text(f"{ours.pid} {started}\n", encoding="utf-8")
            script = subprocess.Popen(
                [SCRIPT, "stop"],
                env={"PATH": str(machine.bin), "ARBITRAGE_DOCKER_STATE": str(machine.state)},
                stderr=subprocess.PIPE,
                text=True,
            )
            assert ours.wait(timeout=20) == -15  # reaped here, as init would, or its number would stay taken
            _, said = script.communicate(timeout=20)
        finally:
            ours.kill()
    assert script.returncode == 0
    assert "stopped" in said
    assert not pid_file.exists()


def _bare_debian(machine: Machine) -> Path:
    """Make it a root Debian machine on which `dockerd` comes up when it touches the file that is returned."""
    for name in ("setsid", "nohup"):
        (machine.bin / name).symlink_to(
            next(Path(part, name) for part in ("/usr/bin", "/bin") if Path(part, name).exists())
        )
    for name in ("iptables", "apt-get"):
        machine.fake(name, "exit 0")
    machine.fake("id", "echo 0")
    return machine.state / "up"


ON_DEBIAN = pytest.mark.parametrize("debian", [os.access("/etc/debian_version", os.R_OK)], ids=["here"])
"""The script looks at a file of the machine itself: elsewhere than on Debian it says so and starts nothing."""


@ON_DEBIAN
def test_what_a_killed_engine_left_does_not_keep_the_next_one_from_starting(machine: Machine, *, debian: bool) -> None:
    """Dockerd refuses to start beside a pid file whose number lives on in another process; `start` takes it away."""
    left = (machine.state / "engine.pid", machine.state / "exec" / "containerd" / "containerd.pid")
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1", encoding="utf-8")
    up = _bare_debian(machine)
    machine.fake("docker", f'case "$*" in *Server*) [ -e "{up}" ] && echo 20.10;; *) echo 2.26.1;; esac')
    machine.fake("dockerd", f'[ ! -e "{left[0]}" ] || exit 1; [ ! -e "{left[1]}" ] || exit 1; : >"{up}"; sleep 5')

    done = machine.run("start")

    assert (done.returncode, "dockerd answers" in done.stderr) == ((0, True) if debian else (3, False)), done.stderr


@ON_DEBIAN
def test_an_interrupted_start_leaves_no_engine(machine: Machine, *, debian: bool) -> None:
    """Ctrl-C before the engine answers ends it: `stop` knows its pid from the first moment, and so does the trap."""
    _bare_debian(machine)
    machine.fake("docker", 'case "$*" in *Server*) exit 1;; *) echo 2.26.1;; esac')
    machine.fake("dockerd", 'echo $$ >"${0%/*}/pid"; exec sleep 60')
    script = subprocess.Popen(
        [SCRIPT, "start"],
        env={"PATH": str(machine.bin), "ARBITRAGE_DOCKER_STATE": str(machine.state)},
        stderr=subprocess.PIPE,
        text=True,
    )
    if not debian:
        assert script.wait(timeout=20) == 3
        return
    pid_file = machine.state / "dockerd.pid"

    def written() -> Observation[None]:
        there = pid_file.exists() and (machine.bin / "pid").exists()
        return Observation(done=there, said=f"{script.poll()}")

    wait_until(written, asked="the pid files", timeout=20)
    engine = psutil.Process(int((machine.bin / "pid").read_text(encoding="utf-8")))
    assert pid_file.read_text(encoding="utf-8").split()[0] == str(engine.pid)
    script.terminate()
    script.communicate(timeout=20)

    gone([engine])
    assert not pid_file.exists()


@ON_DEBIAN
@pytest.mark.parametrize(
    ("known", "packages"),
    [(True, ["docker.io", "docker-cli"]), (False, ["docker.io"])],
    ids=["client apart", "client inside"],
)
def test_the_client_is_installed_whatever_package_it_is_in(
    machine: Machine, packages: list[str], *, known: bool, debian: bool
) -> None:
    """From trixie on docker.io comes without the command docker, which only recommends brings."""
    up = _bare_debian(machine)
    client = f'case "$*" in *Server*) [ -e "{up}" ] && echo 20.10;; *) echo 2.26.1;; esac'
    engine = f': >"{up}"; sleep 5'
    here = machine.bin
    # Installing puts down what the package holds.
    machine.fake(
        "apt-get",
        f"""case "$*" in
        *install*docker.io) printf '#!/bin/bash\\n%s\\n' '{engine}' >"{here}/dockerd"; chmod +x "{here}/dockerd"
            [ {int(known)} = 1 ] || cp "{here}/client" "{here}/docker";;
        *install*docker-cli) cp "{here}/client" "{here}/docker";;
        esac""",
    )
    machine.fake("client", client)
    machine.fake("apt-cache", f"exit {0 if known else 100}")
    for name in ("cp", "chmod", "tail"):
        (here / name).symlink_to(next(Path(part, name) for part in ("/usr/bin", "/bin") if Path(part, name).exists()))

    done = machine.run("start")

    assert done.returncode == (0 if debian else 3), done.stderr
    installed = [call.split()[-1] for call in machine.calls if call.startswith("apt-get ") and " install " in call]
    assert installed == (packages if debian else [])


def test_an_unknown_word_is_a_usage_error(machine: Machine) -> None:
    """Exit code 2, with the usage."""
    done = machine.run("restart")
    assert done.returncode == 2
    assert "usage" in done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*.sh")), ids=lambda path: path.name)
def test_scripts_name_no_mirror(path: Path) -> None:
    """Where packages come from is the machine's to say."""
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert ".debian.org" not in text
