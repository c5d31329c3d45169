from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.prices.fx import FxRate, consensus


def test_the_median_of_fresh_sources_is_used() -> None:
    """One source far off moves the rate to no more than its neighbour, and shows in the divergence."""
    rates = {
        "upbit": FxRate(rate=1400, received=9),
        "bithumb": FxRate(rate=1401, received=9),
        "coinone": FxRate(rate=2000, received=9),
    }
    view = consensus(rates, now=10, max_age=5)
    assert view.rate == 1401
    assert view.divergence_bps == pytest.approx((2000 / 1400 - 1) * 10_000)


def test_a_stale_source_does_not_count() -> None:
    """A rate older than allowed is left out, one exactly as old as allowed is not."""
    rates = {"upbit": FxRate(rate=1400, received=4.9), "bithumb": FxRate(rate=1500, received=5)}
    view = consensus(rates, now=10, max_age=5)
    assert (view.rate, view.divergence_bps) == (1500, 0)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_broken_rate_does_not_count(bad: float) -> None:
    """A rate that is not positive and finite is as good as none."""
    assert consensus({"upbit": FxRate(rate=bad, received=10)}, now=10, max_age=5).rate is None


@given(st.lists(st.floats(min_value=500, max_value=3000), min_size=1, max_size=3))
def test_the_rate_lies_between_its_sources(values: list[float]) -> None:
    """The consensus never leaves the range of what was said."""
    rates = {str(number): FxRate(rate=value, received=0) for number, value in enumerate(values)}
    view = consensus(rates, now=0, max_age=1)
    assert view.rate is not None
    assert min(values) <= view.rate <= max(values)
    assert view.divergence_bps >= 0
