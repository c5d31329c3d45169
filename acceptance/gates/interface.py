"""What every gate promises: nothing but a FULL run, exactly the committed list and all of it passed, ends with 0."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from evidence.verdict.gate import GateOutcome

PROJECT: Final = Path(__file__).resolve().parents[2]

OK: Final = 0
FAILED: Final = 1  # something ran and was bad
USAGE: Final = 2  # a wrong option, or a gate that could not begin
NOT_FULL: Final = 3  # nothing was bad, but not everything ran: PARTIAL or INCOMPLETE

INTERRUPTED: Final = 130  # by Ctrl-C, as shells say it

#: Exit code of a part that could not be started, as shells say it.
NOT_STARTED: Final = 127


def exit_code_of(outcome: GateOutcome) -> int:
    """Return what a gate with this outcome ends with."""
    if outcome.passed:
        return OK
    return FAILED if outcome.failed else NOT_FULL
