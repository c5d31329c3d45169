from __future__ import annotations

import signal
import stat
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from acceptance.stack.docker import docker_cli
from acceptance.stack.interface import StackError
from acceptance.stack.wait import Observation, wait_until


@pytest.fixture
def fake_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH but for a `docker` that the test writes."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "docker"


def _write(path: Path, script: str) -> None:
    path.write_text(f"#!{sys.executable}\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_no_docker_says_what_to_install(fake_docker: Path) -> None:
    """Without a docker command the sentence names the script, and what to install elsewhere."""
    assert not fake_docker.exists()
    trouble = docker_cli.why_unusable()
    assert trouble is not None
    assert "install_docker.sh" in trouble
    assert "Docker Engine" in trouble


def test_no_engine_is_told_with_the_cli_s_own_words(fake_docker: Path) -> None:
    """A CLI without an engine is not enough."""
    _write(fake_docker, "import sys; sys.exit('Cannot connect to the Docker daemon')")
    assert "Cannot connect" in (docker_cli.why_unusable() or "")


@pytest.mark.parametrize("answer", ["1.29.2", "2.23.3", "v2.3.0", "", "docker: 'compose' is not a docker command"])
def test_a_compose_that_is_too_old_or_none_is_refused(fake_docker: Path, answer: str) -> None:
    """Before 2.24 it cannot read the compose file: said here, and not by its parser."""
    _write(fake_docker, f"import sys; print({answer!r} if sys.argv[1] == 'compose' else '20.10')")
    assert "2.24 or newer is needed" in (docker_cli.why_unusable() or "")


@pytest.mark.parametrize("answer", ["2.24.0", "2.26.1-4", "v2.40.0", "2.100.0", "5.0.1"])
def test_engine_and_compose_are_enough(fake_docker: Path, answer: str) -> None:
    """Whatever prefix or suffix the version carries."""
    _write(fake_docker, f"import sys; print({answer!r} if sys.argv[1] == 'compose' else '20.10')")
    assert docker_cli.why_unusable() is None


def test_a_command_that_hangs_is_ended() -> None:
    """At its deadline a command is killed, and the answer says so."""
    done = docker_cli.run((sys.executable, "-c", "input()"), seconds=5)
    assert done.code != 124  # no standard input: it ends at once
    hung = docker_cli.run((sys.executable, "-c", "import threading; threading.Event().wait()"), seconds=0.5)
    assert hung.code == 124
    assert "not done after" in hung.said


HOLDER = "import subprocess, sys, threading; subprocess.run([sys.executable, '-c', {grandchild!r}]); print('late')"
"""A command that waits for a child of its own, as the docker CLI does for its compose plug-in."""


def test_a_grandchild_that_holds_the_output_holds_nobody_up(tmp_path: Path) -> None:
    """At the deadline the whole family is killed: the answer is there at once, with what was said until then."""
    pid_file = tmp_path / "pid"
    grandchild = (
        f"import os, pathlib, threading; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()));"
        "print('said', flush=True); threading.Event().wait(60)"
    )
    began = time.monotonic()
    done = docker_cli.run((sys.executable, "-c", HOLDER.format(grandchild=grandchild)), seconds=3)
    assert time.monotonic() - began < 20  # a third of the minute for which the grandchild would hold it
    assert (done.code, done.stdout) == (124, "said\n")
    wait_until(partial(_ended, int(pid_file.read_text(encoding="utf-8"))), asked="the grandchild", timeout=5)


def _ended(pid: int) -> Observation[None]:
    try:
        status = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return Observation(done=True, said="gone")
    return Observation(done=status == psutil.STATUS_ZOMBIE, said=status)


def test_an_interrupted_command_does_not_live_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a command is waited for ends the command, which has a session of its own and did not hear it."""
    started: list[subprocess.Popen[bytes]] = []

    def interrupted(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if process not in started:
            started.append(process)
            raise KeyboardInterrupt
        return wait(process, timeout)

    wait = subprocess.Popen.wait
    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        docker_cli.run((sys.executable, "-c", "import threading; threading.Event().wait(60)"), seconds=30)
    assert [process.returncode for process in started] == [-signal.SIGKILL]


@pytest.mark.parametrize(("gives_up", "seconds", "code"), [(2, 10.0, 0), (99, 0.5, 1)], ids=["at last", "never"])
def test_a_busy_container_is_frozen_at_another_try(
    fake_docker: Path, tmp_path: Path, gives_up: int, seconds: float, code: int
) -> None:
    """The runtime gives up while programs in it start others: it is asked again, until the deadline."""
    count = tmp_path / "count"
    _write(
        fake_docker,
        f"import sys; from pathlib import Path; count = Path({str(count)!r})\n"
        "tries = len(count.read_text()) if count.exists() else 0; count.write_text('.' * (tries + 1))\n"
        f"if tries < {gives_up}: sys.exit('OCI runtime pause failed: unable to freeze: unknown')",
    )
    done = docker_cli.pause("redis", seconds=seconds)
    assert (done.code, "unable to freeze" in done.said) == (code, code != 0), done.said
    assert len(count.read_text()) > 1


def test_another_refusal_to_freeze_is_final(fake_docker: Path, tmp_path: Path) -> None:
    """What another try will not mend is told at once."""
    count = tmp_path / "count"
    _write(fake_docker, f"import sys; open({str(count)!r}, 'a').write('.'); sys.exit('No such container: redis')")
    assert "No such container" in docker_cli.pause("redis").said
    assert count.read_text() == "."


def test_a_missing_program_is_an_error_of_the_stack() -> None:
    """Never a FileNotFoundError in the face of a user."""
    with pytest.raises(StackError, match="no-such-program cannot be run"):
        docker_cli.run(("no-such-program",))


def test_stray_variables_do_not_steer_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """GRAFANA_PORT or COMPOSE_FILE of the caller's shell would win over the project's own settings."""
    monkeypatch.setenv("GRAFANA_PORT", "1")
    monkeypatch.setenv("COMPOSE_FILE", "x")
    monkeypatch.setenv("DOCKER_HOST", "unix:///x.sock")
    found = docker_cli.environment()
    assert not {"GRAFANA_PORT", "COMPOSE_FILE"} & {*found}
    assert found["DOCKER_HOST"] == "unix:///x.sock"


def test_proxies_are_handed_to_builds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """They may hold a password, and running containers need none."""
    monkeypatch.setenv("http_proxy", "http://u:p@proxy")
    assert docker_cli.proxies()["http_proxy"] == "http://u:p@proxy"
    assert "http_proxy" not in docker_cli.environment()
