from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.prices.spread import DIRECTIONS, Price, net_spread_bps, spreads

prices = st.floats(min_value=1e-4, max_value=1e8)
fees = st.floats(min_value=0, max_value=500)


@st.composite
def books(draw: st.DrawFn) -> Price:
    low, high = sorted((draw(prices), draw(prices)))
    return Price(bid=low, ask=high)


def test_a_known_case_by_hand() -> None:
    """Bought at 100 with 10 bps, sold at 101 with 20 bps: 101 * 0.998 / (100 * 1.001) - 1."""
    got = net_spread_bps(buy_ask=100, sell_bid=101, buy_fee_bps=10, sell_fee_bps=20)
    assert got == pytest.approx((101 * 0.998 / 100.1 - 1) * 10_000)


def test_equal_prices_cost_the_fees() -> None:
    """Without a price difference the result is about minus both fees."""
    got = net_spread_bps(buy_ask=50, sell_bid=50, buy_fee_bps=5, sell_fee_bps=10)
    assert got == pytest.approx(-15, abs=0.02)


@given(ask=prices, bid=prices, low=fees, more=fees, other=fees)
def test_higher_fees_never_widen_a_spread(ask: float, bid: float, low: float, more: float, other: float) -> None:
    """The net spread falls or stays as either fee rises."""

    def spread(buy_fee: float, sell_fee: float) -> float:
        return net_spread_bps(buy_ask=ask, sell_bid=bid, buy_fee_bps=buy_fee, sell_fee_bps=sell_fee)

    assert spread(low + more, other) <= spread(low, other)
    assert spread(other, low + more) <= spread(other, low)


@given(upbit=books(), binance=books(), upbit_fee=fees, binance_fee=fees)
def test_exchanging_the_venues_exchanges_the_directions(
    upbit: Price, binance: Price, upbit_fee: float, binance_fee: float
) -> None:
    """With both books in one currency, the two directions are mirror images."""
    one = spreads(
        {"upbit": upbit, "binance": binance},
        krw_per_usdt=1.0,
        fees_bps={"upbit": upbit_fee, "binance": binance_fee},
    )
    other = spreads(
        {"upbit": binance, "binance": upbit},
        krw_per_usdt=1.0,
        fees_bps={"upbit": binance_fee, "binance": upbit_fee},
    )
    for direction, mirrored in zip(DIRECTIONS, reversed(DIRECTIONS), strict=True):
        assert one.bps[direction] == other.bps[mirrored]
        assert one.exit_of(direction) == other.exit_of(mirrored)


@given(upbit=books(), binance=books(), upbit_fee=fees, binance_fee=fees)
def test_going_both_ways_at_once_never_pays(upbit: Price, binance: Price, upbit_fee: float, binance_fee: float) -> None:
    """Buying and selling back at the same books multiplies to at most one: no money out of nothing."""
    both = spreads(
        {"upbit": upbit, "binance": binance},
        krw_per_usdt=1.0,
        fees_bps={"upbit": upbit_fee, "binance": binance_fee},
    ).bps.values()
    assert (
        math.prod(1 + bps / 10_000 for bps in both) <= 1 + 1e-6
    )  # prices of 4e6 against 0.1 cancel all but ten digits


@given(upbit=books(), binance=books(), rate=st.floats(min_value=500, max_value=3000))
def test_fx_converts_the_usdt_venue_only(upbit: Price, binance: Price, rate: float) -> None:
    """Counting USDT at a rate equals quoting Binance in KRW at that rate."""
    fee = {"upbit": 5.0, "binance": 10.0}
    by_rate = spreads({"upbit": upbit, "binance": binance}, krw_per_usdt=rate, fees_bps=fee)
    by_hand = spreads({"upbit": upbit, "binance": binance.times(rate)}, krw_per_usdt=1.0, fees_bps=fee)
    assert by_rate == by_hand


@pytest.mark.parametrize(
    ("bid", "ask"),
    [(2, 1), (0, 1), (-1, 1), (math.nan, 1), (1, math.nan), (1, math.inf)],
    ids=["crossed", "zero", "negative", "nan bid", "nan ask", "infinite"],
)
def test_impossible_books_are_refused(bid: float, ask: float) -> None:
    """A book that no exchange can show is an error, not a spread."""
    with pytest.raises(ValueError, match="must be positive, finite and not crossed"):
        Price(bid=bid, ask=ask)
