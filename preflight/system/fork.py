"""Forked children of this process: how one begins, how its end is waited for, and how one is asked something.

A child has none of this process's open files but those that are named, a process group of its own, and the default
handlers for signals. Each of these functions must be called while this process has a single thread.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from preflight.message import message
from preflight.system.streams import ENDING

_SIGNALS = (signal.SIGINT, signal.SIGALRM, *ENDING)  # at their defaults in a child
_FINE, _NOT = b"+", b"-"  # how the child's line begins; after _NOT comes the reason
_MAX_REASON = 4000  # bytes of a reason
_REAP_SECONDS = 0.5  # for a killed child to be gone; one that is stuck in the kernel is left behind
_PAUSE = 0.02  # seconds; looking more often would take the child's processor from it


class ForkFailedError(Exception):
    """The child gave none; the text says why: what it raised, how its process ended, or that it took too long."""


def fork_child(live: Callable[[], None], *files: int) -> int:
    """Fork a child that does `live` and ends; return its process id.

    Args:
        live: What the child does. Whatever it raises ends the child quietly.
        files: Descriptors that the child keeps; its stdin, stdout and stderr are /dev/null.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as where they were closed before the start
            stream.flush()
    # A handler that raised in the child before `_be_child` has begun would run the parent's code there, twice.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    pid = -1
    try:
        try:
            pid = os.fork()
            if pid == 0:
                _be_child(live, files, mask)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.setpgid(pid, pid)  # both sides do it, so that it is done whoever runs first
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    except BaseException:  # a handler raised: the caller will never get to know this child
        if pid > 0:
            kill_group(pid)
            wait_for(pid, _REAP_SECONDS)
            os.waitpid(pid, os.WNOHANG)
        raise
    return pid


def _be_child(live: Callable[[], None], files: Iterable[int], mask: set[int | signal.Signals]) -> NoReturn:
    """Be the child, to the end. Nothing below may return or raise into the parent's code."""
    try:
        gc.freeze()  # what is the parent's stays: looking through it for garbage would copy all of it
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        close_all_but(*files)
        live()
    finally:
        os._exit(0)


def kill_group(pid: int) -> None:
    """Kill a child and what it forked; that it is gone already is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def close_all_but(*kept: int) -> None:
    """Close what else the parent had open, so that no child holds another one's pipe.

    Only what is open: where a process may have a billion files, asking for each number takes the check's whole time.
    """
    numbers: Iterable[int] = range(os.sysconf("SC_OPEN_MAX"))
    with contextlib.suppress(OSError):  # as where /proc is not mounted
        numbers = [int(path.name) for path in Path("/proc/self/fd").iterdir()]
    for descriptor in numbers:
        if descriptor > 2 and descriptor not in kept:
            with contextlib.suppress(OSError):  # the listing's own is closed already
                os.close(descriptor)


def wait_for(pid: int, seconds: float, *files: int) -> bool:
    """Wait until a child has ended or one of the files has something to read; False: neither within the time.

    The child is not reaped. Works also where kernel (before 5.3) or container profile has no pidfd.
    """
    try:
        child = os.pidfd_open(pid)
    except ProcessLookupError:  # reaped already
        return True
    except (OSError, AttributeError):  # ENOSYS, EPERM; a Python that was built for an older system has no such name
        return _look_for(pid, seconds, files)
    try:
        return bool(select.select([child, *files], [], [], seconds)[0])
    finally:
        os.close(child)


def _look_for(pid: int, seconds: float, files: tuple[int, ...]) -> bool:
    end = time.monotonic() + seconds
    while True:
        try:
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                return True
        except ChildProcessError:  # reaped already
            return True
        left = end - time.monotonic()
        if select.select(files, [], [], max(0.0, min(_PAUSE, left)))[0]:
            return True
        if left <= 0:
            return False


def answer_of(work: Callable[[], bytes], seconds: float, *, limit: int) -> bytes:
    """Do `work` in a forked process and return its answer: what this process must not do itself.

    Nothing of it happens here. The child and what it started are ended with the answer.

    Args:
        work: Returns one line; it may do anything to its own process.
        seconds: How long it may take.
        limit: Bytes that the line may have.

    Raises:
        ForkFailedError: There is no line within the limits. Silence is never taken for an answer.
    """
    answer, to_parent = os.pipe()
    try:
        pid = fork_child(lambda: _reply(work, to_parent), to_parent)
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
        raise ForkFailedError(message("its answer is longer than {limit} bytes", limit=limit))
    if not line.startswith(_FINE):
        raise ForkFailedError(line.removeprefix(_NOT).decode(errors="replace"))
    return line.removeprefix(_FINE)


def _reply(work: Callable[[], bytes], to_parent: int) -> None:
    """Do the work in the child and send its line, or the reason why there is none."""
    pid = os.getpid()
    try:
        said = _FINE + work()
    except BaseException as e:  # noqa: BLE001 - what ends the work is the finding
        reason = f"{type(e).__name__}: {e}".rstrip(": ")
        said = _NOT + " ".join(reason.split()).encode(errors="replace")[:_MAX_REASON]
    if os.getpid() != pid:  # what the work forked has come here as well
        return
    with contextlib.suppress(OSError):
        rest = memoryview(said + b"\n")
        while rest:
            rest = rest[os.write(to_parent, rest) :]


def _hear(answer: int, pid: int, seconds: float, limit: int) -> tuple[bytes, str]:
    """Wait for the child's line or its end, then end it and what it started; return both.

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
        kill_group(pid)
        wait_for(pid, _REAP_SECONDS)
        _, status = os.waitpid(pid, os.WNOHANG)
    if not in_time:
        return bytes(said), message("it does not end within {seconds:g} s", seconds=seconds)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:  # which is what ended it just now
        ended = message("its process was ended by {signal}", signal=signal.Signals(os.WTERMSIG(status)).name)
        return bytes(said), ended
    return bytes(said), message("its process ended in the middle of it")
