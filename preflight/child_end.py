"""Waiting for the end of a child, also where kernel (before 5.3) or container profile has no pidfd."""

from __future__ import annotations

import os
import select
import time

_PAUSE = 0.02  # seconds; looking more often would take the child's processor from it


def wait_for(pid: int, seconds: float, *files: int) -> bool:
    """Wait until a child has ended or one of the files has something to read; False: neither within the time.

    The child is not reaped.
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
