"""What an exchange has announced of a symbol that still trades: a warning, a caution, the day it is delisted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from preflight.exchange.kinds import TroubleError, TroubleKind
from preflight.exchange.market_ends import MarketEnd, end_of
from preflight.message import message

if TYPE_CHECKING:
    from preflight.exchange.client import ExchangeClient

# What says something of the key and nothing of the markets: `api_key_<id>` tells it, and a testnet has no such list.
_NOT_TOLD = frozenset(
    {
        TroubleKind.AGREEMENT,
        TroubleKind.CLOCK,
        TroubleKind.EXPIRED,
        TroubleKind.IP,
        TroubleKind.KEY,
        TroubleKind.KEY_IP_OR_RIGHTS,
        TroubleKind.KEY_REFUSED,
        TroubleKind.NO_ENDPOINT,
        TroubleKind.NONCE,
        TroubleKind.RIGHTS,
        TroubleKind.SIGNATURE,
        TroubleKind.SUSPENDED,
    }
)


def ends_of(client: ExchangeClient, markets: Mapping[str, Mapping[str, Any]], now: float) -> dict[str, MarketEnd]:
    """Return when markets end, by symbol; one of which nothing is known is not in it.

    Raises:
        TroubleError: An end cannot be read.
    """
    try:
        ends = {symbol: end_of(market, now) for symbol, market in markets.items()}
    except ValueError as e:
        raise client.unexpected("an end of a market that is no time") from e
    return {symbol: end for symbol, end in ends.items() if end is not None}


def notices_of(client: ExchangeClient, markets: Mapping[str, Mapping[str, Any]], *, has_key: bool) -> dict[str, str]:
    """Return the symbols of which something is announced beyond what their markets tell of their end, and what.

    Args:
        client: Upbit tells it with its markets; Binance has a list for whoever has a key; others are not asked.
        markets: ccxt's markets, by symbol.
        has_key: Whether the client can sign.

    Raises:
        TroubleError: It could not be asked, or the answer is of another shape.
    """
    if client.exchange == "upbit":
        events = {symbol: _upbit_event(client, market.get("info")) for symbol, market in markets.items()}
        return {symbol: event for symbol, event in events.items() if event}
    return _binance_schedule(client, markets) if client.exchange == "binance" and has_key else {}


def _upbit_event(client: ExchangeClient, raw: Any) -> str:
    event = raw.get("market_event") if isinstance(raw, dict) else None
    if event is None:  # a region that does not tell
        return ""
    caution = event.get("caution") if isinstance(event, dict) else None
    if not isinstance(caution, dict) or not isinstance(event.get("warning"), bool):
        raise client.unexpected("a market event")
    if event[
        "warning"
    ]:  # such a market is delisted if its reason does not go away; the day is told on the website only
        return message("has an investment warning, after which it may be delisted: its notices tell the date")
    names = sorted(str(name).lower().replace("_", " ") for name, on in caution.items() if on is True)
    return message("is under caution: {names}", names=", ".join(names)) if names else ""


def _binance_schedule(client: ExchangeClient, markets: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    try:
        schedule = client.ask("sapi_get_spot_delist_schedule")
    except TroubleError as e:
        if e.trouble.kind in _NOT_TOLD:
            return {}
        raise
    by_id = {market.get("id"): symbol for symbol, market in markets.items()}
    found: dict[str, str] = {}
    for row in schedule if isinstance(schedule, list) else [schedule]:
        names, at = (row.get("symbols"), row.get("delistTime")) if isinstance(row, dict) else (None, None)
        if not isinstance(names, list) or not re.fullmatch(r"\d{1,14}", str(at)):
            raise client.unexpected("a delisting schedule")
        day = datetime.fromtimestamp(int(str(at)) / 1000, UTC)
        found |= {
            by_id[name]: message("is delisted on {day} UTC", day=f"{day:%Y-%m-%d %H:%M}")
            for name in map(str, names)
            if name in by_id
        }
    return found
