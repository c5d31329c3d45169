"""Keeps what tests write in memory where there is room: thousands of small files, copies, data of real servers."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - below it each has a folder of its own
_ROOM: Final = 4 * 2**30  # bytes; a whole run has taken a tenth of it at a time


def keep_temporary_files(memory: Path = MEMORY) -> None:
    """Let this process and its children make temporary files there, unless TMPDIR says where, or it is not fit."""
    if not os.environ.get("TMPDIR") and fit(memory):
        os.environ["TMPDIR"] = str(memory)
        tempfile.tempdir = None  # it may have been looked up before


def fit(memory: Path, *, room: int = _ROOM) -> bool:
    """Return whether a folder is there, takes files and programs, and has room; containers have 64 MB by default."""
    try:
        its = os.statvfs(memory)
    except OSError:
        return False
    return (
        not its.f_flag & os.ST_NOEXEC and its.f_bavail * its.f_frsize >= room and os.access(memory, os.W_OK | os.X_OK)
    )
