"""Who holds a lock: for an error message that can be acted on."""

from __future__ import annotations

import os
from pathlib import Path

_LOCKS = Path("/proc/locks")  # proc(5)


def holder_of(path: Path, table: Path = _LOCKS) -> int | None:
    """Find the process that holds a lock on a file.

    Args:
        path: The file that is locked, with flock or with fcntl.
        table: The kernel's list of locks.

    Returns:
        Its process id, or None where that cannot be known: another kernel or namespace, or already gone.
    """
    try:
        lines = table.read_text(encoding="ascii").splitlines()
        found = path.stat()
    except (OSError, UnicodeDecodeError):
        return None
    wanted = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in lines:
        # "1: FLOCK  ADVISORY  WRITE 4242 fe:00:131 0 EOF"; a line with "->" is a process that waits.
        fields = line.split()
        if len(fields) < 6 or fields[1] == "->" or fields[5] != wanted:
            continue
        if fields[4].isdigit() and int(fields[4]) not in {0, os.getpid()}:
            return int(fields[4])
    return None
