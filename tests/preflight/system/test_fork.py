from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.system.fork import ForkFailedError, answer_of, wait_for

LIMIT = 100_000


def _raises() -> bytes:
    raise ValueError("it is not\nso")


def _says_plus() -> bytes:
    raise RuntimeError("+")


def _leaves_a_child() -> bytes:
    if os.fork() == 0:
        threading.Event().wait()
    os._exit(0)


def _answers_twice() -> bytes:
    os.fork()
    return b"once"


def _exits() -> bytes:
    os._exit(0)


def _dies() -> bytes:
    os.kill(os.getpid(), signal.SIGTERM)
    return b"still here"


def _closes_the_pipe() -> bytes:
    os.closerange(3, 256)
    return b"unheard"


def _hangs() -> bytes:
    threading.Event().wait()
    return b"never"


@pytest.mark.usefixtures("no_child_left")
@pytest.mark.parametrize(
    ("work", "trouble"),
    [
        (_raises, "ValueError: it is not so"),
        (_says_plus, "RuntimeError: +"),
        (_exits, "its process ended in the middle of it"),
        (_dies, "its process was ended by SIGTERM"),
        (_leaves_a_child, "its process ended in the middle of it"),
        (_closes_the_pipe, "its process ended in the middle of it"),
        (lambda: bytes(LIMIT + 1), f"its answer is longer than {LIMIT} bytes"),
        (lambda: bytes(9 * LIMIT), f"its answer is longer than {LIMIT} bytes"),
    ],
    ids=["raises", "raises +", "exits", "dies", "forks and exits", "closes the pipe", "too long", "far too long"],
)
def test_no_answer_says_why(work: Callable[[], bytes], trouble: str) -> None:
    """Whatever else it does than answer is told, and nothing of it is left."""
    with pytest.raises(ForkFailedError) as caught:
        answer_of(work, 10, limit=LIMIT)
    assert str(caught.value) == trouble


@pytest.mark.usefixtures("no_child_left")
@pytest.mark.parametrize("answer", [b"", b"+", b"-", b"x" * (LIMIT - 1)], ids=["empty", "plus", "minus", "long"])
def test_an_answer_comes_whole(answer: bytes) -> None:
    """The line is given as it was returned, however long it is, up to the limit."""
    assert answer_of(lambda: answer, 10, limit=LIMIT) == answer


@pytest.mark.usefixtures("no_child_left")
def test_what_the_work_forks_does_not_answer_too() -> None:
    """A fork made by the work comes the same way back; only the process that was asked answers."""
    assert answer_of(_answers_twice, 10, limit=LIMIT) == b"once"


@pytest.mark.usefixtures("no_child_left")
def test_it_is_not_waited_for_longer_than_allowed() -> None:
    """Work that never ends is ended."""
    begun = time.monotonic()

    with pytest.raises(ForkFailedError, match=r"it does not end within 0\.2 s"):
        answer_of(_hangs, 0.2, limit=LIMIT)
    assert time.monotonic() - begun < 5


def test_nothing_of_it_happens_here() -> None:
    """What the work changes stays in its own process."""
    found: list[int] = []

    def find() -> bytes:
        found.append(1)
        return b"found"

    assert answer_of(find, 10, limit=LIMIT) == b"found"
    assert found == []


def test_it_has_none_of_our_files() -> None:
    """What this process has open, a lock for example, is not handed to somebody else's code."""
    with open(os.devnull, "rb") as ours:  # noqa: PTH123 - its number is what matters

        def still_open() -> bytes:
            os.fstat(ours.fileno())
            return b"it is"

        with pytest.raises(ForkFailedError, match="Bad file descriptor"):
            answer_of(still_open, 10, limit=LIMIT)


@pytest.fixture(params=[None, errno.ENOSYS, errno.EPERM], ids=["with", "ENOSYS", "EPERM"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that knows pidfd, one that does not, and a profile that forbids it."""
    if request.param is not None:

        def refuse(pid: int, _flags: int = 0) -> int:  # psutil gives flags, too
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
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "broke" not in done.stdout + done.stderr
    assert "environment" in done.stdout
