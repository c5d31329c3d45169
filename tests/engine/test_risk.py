from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.risk import ExitRules, KillSwitchPolicy, Limits, Reason, Situation, may_close, opening_blocks

LIMITS = Limits(order_notional_krw=2_000_000, daily_loss_krw=500_000, fx_divergence_bps=50)
GOOD = Situation(
    kill_switch=False,
    dependencies_up=True,
    daily_loss_krw=0,
    quotes_fresh=True,
    fx_fresh=True,
    fx_divergence_bps=0,
)
RULES = ExitRules(take_profit_bps=5, stop_loss_bps=60, max_hold_seconds=30, on_kill_switch=KillSwitchPolicy.CLOSE)
any_float = st.floats(allow_nan=True, allow_infinity=True)


def test_a_good_situation_blocks_nothing() -> None:
    """Within every limit an order may be opened."""
    assert opening_blocks(1_000_000, GOOD, LIMITS) == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kill_switch": True}, Reason.KILL_SWITCH),
        ({"dependencies_up": False}, Reason.DEPENDENCY_DOWN),
        ({"daily_loss_krw": 500_000}, Reason.DAILY_LOSS_LIMIT),
        ({"daily_loss_krw": math.nan}, Reason.DAILY_LOSS_LIMIT),
        ({"quotes_fresh": False}, Reason.STALE_QUOTE),
        ({"fx_fresh": False}, Reason.STALE_FX),
        ({"fx_divergence_bps": 50.1}, Reason.FX_DIVERGENCE),
    ],
    ids=str,
)
def test_each_reason_blocks_alone(change: dict[str, Any], reason: Reason) -> None:
    """Each thing that is wrong is named, and nothing else is."""
    assert opening_blocks(1_000_000, replace(GOOD, **change), LIMITS) == (reason,)


@pytest.mark.parametrize("notional", [2_000_000.01, 0, -5, math.nan, math.inf])
def test_an_order_must_have_a_size_within_the_limit(notional: float) -> None:
    """An order beyond the limit, or of no sensible size, is refused rather than trimmed."""
    assert opening_blocks(notional, GOOD, LIMITS) == (Reason.ORDER_NOTIONAL_LIMIT,)


@given(
    notional=any_float,
    situation=st.builds(
        Situation,
        kill_switch=st.booleans(),
        dependencies_up=st.booleans(),
        daily_loss_krw=any_float,
        quotes_fresh=st.booleans(),
        fx_fresh=st.booleans(),
        fx_divergence_bps=any_float,
    ),
    limits=st.builds(Limits, order_notional_krw=any_float, daily_loss_krw=any_float, fx_divergence_bps=any_float),
)
def test_what_is_allowed_keeps_every_limit(notional: float, situation: Situation, limits: Limits) -> None:
    """Whatever the numbers, NaN and infinity included: no block means every limit holds."""
    if opening_blocks(notional, situation, limits) == ():
        assert not situation.kill_switch
        assert situation.dependencies_up
        assert situation.quotes_fresh
        assert situation.fx_fresh
        assert 0 < notional <= limits.order_notional_krw
        assert situation.daily_loss_krw < limits.daily_loss_krw
        assert situation.fx_divergence_bps <= limits.fx_divergence_bps


@pytest.mark.parametrize(
    ("result", "age", "closes"),
    [(5, 0, True), (4.9, 0, False), (-60, 0, True), (-59.9, 0, False), (0, 30, True), (0, 29.9, False)],
    ids=["profit", "nearly profit", "loss", "nearly loss", "old", "nearly old"],
)
def test_usual_exits(result: float, age: float, closes: bool) -> None:
    """A position is closed at its profit, at its loss, or at its age, each at the edge."""
    assert may_close(result_bps=result, age_seconds=age, kill_switch=False, rules=RULES) is closes


@pytest.mark.parametrize(
    ("policy", "wanted_anyway", "closes"),
    [
        (KillSwitchPolicy.CLOSE, False, True),
        (KillSwitchPolicy.CLOSE, True, True),
        (KillSwitchPolicy.EXIT, False, False),
        (KillSwitchPolicy.EXIT, True, True),
        (KillSwitchPolicy.HOLD, False, False),
        (KillSwitchPolicy.HOLD, True, False),
    ],
)
def test_exits_under_the_kill_switch(policy: KillSwitchPolicy, wanted_anyway: bool, closes: bool) -> None:
    """A thrown kill switch closes at once, leaves it to the usual exits, or touches nothing, as configured."""
    got = may_close(
        result_bps=100 if wanted_anyway else 0,
        age_seconds=0,
        kill_switch=True,
        rules=replace(RULES, on_kill_switch=policy),
    )
    assert got is closes
