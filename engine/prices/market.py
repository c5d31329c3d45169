"""Quotes as they arrive, and the market as last seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from engine.prices.fx import FxRate, FxView, consensus
from engine.prices.spread import VENUES, Price, Spreads, spreads

__all__ = ["Market", "Quote", "QuoteBatch", "QuoteSource"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One venue's price of one symbol."""

    exchange: str
    symbol: str
    price: Price
    received: float  # monotonic seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteBatch:
    """What arrived since the source was last asked."""

    quotes: tuple[Quote, ...] = ()
    fx: Mapping[str, FxRate] = field(default_factory=dict)  # source -> rate


class QuoteSource(Protocol):
    """Where quotes come from."""

    def poll(self) -> QuoteBatch:
        """Return at once with what arrived since the last call."""
        ...

    def close(self) -> None:
        """Release what the source holds."""
        ...


class Market:
    """The last quote of each venue and symbol, and the last rate of each FX source.

    Args:
        symbols: the configured symbols.
        max_quote_age, max_fx_age: seconds after which a quote or rate is stale.
        fees_bps: venue -> taker fee in basis points.
        started: monotonic second from which ages count until the first quote.
    """

    def __init__(
        self,
        *,
        symbols: tuple[str, ...],
        max_quote_age: float,
        max_fx_age: float,
        fees_bps: Mapping[str, float],
        started: float,
    ) -> None:
        self._symbols = symbols
        self._max_quote_age = max_quote_age
        self._max_fx_age = max_fx_age
        self._fees_bps = fees_bps
        self._started = started
        self._quotes: dict[tuple[str, str], Quote] = {}
        self._fx: dict[str, FxRate] = {}

    def update(self, batch: QuoteBatch) -> None:
        """Take over what arrived."""
        for quote in batch.quotes:
            self._quotes[quote.exchange, quote.symbol] = quote
        self._fx.update(batch.fx)

    def quote_age(self, exchange: str, symbol: str, now: float) -> float:
        """Return the age of a quote at monotonic second ``now``, or the engine's own before the first."""
        quote = self._quotes.get((exchange, symbol))
        return max(0.0, now - (quote.received if quote else self._started))

    def fx_age(self, source: str, now: float) -> float:
        """Return the age of a source's rate at monotonic second ``now``, or the engine's own before the first."""
        entry = self._fx.get(source)
        return max(0.0, now - (entry.received if entry else self._started))

    def fx(self, now: float) -> FxView:
        """Return what the FX sources say together at monotonic second ``now``."""
        return consensus(self._fx, now=now, max_age=self._max_fx_age)

    def fresh(self, symbol: str, now: float) -> bool:
        """Return whether every venue has a quote of ``symbol`` that is not stale."""
        return all(
            (venue, symbol) in self._quotes and self.quote_age(venue, symbol, now) <= self._max_quote_age
            for venue in VENUES
        )

    def spreads(self, now: float) -> dict[str, Spreads]:
        """Return symbol -> spreads for the symbols whose quotes and FX rate are fresh."""
        rate = self.fx(now).rate
        if rate is None:
            return {}
        return {
            symbol: spreads(
                {venue: self._quotes[venue, symbol].price for venue in VENUES},
                krw_per_usdt=rate,
                fees_bps=self._fees_bps,
            )
            for symbol in self._symbols
            if self.fresh(symbol, now)
        }
