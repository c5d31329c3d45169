"""What the gate starts with: descriptors that the caller closed, and signals that end a process."""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType

from preflight.errors import Interrupted

# What a service manager, a closed terminal, Ctrl-\ and a CPU limit send. Ctrl-C is Python's own KeyboardInterrupt.
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU)


def fill_closed() -> None:
    """Return stdin, stdout and stderr something to be where the caller closed them (`>&-`).

    Else the next file that is opened, the ledger for one, would be stdout to everybody who writes there. What is
    written to this stdout is refused as it was to the closed one: a run that cannot be shown is no GO. Nobody reads
    stderr, so what is written there is dropped.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest that is free, which is this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def escape_unknown() -> None:
    """Show letters that stdout's encoding does not have as escapes: a name is no reason for another verdict."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def raise_on_ending() -> None:
    """Let the signals that end a process raise `Interrupted`, so that the run is recorded and taken back first.

    One that the caller had ignored stays so: `nohup` means what it says.
    """
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _raise)


def _raise(number: int, _: FrameType | None) -> None:
    if number == signal.SIGXCPU:
        signal.signal(number, signal.SIG_IGN)  # it comes every second from now on; the hard limit is SIGKILL
    raise Interrupted(signal.Signals(number).name)
