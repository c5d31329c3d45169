"""SIGTERM and SIGINT, taken when the engine asks for them.

They are blocked from the first moment, so one that comes during start is not lost and still ends the engine cleanly,
and no handler interrupts code that holds a lock. As process 1 of a container, too.
"""

from __future__ import annotations

import signal
import threading
from typing import Final

__all__ = ["hold", "wait"]

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_LOOK: Final = 0.2  # seconds between looks at the event


def hold() -> None:
    """Block both signals in this thread and those it starts."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def wait(stop: threading.Event) -> str:
    """Return the name of the signal that came, or ``""`` when ``stop`` was set first."""
    while not stop.is_set():
        received = signal.sigtimedwait(_SIGNALS, _LOOK)
        # A process that was stopped and goes on gets an answer that was never filled in when the time was up meanwhile.
        if received is not None and received.si_signo in _SIGNALS:
            return signal.Signals(received.si_signo).name
    return ""
