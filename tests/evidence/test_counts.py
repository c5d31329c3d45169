from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import CaseResult, Counts
from evidence.counts import judge

ALL = {"collected": 3, "run": 3, "passed": 3}


@pytest.mark.parametrize(
    ("counts", "said", "result", "reason"),
    [
        (ALL, {}, CaseResult.PASSED, ""),
        ({"collected": 3, "run": 3, "passed": 2, "failed": 1}, {"exit_status": 1}, CaseResult.FAILED, "1 failed"),
        ({"collected": 3, "run": 3, "passed": 2, "error": 1}, {"exit_status": 1}, CaseResult.FAILED, "1 ended"),
        ({"collected": 3, "run": 2, "passed": 2, "skipped": 1}, {}, CaseResult.PARTIAL, "1 skipped"),
        ({"collected": 3, "run": 2, "passed": 2, "deselected": 1}, {}, CaseResult.PARTIAL, "1 deselected"),
        (ALL, {"left_out": ("only x was asked for",)}, CaseResult.PARTIAL, "only x"),
        ({}, {"exit_status": 5}, CaseResult.FAILED, "no test ran"),
        ({}, {}, CaseResult.FAILED, "no test ran"),
        ({"collected": 2, "skipped": 2}, {}, CaseResult.FAILED, "no test ran"),
        ({"collected": 2, "deselected": 2}, {"exit_status": 5}, CaseResult.FAILED, "no test ran"),
        ({"collected": 3, "run": 2, "passed": 2}, {}, CaseResult.INCOMPLETE, "1 chosen and not run"),
        (ALL, {"interrupted": True, "exit_status": 2}, CaseResult.INCOMPLETE, "interrupted"),
        (ALL, {"exit_status": 3}, CaseResult.INCOMPLETE, "exit status 3"),
        ({}, {"exit_status": 4}, CaseResult.INCOMPLETE, "exit status 4"),
        (ALL, {"exit_status": 1}, CaseResult.FAILED, "exit status 1"),
        ({"collected": 3, "run": 1, "failed": 1}, {"interrupted": True}, CaseResult.FAILED, "1 failed"),
    ],
)
def test_what_a_run_proved(counts: dict[str, int], said: dict[str, Any], result: CaseResult, reason: str) -> None:
    """Each way in which a run can be less than all-passed has its result and says why."""
    got, reasons = judge(Counts(**counts), **{"exit_status": 0, **said})
    assert got is result
    assert reason in "; ".join(reasons)
    assert (got is CaseResult.PASSED) == (not reasons)


@given(
    passed=st.integers(0, 3), failed=st.integers(0, 2), error=st.integers(0, 2), skipped=st.integers(0, 2),
    deselected=st.integers(0, 2), not_run=st.integers(0, 2), exit_status=st.integers(0, 5),
    interrupted=st.booleans(), left_out=st.lists(st.just("x"), max_size=1),
)  # fmt: skip
def test_passed_means_that_everything_ran_and_passed(
    *, passed: int, failed: int, error: int, skipped: int, deselected: int, not_run: int, exit_status: int,
    interrupted: bool, left_out: list[str],
) -> None:  # fmt: skip
    """Whatever the mix, PASSED needs something that ran, nothing else than passes, and exit status 0."""
    run = passed + failed + error
    counts = Counts(
        collected=run + skipped + deselected + not_run, run=run, passed=passed, failed=failed, error=error,
        skipped=skipped, deselected=deselected,
    )  # fmt: skip
    result, _ = judge(counts, exit_status=exit_status, interrupted=interrupted, left_out=left_out)
    good = passed > 0 and not any((failed, error, skipped, deselected, not_run, exit_status, left_out))
    assert (result is CaseResult.PASSED) == (good and not interrupted)


@pytest.mark.parametrize(
    "counts",
    [{"passed": 1}, {"collected": 1, "run": 2, "passed": 2}, {"collected": -1}, {"skipped": 1}],
    ids=str,
)
def test_counts_that_do_not_add_up_are_refused(counts: dict[str, int]) -> None:
    """Counts that cannot belong to one run are an error."""
    with pytest.raises(ValueError, match="counts"):
        Counts(**counts)


def test_counts_survive_their_written_form() -> None:
    """What is written to the manifest reads back as the same counts."""
    counts = Counts(collected=4, run=2, passed=1, failed=1, skipped=1, deselected=1)
    assert Counts.from_mapping(counts.to_dict()) == counts
