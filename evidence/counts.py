"""How many tests there were, what became of them, and what may be said of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

# pytest's exit codes, from its documentation.
_PYTEST_INTERRUPTED = 2
_PYTEST_BROKE = (3, 4)


class CaseResult(StrEnum):
    """What a bundle says of its run."""

    PASSED = "PASSED"  # all that was collected ran and passed, and something was
    FAILED = "FAILED"  # something failed or broke, or nothing ran
    PARTIAL = "PARTIAL"  # all that ran passed, yet something was left out
    INCOMPLETE = "INCOMPLETE"  # the run did not come to its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Tests of a run. A module that could not be imported, or skipped itself, counts as one."""

    collected: int = 0  # found, deselected ones included
    run: int = 0  # passed + failed + error
    passed: int = 0  # set-up, call and tear-down all passed
    failed: int = 0  # the test itself failed
    skipped: int = 0  # skipped, or failed as expected (xfail)
    deselected: int = 0  # found and left out, by -k, -m, --deselect or a plug-in
    error: int = 0  # set-up, tear-down or collection broke

    def __post_init__(self) -> None:
        """Refuse numbers that cannot belong to one run.

        Raises:
            ValueError: a negative count, or counts that do not add up.
        """
        if min(asdict(self).values()) < 0:
            raise ValueError("counts must not be negative")
        if self.run != self.passed + self.failed + self.error:
            raise ValueError("counts do not add up: run must be passed + failed + error")
        if self.not_run < 0:
            raise ValueError("counts do not add up: collected is less than run + skipped + deselected")

    @property
    def not_run(self) -> int:
        """Tests that were chosen and not finished: the run stopped before or during them."""
        return self.collected - self.run - self.skipped - self.deselected

    @classmethod
    def from_mapping(cls, counts: Mapping[str, int]) -> Counts:
        """Build from the manifest's form."""
        return cls(**{name: int(counts[name]) for name in cls.__dataclass_fields__})

    def to_dict(self) -> dict[str, int]:
        """The manifest's form."""
        return asdict(self)


def judge(
    counts: Counts, *, exit_status: int, interrupted: bool = False, left_out: Sequence[str] = ()
) -> tuple[CaseResult, tuple[str, ...]]:
    """Say what a run proved.

    Args:
        counts: what became of the tests.
        exit_status: pytest's own exit code.
        interrupted: somebody or something stopped the run.
        left_out: what of the suite was not even asked for, one phrase each.

    Returns:
        The result, and the reasons why it is not PASSED (none when it is).
    """
    bad = [f"{n} {what}" for n, what in ((counts.failed, "failed"), (counts.error, "ended in an error")) if n]
    if bad:
        return CaseResult.FAILED, tuple(bad)
    if interrupted or exit_status in {_PYTEST_INTERRUPTED, *_PYTEST_BROKE} or counts.not_run:
        reasons = ["the run was interrupted"] if interrupted else []
        reasons += [f"{counts.not_run} chosen and not run to their end"] if counts.not_run else []
        return CaseResult.INCOMPLETE, tuple(reasons or [f"pytest ended with exit status {exit_status}"])
    if counts.run == 0:
        return CaseResult.FAILED, ("no test ran", *_gaps(counts, left_out))
    if gaps := _gaps(counts, left_out):
        return CaseResult.PARTIAL, gaps
    if exit_status != 0:
        return CaseResult.FAILED, (f"all tests passed, yet pytest ended with exit status {exit_status}",)
    return CaseResult.PASSED, ()


def _gaps(counts: Counts, left_out: Sequence[str]) -> tuple[str, ...]:
    """What was left out of the run. A skip and a selection both mean that less was proved."""
    gaps = [f"{n} {what}" for n, what in ((counts.skipped, "skipped"), (counts.deselected, "deselected")) if n]
    return (*gaps, *left_out)
