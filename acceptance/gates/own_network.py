"""Becomes a program in a network of its own, which has 127.0.0.1 and nothing else.

    python -m acceptance.gates.own_network COMMAND...

Whenever a network comes or goes on the machine, as Docker's do, Chromium cuts what it is loading: in here none does.
Needs Linux, and root or CAP_SYS_ADMIN. Exit 2: this user may not have one, and one sentence says so.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

REFUSED: Final = 2
WRAPPER: Final = (sys.executable, "-m", "acceptance.gates.own_network")
_NEWNET = 0x40000000  # <sched.h>
_SIOCSIFFLAGS: Final = 0x8914  # <linux/sockios.h>
_IFF_UP: Final = 0x1  # <net/if.h>


def possible() -> bool:
    """Tell whether this user may have one, by having one."""
    return subprocess.run((*WRAPPER, "true"), stderr=subprocess.DEVNULL, check=False).returncode == 0


def enter() -> None:
    """Leave the machine's network.

    Raises:
        OSError: the kernel does not let this user.
        AttributeError: this kernel knows of no such thing.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anyone:
        fcntl.ioctl(anyone, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))


def main(command: Sequence[str]) -> int:
    """Become the command.

    Returns:
        `REFUSED`, if it returns at all.
    """
    try:
        enter()
        os.execvp(command[0], [*command])  # noqa: S606 -- that is what it is for
    except (AttributeError, OSError) as error:
        print(f"own_network: {' '.join(command[:1])} in a network of its own: {error}", file=sys.stderr)  # noqa: T201 -- the answer
    return REFUSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
