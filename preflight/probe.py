"""Does something in a fork first, to see whether this process would survive it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable

_FINE, _NOT = b"+", b"-"  # how the child's word begins; after _NOT comes the reason
_MAX_BYTES = 4000  # of that word; below PIPE_BUF, so that it is written whole
_REAP_SECONDS = 0.5  # for a killed child to be gone; one that is stuck in the kernel is left behind


def trouble_of(work: Callable[[], object], seconds: float) -> str | None:
    """Do `work` in a forked process; must be called while this one has a single thread.

    Args:
        work: What this process is about to do itself.
        seconds: How long it may take.

    Returns:
        None where it came through and returned; else why not: what it raised (type and text), that its process
        ended, or that it took too long. Silence is never taken for success.
    """
    answer, to_parent = os.pipe()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # as where they were closed before the start
                stream.flush()
        pid = os.fork()
        if pid == 0:
            _try(work, to_parent)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpgid(pid, pid)  # both sides do it, so that it is done whoever runs first
        os.close(to_parent)
        to_parent = -1
        said, ended = _hear(answer, pid, seconds)
    finally:
        os.close(answer)
        if to_parent >= 0:
            os.close(to_parent)
    if said == _FINE:
        return None
    return said.removeprefix(_NOT).decode(errors="replace") or ended


def _try(work: Callable[[], object], to_parent: int) -> None:
    """Be the child, to the end: nothing below returns into the parent's code."""
    said = _NOT
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):  # the parent is about to do and say the same
            os.dup2(null, standard)
        work()
        said = _FINE
    except BaseException as e:  # noqa: BLE001 - what ends the work is the finding
        said = (_NOT + f"{type(e).__name__}: {e}".rstrip(": ").encode(errors="replace"))[:_MAX_BYTES]
    finally:
        with contextlib.suppress(OSError):
            os.write(to_parent, said)
        os._exit(0)


def _hear(answer: int, pid: int, seconds: float) -> tuple[bytes, str]:
    """Wait for the child's word or its end, then end it and what it started; give both.

    What it started may hold the pipe open, so its own end is waited for as well.
    """
    child = os.pidfd_open(pid)
    try:
        ready, _, _ = select.select([answer, child], [], [], seconds)
        os.set_blocking(answer, False)
        said = b""
        if ready:
            with contextlib.suppress(BlockingIOError):  # it ended without a word
                said = os.read(answer, _MAX_BYTES)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        select.select([child], [], [], _REAP_SECONDS)
        os.close(child)
        _, status = os.waitpid(pid, os.WNOHANG)
    if not ready:
        return b"", f"it does not end within {seconds:g} s"
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:  # which is what ended it just now
        return said, f"its process was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return said, "its process ended in the middle of it"
