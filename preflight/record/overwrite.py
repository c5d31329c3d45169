"""Take back a 1 in a `.prom` file that cannot be replaced: on a full disk, or in a directory that may not be written.

A byte is written over a byte: that needs no room and no right on the directory, and a scraper that reads meanwhile
sees the one or the other.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from preflight.record import catalogue, textfile

_YES = re.compile(
    rb"^(?:%s|%s)\{[^}\n]*\} (1)(?:\.0)?$" % (catalogue.READY_FOR_LIVE.encode(), catalogue.LAST_SUCCESS.encode()),
    re.MULTILINE,
)


def take_back(directory: Path, env: str) -> bool:
    """Turn ready_for_live and last_success to 0 where they are 1.

    Returns:
        Whether the file says neither any more.
    """
    try:
        if not _YES.search(textfile.read(directory, env) or b""):
            return True
        fd = os.open(textfile.path_of(directory, env), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "r+b", buffering=0) as file:
            for found in _YES.finditer(file.readall()):
                os.pwrite(fd, b"0", found.start(1))
            os.fsync(fd)
    except OSError:
        return False
    return True
