"""A way to the terminal past pytest's capture: what was chosen, and what takes long, is told while it happens."""

from __future__ import annotations

import os
from typing import Final, TextIO

STANDARD_ERROR: Final = 2


def open_terminal() -> TextIO:
    """Keep standard error as it is now, whatever is put in its place later.

    Returns:
        A stream of its own, to be closed; a process without a console gets one that leads nowhere.
    """
    try:
        number = os.dup(STANDARD_ERROR)
    except OSError:
        number = os.open(os.devnull, os.O_WRONLY)
    return os.fdopen(number, "w", buffering=1, encoding="utf-8", errors="replace")
