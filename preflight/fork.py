"""Asks something of a fork of this process that this process must not do itself."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable

from preflight.child_end import wait_for
from preflight.streams import ENDING
from preflight.worker import close_all_but

_FINE, _NOT = b"+", b"-"  # how the child's line begins; after _NOT comes the reason
_MAX_REASON = 4000  # bytes of a reason
_REAP_SECONDS = 0.5  # for a killed child to be gone; one that is stuck in the kernel is left behind


class ForkFailedError(Exception):
    """The child gave none; the text says why: what it raised, how its process ended, or that it took too long."""


def answer_of(work: Callable[[], bytes], seconds: float, *, limit: int) -> bytes:
    """Do `work` in a forked process and give what it returns; must be called while this one has a single thread.

    Nothing of it happens here: the child has none of this process's open files but one pipe, and it and what it
    started are ended with the answer.

    Args:
        work: Gives one line; it may do anything to its own process.
        seconds: How long it may take.
        limit: Bytes that the line may have.

    Raises:
        NoAnswerError: There is no line within the limits. Silence is never taken for an answer.
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
        said, ended = _hear(answer, pid, seconds, limit + _MAX_REASON)
    finally:
        os.close(answer)
        if to_parent >= 0:
            os.close(to_parent)
    line, newline, _ = said.partition(b"\n")
    if not newline and len(said) <= limit:
        raise ForkFailedError(ended)
    if len(line) > limit:
        raise ForkFailedError(f"its answer is longer than {limit} bytes")
    if not line.startswith(_FINE):
        raise ForkFailedError(line.removeprefix(_NOT).decode(errors="replace"))
    return line.removeprefix(_FINE)


def _try(work: Callable[[], bytes], to_parent: int) -> None:
    """Be the child, to the end: nothing below returns into the parent's code."""
    said, pid = _NOT, os.getpid()
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        for number in ENDING:  # what this process makes of them is not for the fork
            signal.signal(number, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        close_all_but(to_parent)
        said = _FINE + work()
    except BaseException as e:  # noqa: BLE001 - what ends the work is the finding
        reason = f"{type(e).__name__}: {e}".rstrip(": ")
        said = _NOT + " ".join(reason.split()).encode(errors="replace")[:_MAX_REASON]
    finally:
        with contextlib.suppress(OSError):
            if os.getpid() == pid:  # what the work forked has come here as well
                rest = memoryview(said + b"\n")
                while rest:
                    rest = rest[os.write(to_parent, rest) :]
        os._exit(0)


def _hear(answer: int, pid: int, seconds: float, limit: int) -> tuple[bytes, str]:
    """Wait for the child's line or its end, then end it and what it started; give both.

    What it started may hold the pipe open, so its own end is waited for as well.
    """
    end = time.monotonic() + seconds
    said, in_time = bytearray(), True
    os.set_blocking(answer, False)
    try:
        while b"\n" not in said and len(said) <= limit:
            in_time = wait_for(pid, max(0.0, end - time.monotonic()), answer)
            chunk = b""
            with contextlib.suppress(BlockingIOError):  # it ended without a word
                chunk = os.read(answer, limit)
            said += chunk
            if not chunk:
                break
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        wait_for(pid, _REAP_SECONDS)
        _, status = os.waitpid(pid, os.WNOHANG)
    if not in_time:
        return bytes(said), f"it does not end within {seconds:g} s"
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:  # which is what ended it just now
        return bytes(said), f"its process was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return bytes(said), "its process ended in the middle of it"
