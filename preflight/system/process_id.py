"""Which process a number means.

Process ids are used again and the wall clock can be set, so that a process is known by the boot and the kernel's tick
in which it was born: both stay what they are for as long as it lives.
"""

from __future__ import annotations

from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_DEAD = frozenset("ZX")  # it has ended, and nobody has asked for its exit code yet


def birth_ticks(pid: int) -> int | None:
    """Return the clock ticks from boot to the start of a process, None where no such process runs."""
    try:
        # The name, in brackets, may hold anything: fields are counted behind it. proc_pid_stat(5): 3 state, 22 start.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in _DEAD else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def birth(pid: int) -> str | None:
    """Return the birth of a process, to be written down beside its id; None where no such process runs."""
    ticks = birth_ticks(pid)
    try:
        return None if ticks is None else f"{_BOOT.read_text(encoding='ascii').strip()}/{ticks}"
    except OSError:
        return None


def is_running(pid: int, born: str) -> bool:
    """Return whether the very process that had this id and this birth still runs."""
    return birth(pid) == born
