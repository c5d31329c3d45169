from __future__ import annotations

import pytest

from engine.prices.fx import FxRate
from engine.prices.market import Market, Quote, QuoteBatch
from engine.prices.spread import Price


def market() -> Market:
    return Market(
        symbols=("BTC",),
        max_quote_age=5,
        max_fx_age=15,
        fees_bps={"upbit": 5, "binance": 10},
        started=100.0,
    )


def quote(exchange: str, bid: float, *, at: float) -> Quote:
    return Quote(exchange=exchange, symbol="BTC", price=Price(bid=bid, ask=bid * 1.001), received=at)


def full(at: float) -> QuoteBatch:
    return QuoteBatch(
        quotes=(quote("upbit", 1400, at=at), quote("binance", 1, at=at)),
        fx={"upbit": FxRate(rate=1400, received=at)},
    )


def test_a_spread_needs_both_venues_and_a_rate() -> None:
    """With anything missing there is no spread, rather than one from a guess."""
    one = market()
    assert one.spreads(100) == {}
    one.update(QuoteBatch(quotes=(quote("upbit", 1400, at=100),), fx={"upbit": FxRate(rate=1400, received=100)}))
    assert one.spreads(100) == {}
    one.update(QuoteBatch(quotes=(quote("binance", 1, at=100),)))
    assert set(one.spreads(100)) == {"BTC"}


@pytest.mark.parametrize(("now", "there"), [(105.0, True), (105.1, False)], ids=["just fresh", "stale"])
def test_a_stale_quote_gives_no_spread(now: float, there: bool) -> None:
    """A quote counts up to its greatest age and not longer."""
    one = market()
    one.update(full(100))
    assert bool(one.spreads(now)) is there
    assert one.fresh("BTC", now) is there


def test_a_stale_rate_gives_no_spread() -> None:
    """Fresh quotes without a fresh FX rate give no spread."""
    one = market()
    one.update(full(100))
    one.update(QuoteBatch(quotes=full(120).quotes))
    assert one.fresh("BTC", 120)
    assert one.spreads(120) == {}


def test_ages_count_from_the_start_before_the_first_quote() -> None:
    """A venue that never answers shows a growing age, not 0."""
    one = market()
    assert one.quote_age("upbit", "BTC", 107) == 7
    assert one.fx_age("upbit", 108) == 8
    one.update(full(110))
    assert one.quote_age("upbit", "BTC", 110.5) == 0.5
    assert one.fx_age("upbit", 111) == 1
