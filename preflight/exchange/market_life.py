"""What shows that a symbol really trades: its market, its ticker, and the time of its last trade. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from preflight.exchange.kinds import is_number
from preflight.message import message

# Names, letters only and small, by which exchanges say that a listed market takes no order: when it does not, and why.
_SHUT: Mapping[str, tuple[bool, str]] = MappingProxyType(
    {
        "isspottradingallowed": (False, message("spot trading not allowed")),  # Binance
        "tradingdisabled": (True, message("not active")),  # Coinbase, as the three that follow
        "viewonly": (True, message("can only be looked at")),
        "cancelonly": (True, message("takes cancellations only")),
        "auctionmode": (True, message("in an auction")),
        "maintenancestatus": (True, message("in maintenance")),  # Coinone
        "tradestatus": (False, message("not active")),  # Coinone; others have a word here, which ccxt reads
    }
)
_SWITCH: Mapping[str, bool] = MappingProxyType({"true": True, "1": True, "false": False, "0": False})
_AHEAD_SECONDS = 60.0  # a trade dated further ahead of this machine's clock than this tells no age at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """How long ago the symbols last traded."""

    known: Mapping[str, float]  # symbol -> seconds
    ahead: Mapping[str, float]  # symbol -> seconds by which its last trade is dated in the future
    unknown: tuple[str, ...]  # symbols whose last trade the exchange does not tell

    @property
    def oldest(self) -> tuple[str, float]:
        """Symbol and age of the trade that is longest ago; no symbol and 0 where no age is known."""
        symbol = max(self.known, key=lambda known: self.known[known], default="")
        return symbol, self.known.get(symbol, 0.0)


def why_closed(market: Mapping[str, Any] | None) -> str:
    """Return why a market does not trade; empty where nothing speaks against it.

    Args:
        market: ccxt's market, or None where the exchange does not list it.
    """
    if market is None:
        return message("not listed")
    # None is ccxt's word for an exchange that does not say; ticker and last trade have to show it.
    if market.get("active") is False:
        return message("not active")
    raw = market.get("info")
    for name, value in raw.items() if isinstance(raw, dict) else ():
        shut, why = _SHUT.get("".join(filter(str.isalpha, str(name))).lower(), (None, ""))
        if shut is not None and _SWITCH.get(str(value).lower()) is shut:
            return why
    return ""


def why_lifeless(ticker: Mapping[str, Any] | None) -> str:
    """Return why a ticker shows no trading; empty where nothing speaks against it."""
    price = None if ticker is None else ticker.get("last")
    if ticker is None or not is_number(price) or price <= 0:
        return message("no price")
    raw = ticker.get("info")
    count = raw.get("count") if isinstance(raw, dict) else None  # Binance: trades within the window
    volumes = [ticker[name] for name in ("baseVolume", "quoteVolume") if ticker.get(name) is not None]
    if str(count) == "0" or not all(is_number(volume) and volume > 0 for volume in volumes):
        return message("no trade in 24 hours")
    return ""


def ages_of(traded_at: Mapping[str, float | None], now: float) -> Ages:
    """Sort the symbols by what their last trade tells.

    Args:
        traded_at: Symbol -> Unix seconds of its last trade, None where the exchange does not tell.
        now: Unix seconds.
    """
    ages = {symbol: now - at for symbol, at in traded_at.items() if at is not None}
    return Ages(
        known={symbol: max(age, 0.0) for symbol, age in ages.items() if age >= -_AHEAD_SECONDS},
        ahead={symbol: -age for symbol, age in ages.items() if age < -_AHEAD_SECONDS},
        unknown=tuple(symbol for symbol, at in traded_at.items() if at is None),
    )
