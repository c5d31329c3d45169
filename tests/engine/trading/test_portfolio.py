from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.prices.spread import DIRECTIONS, Spreads
from engine.trading.portfolio import Books, Portfolio, Position, TradeOutcome, pnl_krw

DAY = 86_400.0


def position(number: int = 1, symbol: str = "BTC", entry: float = 10.0) -> Position:
    return Position(
        id=number,
        symbol=symbol,
        direction=DIRECTIONS[0],
        quantity=0.01,
        notional_krw=1_000_000,
        opened_at=0,
        entry_spread_bps=entry,
    )


def market(exit_bps: float) -> dict[str, Spreads]:
    return {"BTC": Spreads(bps={DIRECTIONS[0]: 0.0, DIRECTIONS[1]: exit_bps}, buy_price_krw={})}


def test_profit_is_entry_plus_exit_on_the_notional() -> None:
    """10 bps in and 5 bps out on a million KRW are 1500 KRW."""
    assert pnl_krw(position(), 5) == pytest.approx(1500)


def test_open_positions_are_valued_at_the_other_direction() -> None:
    """Unrealized profit is what closing at the last spread would give."""
    portfolio = Portfolio()
    portfolio.opened(position())
    portfolio.mark(market(-40))
    assert portfolio.unrealized_krw == pytest.approx(-3000)
    assert portfolio.daily_loss_krw(now=0) == pytest.approx(3000)
    portfolio.mark({})  # no fresh quote: the last value stays
    assert portfolio.unrealized_krw == pytest.approx(-3000)


def test_a_close_moves_profit_from_unrealized_to_realized() -> None:
    """After a close the position is gone and its profit is counted once."""
    portfolio = Portfolio()
    portfolio.opened(position())
    portfolio.mark(market(-40))
    assert portfolio.closed(position(), -3000, now=0) is TradeOutcome.LOSS
    assert (portfolio.open, portfolio.unrealized_krw, portfolio.realized_krw) == ({}, 0, -3000)


@pytest.mark.parametrize(
    ("profit", "outcome"), [(1, TradeOutcome.WIN), (0, TradeOutcome.LOSS), (-1, TradeOutcome.LOSS)]
)
def test_outcomes(profit: float, outcome: TradeOutcome) -> None:
    """Only money gained is a win."""
    assert Portfolio().closed(position(), profit, now=0) is outcome


def test_the_daily_loss_starts_anew_at_midnight_utc() -> None:
    """Yesterday's loss does not count today, and stays in the realized total."""
    portfolio = Portfolio()
    portfolio.closed(position(), -700, now=DAY - 1)
    assert portfolio.daily_loss_krw(now=DAY - 0.001) == 700
    assert portfolio.daily_loss_krw(now=DAY) == 0
    assert portfolio.realized_krw == -700


def test_a_clock_set_back_gives_no_fresh_allowance() -> None:
    """The day's loss survives a clock that jumps into yesterday and returns."""
    portfolio = Portfolio()
    portfolio.load(Books(open=(), realized_krw=-900, realized_today_krw=-900), now=3 * DAY)
    assert portfolio.daily_loss_krw(now=2 * DAY) == 900
    assert portfolio.daily_loss_krw(now=3 * DAY + 5) == 900


def test_loading_replaces_what_was_held() -> None:
    """The table is the truth: positions it does not have are forgotten with their value."""
    portfolio = Portfolio()
    portfolio.opened(position(1))
    portfolio.mark(market(-40))
    portfolio.load(Books(open=(position(2),), realized_krw=5, realized_today_krw=5), now=0)
    assert [item.id for item in portfolio.open.values()] == [2]
    assert portfolio.unrealized_krw == 0
    assert portfolio.notional_krw("BTC") == 1_000_000
    assert portfolio.notional_krw("ETH") == 0


@given(st.lists(st.floats(min_value=-1e6, max_value=1e6), max_size=20))
def test_the_daily_loss_is_the_days_negative_sum(profits: list[float]) -> None:
    """Wins offset losses, and a profitable day has no loss."""
    portfolio = Portfolio()
    for profit in profits:
        portfolio.closed(position(), profit, now=10)
    assert portfolio.daily_loss_krw(now=20) == pytest.approx(max(0.0, -sum(profits)), abs=1e-6)
    assert portfolio.daily_loss_krw(now=20) >= 0
