from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.record import catalogue
from preflight.record.state import State


@given(st.lists(st.floats(min_value=0, max_value=1e6)))
def test_histogram_is_what_was_observed(seconds: list[float]) -> None:
    """Each bucket counts the observations up to its bound, the count all of them, the sum their total."""
    state = State("paper")
    for value in seconds:
        state.observe(catalogue.REDIS_LATENCY, value, "ping")
    for bound in (0.001, 0.005, 0.01, 0.05, 0.1, 0.5):
        expected = sum(value <= bound for value in seconds)
        assert state.values.get((f"{catalogue.REDIS_LATENCY}_bucket", "ping", str(bound)), 0) == expected
    assert state.values.get((f"{catalogue.REDIS_LATENCY}_count", "ping"), 0) == len(seconds)
    assert state.values.get((f"{catalogue.REDIS_LATENCY}_sum", "ping"), 0) == pytest.approx(math.fsum(seconds))


@pytest.mark.parametrize("amount", [-1, math.nan, math.inf])
def test_counters_only_grow(amount: float) -> None:
    """A counter takes no negative and no endless amount."""
    state = State("paper")
    with pytest.raises(ValueError, match="cannot"):
        state.add(catalogue.RUNS, amount)
    with pytest.raises(ValueError, match="cannot"):
        state.set(catalogue.RUNS, amount)
    assert state.values == {}


def test_forget_keeps_what_is_named() -> None:
    """Forgetting a gauge leaves the labels that are named, and every other metric."""
    state = State("paper")
    state.set(catalogue.CHECK_STATUS, 0, "redis")
    state.set(catalogue.CHECK_STATUS, 0, "storage")
    state.add(catalogue.CHECKS, 1, "storage", "pass")
    state.forget(catalogue.CHECK_STATUS, but=["redis"])
    assert state.values == {
        (catalogue.CHECK_STATUS, "redis"): 0.0,
        (catalogue.CHECKS, "storage", "pass"): 1.0,
    }
