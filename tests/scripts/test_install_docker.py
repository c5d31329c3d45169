from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "install_docker.sh"
TOOLS = ("bash", "dirname", "timeout", "grep", "sed", "cut", "cat", "mkdir", "rm", "sleep", "flock", "awk", "env")


class Machine:
    """A made-up machine: a PATH with a few real tools and whatever fakes a test writes."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.state = folder / "state"
        self.bin.mkdir()
        for name in TOOLS:
            real = next(Path(part, name) for part in os.defpath.split(os.pathsep) if Path(part, name).exists())
            (self.bin / name).symlink_to(real)

    def fake(self, name: str, script: str) -> None:
        """Put a program on the machine; each call is taken down in `calls`."""
        path = self.bin / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>"{self.bin}/calls"\n{script}\n', encoding="utf-8")
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """Every fake that was called, with its arguments."""
        path = self.bin / "calls"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run the script on it."""
        env = {"PATH": str(self.bin), "ARBITRAGE_DOCKER_STATE": str(self.state)}
        return subprocess.run([SCRIPT, *args], env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without anything of Docker."""
    return Machine(tmp_path)


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
    assert "v2 is missing" in machine.run("status").stderr


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


def test_what_a_killed_engine_left_does_not_keep_the_next_one_from_starting(machine: Machine) -> None:
    """Dockerd refuses to start beside a pid file whose number lives on in another process; `start` takes it away."""
    left = (machine.state / "engine.pid", machine.state / "exec" / "containerd" / "containerd.pid")
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1", encoding="utf-8")
    for name in ("setsid", "nohup"):
        (machine.bin / name).symlink_to(
            next(Path(part, name) for part in ("/usr/bin", "/bin") if Path(part, name).exists())
        )
    for name in ("iptables", "debootstrap", "apt-get"):
        machine.fake(name, "exit 0")
    machine.fake("id", "echo 0")
    up = machine.state / "up"
    machine.fake("docker", f'case "$*" in *Server*) [ -e "{up}" ] && echo 20.10;; *) echo 2.26.1;; esac')
    machine.fake("dockerd", f'[ ! -e "{left[0]}" ] || exit 1; [ ! -e "{left[1]}" ] || exit 1; : >"{up}"; sleep 5')

    done = machine.run("start")

    if not os.access("/etc/debian_version", os.R_OK):  # elsewhere it starts nothing at all
        assert done.returncode == 3
        return
    assert done.returncode == 0, done.stderr
    assert "dockerd answers" in done.stderr


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
