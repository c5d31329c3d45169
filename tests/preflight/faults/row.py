"""One row of the fault matrix: a fault, how it is made, and everything that must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from preflight.model import Verdict
from preflight.record.catalogue import STATUS_CODE

if TYPE_CHECKING:
    from tests.preflight.faults.rig import Rig


_VERDICT = {0: Verdict.GO, 1: Verdict.NO_GO, 3: Verdict.UNVERIFIED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a fault changes in the way the gate is run; what it changes in a server is no part of this."""

    env: Mapping[str, str] = field(default_factory=dict)  # variables laid over the row's others
    prefix: tuple[str, ...] = ()  # words before the command that runs the gate
    instead: Mapping[str, Any] = field(default_factory=dict)  # fields of the row that this machine makes different


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRow:
    """A fault on real servers. `make` makes it and, at its end, undoes it."""

    id: str
    fault: str  # in words
    made: str  # how it is made
    check: str  # the check that must see it
    status: str  # what that check must say, as reported
    origin: str | None = None  # what it said before it was lowered to WARN for not being required
    exit_code: int
    last_success: float | None  # in the `.prom` afterwards; None: there is none
    ready_for_live: float | None = 0.0
    words: tuple[str, ...]  # each stands in the check's summary
    env: str = "paper"
    run_of: str = ""  # the row whose run this one looks at too
    alone: bool = False  # the server itself is changed: no other row may run meanwhile
    make: Callable[[Rig], AbstractContextManager[Change]]

    @property
    def verdict(self) -> Verdict:
        """The verdict that goes with the exit code: docs/verdicts.md."""
        return _VERDICT[self.exit_code]

    @property
    def check_status(self) -> float | None:
        """What `arbitrage_preflight_check_status` holds for the check afterwards; None: there is no `.prom`."""
        return None if self.last_success is None else float(STATUS_CODE[self.status])

    def on_this_machine(self, change: Change) -> FaultRow:
        """Give the row with what `change` says is different here."""
        return replace(self, **change.instead)


class Expected(TypedDict):
    """The fields of a row that say what comes out."""

    status: str
    origin: str | None
    exit_code: int
    last_success: float | None
    ready_for_live: float | None


def fail(*, recorded: bool = True) -> Expected:
    """Give what a FAIL of a required check comes to."""
    gauge = 0.0 if recorded else None
    return Expected(status="fail", origin=None, exit_code=1, last_success=gauge, ready_for_live=gauge)


def error() -> Expected:
    """Give what an ERROR of a required check comes to."""
    return Expected(status="error", origin=None, exit_code=3, last_success=0.0, ready_for_live=0.0)


def warn(origin: str | None = None) -> Expected:
    """Give what a WARN comes to, or a FAIL or ERROR of an advisory check."""
    return Expected(status="warn", origin=origin, exit_code=0, last_success=1.0, ready_for_live=0.0)


def folder(path: Path, mode: int = 0o755) -> Path:
    """Make a folder with exactly that mode."""
    path.mkdir(parents=True)
    path.chmod(mode)
    return path
