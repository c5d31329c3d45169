"""The two clocks of the throttle: the calendar's, which may jump, and the time since the machine started."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Uptime:
    """How long a machine has been up. Only comparable within one boot."""

    boot: str  # id of the boot; "" where that cannot be told
    seconds: float  # since then, suspend included


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A point in time, by both clocks."""

    at: float  # Unix seconds
    uptime: Uptime


def uptime() -> Uptime:
    """Look at the clock that nobody can set."""
    try:
        return Uptime(_BOOT_ID.read_text(encoding="ascii").strip(), time.clock_gettime(time.CLOCK_BOOTTIME))
    except (OSError, ValueError, AttributeError):  # not Linux, or hidden: the calendar alone must do
        return Uptime("", 0.0)


def is_open(last: Moment | None, now: Moment, window: float) -> bool:
    """Tell whether something may be said again: as soon as either clock says that the window is over.

    Args:
        last: When it was last accepted; None: never.
        now: When it is to be said.
        window: Seconds.

    A clock that is behind `last` was set back: it cannot tell how long ago that was, so it is said again.
    """
    if last is None or not 0 <= now.at - last.at < window:
        return True
    same_boot = last.uptime.boot != "" and last.uptime.boot == now.uptime.boot
    return same_boot and not 0 <= now.uptime.seconds - last.uptime.seconds < window
