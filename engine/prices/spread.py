"""Net spreads: what is left of a price difference after fees and FX. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["DIRECTIONS", "VENUES", "Price", "Spreads", "net_spread_bps", "spreads"]

VENUES: Final = ("upbit", "binance")  # the KRW venue, the USDT venue
DIRECTIONS: Final = ("upbit_to_binance", "binance_to_upbit")  # bought at the first, sold at the second

_BPS: Final = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Top of one order book, in the venue's own quote currency."""

    bid: float  # highest price somebody pays
    ask: float  # lowest price somebody takes

    def __post_init__(self) -> None:
        """Refuse what no real book shows: a price that is not positive and finite, or a bid above the ask.

        Raises:
            ValueError: saying what is wrong.
        """
        if not (math.isfinite(self.bid) and math.isfinite(self.ask) and 0 < self.bid <= self.ask):
            message = f"bid {self.bid!r} and ask {self.ask!r} must be positive, finite and not crossed"
            raise ValueError(message)

    def times(self, rate: float) -> Price:
        """Return this price in another currency, ``rate`` units of it for one of ours."""
        return Price(bid=self.bid * rate, ask=self.ask * rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spreads:
    """Both directions of one symbol."""

    bps: Mapping[str, float]  # direction -> net spread in basis points
    buy_price_krw: Mapping[str, float]  # direction -> what one unit costs on the buying side, without fees

    def exit_of(self, direction: str) -> float:
        """Return the net spread at which a position of ``direction`` would be closed: the other direction's."""
        return self.bps[DIRECTIONS[1 - DIRECTIONS.index(direction)]]


def net_spread_bps(*, buy_ask: float, sell_bid: float, buy_fee_bps: float, sell_fee_bps: float) -> float:
    """Return what buying at ``buy_ask`` and selling at ``sell_bid`` leaves, in basis points of the money spent.

    Prices are in one currency; fees are taker fees in basis points of each leg.
    """
    spent = buy_ask * (1.0 + buy_fee_bps / _BPS)
    received = sell_bid * (1.0 - sell_fee_bps / _BPS)
    return (received / spent - 1.0) * _BPS


def spreads(prices: Mapping[str, Price], *, krw_per_usdt: float, fees_bps: Mapping[str, float]) -> Spreads:
    """Return both directions' net spreads of one symbol.

    Args:
        prices: venue -> top of book; ``upbit`` in KRW, ``binance`` in USDT.
        krw_per_usdt: the rate at which USDT is counted.
        fees_bps: venue -> taker fee in basis points.
    """
    first, second = VENUES
    in_krw = {first: prices[first], second: prices[second].times(krw_per_usdt)}
    bps = {}
    cost = {}
    for direction, (buy, sell) in zip(DIRECTIONS, ((first, second), (second, first)), strict=True):
        cost[direction] = in_krw[buy].ask
        bps[direction] = net_spread_bps(
            buy_ask=in_krw[buy].ask,
            sell_bid=in_krw[sell].bid,
            buy_fee_bps=fees_bps[buy],
            sell_fee_bps=fees_bps[sell],
        )
    return Spreads(bps=bps, buy_price_krw=cost)
