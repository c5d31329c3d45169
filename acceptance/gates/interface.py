"""What a gate is: a name, a run, and an outcome that is FULL, PARTIAL or INCOMPLETE."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).resolve().parents[2]

#: Exit codes of every gate. Nothing but a FULL run ends with 0.
OK: Final = 0
FAILED: Final = 1  # something failed
USAGE: Final = 2  # a wrong option, or nothing could be started
NOT_FULL: Final = 3  # nothing failed, but less than everything ran

#: Exit code of a part that could not be started, as shells say it.
NOT_STARTED: Final = 127


class Coverage(StrEnum):
    """How much of what should run did."""

    FULL = "FULL"  # exactly the committed list, each with set-up, call and tear-down passed
    PARTIAL = "PARTIAL"  # the run came to its end, and it is not exactly the committed list
    INCOMPLETE = "INCOMPLETE"  # the run did not come to its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Tests by what became of them; each test is in one place only."""

    passed: int = 0
    failed: int = 0
    error: int = 0  # set-up, tear-down or collection broke
    skipped: int = 0
    xfailed: int = 0
    xpassed: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Add up two runs that have no test in common."""
        mine, theirs = asdict(self), asdict(other)
        return Counts(**{name: mine[name] + theirs[name] for name in mine})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a run was worth."""

    coverage: Coverage
    reasons: tuple[str, ...] = ()  # why it does not count, one sentence each
    counts: Counts = field(default_factory=Counts)
    failed: bool = False  # something ran and was bad, rather than not run

    @property
    def passed(self) -> bool:
        """Whether it counts."""
        return self.coverage is Coverage.FULL and not self.reasons

    @property
    def exit_code(self) -> int:
        """What the gate ends with."""
        if self.passed:
            return OK
        return FAILED if self.failed else NOT_FULL


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRecord:
    """``gates/<name>.json`` of a bundle."""

    gate: str  # fast, core, e2e or git
    stack: str | None  # of e2e: embedded or compose
    argv: tuple[str, ...]  # the command line of the gate
    commands: tuple[tuple[str, ...], ...]  # what the gate started, in this order
    started_at: float  # Unix seconds
    ended_at: float
    verdict: Verdict
    expected_file: str | None = None  # path in the project, None for a gate without tests
    expected_sha256: str | None = None

    @property
    def name(self) -> str:
        """The stem of its files."""
        return file_stem(self.gate, self.stack)

    def to_dict(self) -> dict[str, Any]:
        """The form in the file."""
        return {
            "schema_version": 1,
            "gate": self.gate,
            "stack": self.stack,
            "argv": list(self.argv),
            "commands": [list(command) for command in self.commands],
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "exit_code": self.verdict.exit_code,
            "result": self.verdict.coverage.value,
            "passed": self.verdict.passed,
            "reasons": list(self.verdict.reasons),
            "counts": asdict(self.verdict.counts),
            "expected_file": self.expected_file,
            "expected_sha256": self.expected_sha256,
        }


def file_stem(gate: str, stack: str | None) -> str:
    """The stem of a gate's files: its name, and for e2e the stack as well."""
    return gate if stack is None else f"{gate}-{stack}"
