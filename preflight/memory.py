"""How much memory an answer of a server may take: an answer without an end would take all that the machine has."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

MOST_BYTES = 96 * 2**20  # more than any sound answer takes, and less than 100 MB


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    """Have whatever asks for more than `MOST_BYTES` beyond what this process has get none.

    Python then raises MemoryError; a library may have words of its own. Where the system does not say how much the
    process has (it is not Linux), nothing is limited.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    taken = _taken_bytes()
    limit = None if taken is None else taken + MOST_BYTES
    if limit is None or any(known != resource.RLIM_INFINITY and known < limit for known in (soft, hard)):
        yield
        return
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _taken_bytes() -> int | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return None
