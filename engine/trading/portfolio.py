"""Paper positions and their profit as the engine holds them in memory. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from engine.prices.spread import Spreads

__all__ = ["Books", "Portfolio", "Position", "TradeOutcome", "pnl_krw", "utc_day"]

_DAY: Final = 86_400


class TradeOutcome(StrEnum):
    """How a round trip ended: the closed label set of ``arbitrage_trades_total``."""

    WIN = "win"
    LOSS = "loss"  # a result of exactly nothing is a loss: the capital was bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One open paper position."""

    id: int
    symbol: str
    direction: str  # one of engine.prices.spread.DIRECTIONS
    quantity: float  # units of the symbol
    notional_krw: float  # what the buying leg cost
    opened_at: float  # Unix seconds
    entry_spread_bps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the positions table says at one moment."""

    open: tuple[Position, ...]
    realized_krw: float  # all closed positions of this mode
    realized_today_krw: float  # those closed since 00:00 UTC


def utc_day(now: float) -> int:
    """Return the number of the UTC day of Unix second ``now``; the daily loss starts anew with each."""
    return int(now // _DAY)


def pnl_krw(position: Position, exit_spread_bps: float) -> float:
    """Return the profit of closing ``position`` at ``exit_spread_bps``, in KRW."""
    return position.notional_krw * (position.entry_spread_bps + exit_spread_bps) / 10_000.0


class Portfolio:
    """Open positions by symbol, and the profit made.

    The table is the truth; this is a copy of it, renewed by :meth:`load` whenever the two may differ.
    """

    def __init__(self) -> None:
        self.open: dict[str, Position] = {}
        self.realized_krw = 0.0
        self._realized_today = 0.0
        self._day = 0
        self._unrealized: dict[int, float] = {}  # position id -> last known profit

    def load(self, books: Books, *, now: float) -> None:
        """Take over what the table says at Unix second ``now``."""
        self.realized_krw = books.realized_krw
        self._realized_today = books.realized_today_krw
        self._day = utc_day(now)
        self.replace_open(books.open)

    def replace_open(self, positions: Iterable[Position]) -> None:
        """Take over the open positions only."""
        self.open = {position.symbol: position for position in positions}
        known = {position.id for position in self.open.values()}
        self._unrealized = {key: value for key, value in self._unrealized.items() if key in known}

    def opened(self, position: Position) -> None:
        """Note a fill that the table has."""
        self.open[position.symbol] = position

    def closed(self, position: Position, profit_krw: float, *, now: float) -> TradeOutcome:
        """Note a close that the table has."""
        self._roll(now)
        self.open.pop(position.symbol, None)
        self._unrealized.pop(position.id, None)
        self.realized_krw += profit_krw
        self._realized_today += profit_krw
        return TradeOutcome.WIN if profit_krw > 0 else TradeOutcome.LOSS

    def mark(self, market: Mapping[str, Spreads]) -> None:
        """Value open positions at the spreads given; one without a spread keeps its last value."""
        for position in self.open.values():
            if position.symbol in market:
                exit_bps = market[position.symbol].exit_of(position.direction)
                self._unrealized[position.id] = pnl_krw(position, exit_bps)

    @property
    def unrealized_krw(self) -> float:
        """Profit of the open positions at their last values, in KRW."""
        return sum(self._unrealized.values())

    def daily_loss_krw(self, *, now: float) -> float:
        """Return today's loss at Unix second ``now``, realized plus unrealized, never below 0."""
        self._roll(now)
        return max(0.0, -(self._realized_today + self.unrealized_krw))

    def notional_krw(self, symbol: str) -> float:
        """Return the notional of the open position in ``symbol``, 0 without one."""
        position = self.open.get(symbol)
        return position.notional_krw if position else 0.0

    def _roll(self, now: float) -> None:
        # A clock set back must not give yesterday's losses a fresh allowance: only a later day starts anew.
        if utc_day(now) > self._day:
            self._day = utc_day(now)
            self._realized_today = 0.0
