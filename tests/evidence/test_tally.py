from __future__ import annotations

import pytest
from evidence.counts import Counts
from evidence.tally import Tally

GOOD = [("setup", "passed"), ("call", "passed"), ("teardown", "passed")]


def count(phases: list[tuple[str, str]], **options: bool) -> Counts:
    """Count one selected test with these phases."""
    tally = Tally()
    for when, outcome in phases:
        tally.report("t", when, outcome, **options)
    return tally.counts(selected=["t"], deselected=0)


@pytest.mark.parametrize(
    ("phases", "kind"),
    [
        (GOOD, "passed"),
        ([GOOD[0], ("call", "failed"), GOOD[2]], "failed"),
        ([("setup", "failed"), GOOD[2]], "error"),
        ([*GOOD[:2], ("teardown", "failed")], "error"),
        ([GOOD[0], ("call", "failed"), ("teardown", "failed")], "failed"),
        ([GOOD[0], ("call", "skipped"), GOOD[2]], "skipped"),
        ([("setup", "skipped"), GOOD[2]], "skipped"),
        ([("setup", "skipped"), ("teardown", "failed")], "error"),
        ([GOOD[0], ("call", "skipped"), *GOOD[1:]], "skipped"),
    ],
)
def test_the_worst_phase_counts(phases: list[tuple[str, str]], kind: str) -> None:
    """A test counts once, by the worst of its phases, subtests included."""
    counts = count(phases).to_dict()
    assert counts.pop(kind) == 1
    assert counts.pop("collected") == 1
    assert counts.pop("run") == (0 if kind == "skipped" else 1)
    assert not any(counts.values())


@pytest.mark.parametrize("phases", [[], GOOD[:1], GOOD[:2], GOOD[1:]], ids=str)
def test_a_test_not_seen_to_its_end_did_not_pass(phases: list[tuple[str, str]]) -> None:
    """Set-up, call and tear-down must all be seen to pass."""
    counts = count(phases)
    assert (counts.passed, counts.not_run) == (0, 1)


def test_passing_against_xfail_is_no_pass() -> None:
    """A test that was expected to fail proves nothing by passing."""
    assert count(GOOD, expected_failure=True).skipped == 1


def test_modules_that_break_or_skip_themselves_are_counted() -> None:
    """A module that cannot be imported is an error, one that skips itself is skipped; both are collected."""
    tally = Tally()
    tally.collect("a.py", "failed")
    tally.collect("b.py", "skipped")
    tally.collect("c.py", "passed")
    counts = tally.counts(selected=[], deselected=2)
    assert counts == Counts(collected=4, run=1, error=1, skipped=1, deselected=2)
