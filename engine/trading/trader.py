"""Opens and closes paper positions: what the market offers, what risk allows, what the table then holds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.metrics import EngineMetrics
from engine.prices.market import Market
from engine.prices.spread import Spreads
from engine.risk import ExitRules, Limits, Reason, Situation, may_close, opening_blocks
from engine.trading.portfolio import Portfolio, Position, pnl_krw
from engine.trading.positions import PositionStore

__all__ = ["EntryRules", "Trader", "TradingConditions"]

_LOG = logging.getLogger("engine.trading.trader")
_MARKET_REASONS: Final = frozenset({Reason.STALE_QUOTE, Reason.STALE_FX})


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRules:
    """When a position is opened, and how large."""

    min_spread_bps: float
    order_notional_krw: float
    largest_multiple: float = 3.0  # of order_notional_krw, however wide the spread

    def notional_krw(self, spread_bps: float) -> float:
        """Return the order size for a spread; the limit on orders is not applied here but refused in risk."""
        return self.order_notional_krw * min(self.largest_multiple, max(1.0, spread_bps / self.min_spread_bps))


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingConditions:
    """What one step goes by, besides the market."""

    now: float  # Unix seconds
    monotonic: float  # monotonic seconds
    kill_switch: bool
    redis_up: bool
    postgres_up: bool


class Trader:
    """One step of trading on paper for each loop.

    Args:
        symbols: the configured symbols.
        read_only: hold back the exchange leg of each fill, and count it. Without it the leg is not sent either, since
            this engine has no code for it.
    """

    def __init__(
        self,
        *,
        symbols: tuple[str, ...],
        market: Market,
        portfolio: Portfolio,
        store: PositionStore,
        metrics: EngineMetrics,
        entry: EntryRules,
        exits: ExitRules,
        limits: Limits,
        read_only: bool,
    ) -> None:
        self._symbols = symbols
        self._market = market
        self._portfolio = portfolio
        self._store = store
        self._metrics = metrics
        self._entry = entry
        self._exits = exits
        self._limits = limits
        self._read_only = read_only
        self._above: set[str] = set()  # symbols whose opportunity has been counted
        self._held_back: dict[str, frozenset[Reason]] = {}  # symbol -> reasons that have been counted

    def step(self, conditions: TradingConditions) -> Mapping[str, Spreads]:
        """Close what is to be closed, then open what may be opened.

        Returns:
            The spreads it went by.

        Raises:
            DependencyDown: if the table could not be written; memory then still says what the table said before.
        """
        spreads = self._market.spreads(conditions.monotonic)
        self._portfolio.mark(spreads)
        for symbol in self._symbols:
            self._count_opportunity(symbol, spreads.get(symbol))
        if conditions.postgres_up:
            for position in tuple(self._portfolio.open.values()):
                if position.symbol in spreads:
                    self._maybe_close(position, spreads[position.symbol], conditions)
        for symbol in self._symbols:
            if symbol not in self._portfolio.open:
                self._maybe_open(symbol, spreads.get(symbol), conditions)
        self._portfolio.mark(spreads)
        return spreads

    def _count_opportunity(self, symbol: str, spreads: Spreads | None) -> None:
        if spreads is None or max(spreads.bps.values()) < self._entry.min_spread_bps:
            self._above.discard(symbol)
        elif symbol not in self._above:
            self._above.add(symbol)
            self._metrics.count("opportunities_total", symbol)

    def _maybe_close(self, position: Position, spreads: Spreads, conditions: TradingConditions) -> None:
        exit_bps = spreads.exit_of(position.direction)
        if not may_close(
            result_bps=position.entry_spread_bps + exit_bps,
            age_seconds=conditions.now - position.opened_at,
            kill_switch=conditions.kill_switch,
            rules=self._exits,
        ):
            return
        profit = pnl_krw(position, exit_bps)
        if not self._store.close_position(position, now=conditions.now, exit_spread_bps=exit_bps, pnl_krw=profit):
            self._portfolio.load(self._store.books(conditions.now), now=conditions.now)
            return
        outcome = self._portfolio.closed(position, profit, now=conditions.now)
        self._metrics.count("trades_total", position.symbol, outcome)
        self._filled()
        _LOG.debug("closed %s %s: %+.0f KRW", position.symbol, position.direction, profit)

    def _maybe_open(self, symbol: str, spreads: Spreads | None, conditions: TradingConditions) -> None:
        direction, spread = max(spreads.bps.items(), key=lambda item: item[1]) if spreads else ("", 0.0)
        if spreads and spread < self._entry.min_spread_bps:
            self._held_back.pop(symbol, None)
            return
        notional = self._entry.notional_krw(spread)
        reasons = frozenset(opening_blocks(notional, self._situation(symbol, conditions), self._limits))
        if spreads is None:  # nobody knows whether there was anything to open: only that is worth counting
            reasons &= _MARKET_REASONS
        for reason in sorted(reasons - self._held_back.get(symbol, frozenset())):
            self._metrics.count("risk_blocks_total", reason)
        self._held_back[symbol] = reasons
        if spreads is None or reasons:
            return
        wanted = Position(
            id=0,
            symbol=symbol,
            direction=direction,
            quantity=notional / spreads.buy_price_krw[direction],
            notional_krw=notional,
            opened_at=conditions.now,
            entry_spread_bps=spread,
        )
        position = self._store.open(wanted)
        if position is None:  # another engine holds the symbol
            self._portfolio.load(self._store.books(conditions.now), now=conditions.now)
            return
        self._portfolio.opened(position)
        self._filled()
        _LOG.debug("opened %s %s at %+.1f bps", symbol, direction, spread)

    def _situation(self, symbol: str, conditions: TradingConditions) -> Situation:
        fx = self._market.fx(conditions.monotonic)
        return Situation(
            kill_switch=conditions.kill_switch,
            dependencies_up=conditions.redis_up and conditions.postgres_up,
            daily_loss_krw=self._portfolio.daily_loss_krw(now=conditions.now),
            quotes_fresh=self._market.fresh(symbol, conditions.monotonic),
            fx_fresh=fx.rate is not None,
            fx_divergence_bps=fx.divergence_bps,
        )

    def _filled(self) -> None:
        if self._read_only:
            self._metrics.count("risk_blocks_total", Reason.READ_ONLY)
