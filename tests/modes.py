"""Root bound by mode bits, as everybody else is.

Becoming another user would do too, but for what that user cannot reach: a checkout and its modules often lie where
root alone may look.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_PR_CAPBSET_DROP = 24  # <sys/prctl.h>
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2  # <linux/capability.h>, as are the two below
_CAPABILITY_VERSION_3 = 0x20080522
_PASS = 1 << _DAC_OVERRIDE | 1 << _DAC_READ_SEARCH

_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _call(name: str, *given: object) -> None:
    if getattr(_libc, name)(*given) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _set_effective(*, obeying: bool) -> None:
    header, sets = _Header(_CAPABILITY_VERSION_3, 0), (_Sets * 2)()  # capset(2): two, for 64 capabilities
    _call("capget", ctypes.byref(header), sets)
    sets[0].effective = sets[0].effective & ~_PASS if obeying else sets[0].effective | _PASS
    _call("capset", ctypes.byref(header), sets)


def obey_modes() -> None:
    """Take from root what lets it pass by mode bits, for this process and whatever it starts."""
    if os.geteuid() == 0:
        for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
            _call("prctl", _PR_CAPBSET_DROP, capability, 0, 0, 0)
        _set_effective(obeying=True)


@contextmanager
def obeying_modes() -> Iterator[None]:
    """Take it from this thread, for as long as this lasts; a program that is started meanwhile has it again."""
    if os.geteuid() != 0:
        yield
        return
    _set_effective(obeying=True)
    try:
        yield
    finally:
        _set_effective(obeying=False)


def bound(command: Sequence[str]) -> list[str]:
    """Return the command line that obeys modes first and then becomes this command, whose program is a path."""
    return [sys.executable, __file__, *command]


if __name__ == "__main__":
    obey_modes()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - a list argv, handed in by the test
