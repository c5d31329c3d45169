"""G12: kernels and container profiles without pidfd."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.child_end import wait_for


@pytest.fixture(params=[None, errno.ENOSYS, errno.EPERM], ids=["with", "ENOSYS", "EPERM"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that knows pidfd, one that does not, and a profile that forbids it."""
    if request.param is not None:

        def refuse(pid: int) -> int:
            raise OSError(request.param, os.strerror(request.param), str(pid))

        monkeypatch.setattr(os, "pidfd_open", refuse)


def child(does: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        does()
        os._exit(0)
    return pid


@pytest.mark.usefixtures("kernel", "no_child_left")
def test_g12_the_end_of_a_child() -> None:
    """It is noticed, and the child is still there to be reaped; one that goes on is waited for no longer than said."""
    pid = child(lambda: None)
    assert wait_for(pid, 10)
    assert os.waitpid(pid, 0) == (pid, 0)
    assert wait_for(pid, 10)  # nobody is there any more

    pid = child(lambda: time.sleep(60))
    begun = time.monotonic()
    assert not wait_for(pid, 0.1)
    assert 0.1 <= time.monotonic() - begun < 5
    os.kill(pid, 9)
    os.waitpid(pid, 0)


def _say_and_stay(tell: int) -> None:
    os.write(tell, b"x")
    signal.pause()


@pytest.mark.usefixtures("kernel", "no_child_left")
def test_g12_something_to_read_comes_first() -> None:
    """A word of the child is noticed while it goes on."""
    told, tell = os.pipe()
    pid = child(lambda: _say_and_stay(tell))
    assert wait_for(pid, 10, told)
    assert os.read(told, 1) == b"x"
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    os.close(told)
    os.close(tell)


def test_g12_a_whole_run(tmp_path: Path) -> None:
    """The gate gives its verdict there as elsewhere: nothing broke."""
    program = (
        "import os, sys; del os.pidfd_open; from preflight.cli import main; "
        "sys.exit(main(['--env', 'paper', '--dry-run', '--waive', 'environment=a test']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "broke" not in done.stdout + done.stderr
    assert "environment" in done.stdout
