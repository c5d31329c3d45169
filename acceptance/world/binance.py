"""Binance as far as preflight knows it: https://developers.binance.com/docs, errors by number, HMAC signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from acceptance.world.venue import Reply, VenueConditions, VenueRequest, reply

PREFIXES = ("/api/", "/sapi/")
_AHEAD_MS = 1000  # a request may be this far in the future


def _rights() -> dict[str, bool]:
    return {
        "ipRestrict": True,
        "enableReading": True,
        "enableWithdrawals": False,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enablePortfolioMarginTrading": False,
        "enableSpotAndMarginTrading": False,
    }


@dataclass(slots=True, kw_only=True)
class Binance:
    """Spot markets, tickers, and one key with its restrictions."""

    conditions: VenueConditions = field(default_factory=VenueConditions)
    prices: dict[str, float] = field(default_factory=lambda: {"BTCUSDT": 68_000.0, "ETHUSDT": 3_500.0})
    statuses: dict[str, str] = field(default_factory=dict)  # symbol -> TRADING (the default), HALT, BREAK
    trade_age: float = 0.5  # seconds since the last trade of each symbol
    count: int = 4321  # trades in the last 24 hours
    spot_allowed: bool = True  # whether symbols that are listed may be traded on the spot market
    permission_sets: list[list[str]] = field(default_factory=lambda: [["SPOT", "MARGIN"]])  # of each symbol
    permissions: list[str] = field(default_factory=lambda: ["SPOT"])  # groups that the account is in
    alternate: float = 0.0  # seconds by which every other time it tells is ahead: two servers behind one name
    maintenance: bool = False
    api_key: str = field(default_factory=lambda: secrets.token_hex(32))
    secret_key: str = field(default_factory=lambda: secrets.token_hex(32))
    rights: dict[str, bool] = field(default_factory=_rights)
    more: dict[str, Any] = field(default_factory=dict)  # further fields of the restrictions
    ip_allowed: bool = True
    delisted_at: dict[str, datetime] = field(default_factory=dict)  # symbol -> when it goes, as announced
    _told: int = 0  # how often it was asked for its time

    def answer(self, asked: VenueRequest) -> Reply:
        """Answer one request."""
        now_ms = int(self.conditions.now() * 1000)
        answers: dict[str, Callable[[], Reply]] = {
            "/sapi/v1/system/status": self._status,
            "/api/v3/time": lambda: self._time(now_ms),
            "/api/v3/exchangeInfo": lambda: self._about_symbols(asked, now_ms),
            "/api/v3/ticker/24hr": lambda: self._about_symbols(asked, now_ms),
            "/api/v3/aggTrades": lambda: self._trades(asked, now_ms),
            "/sapi/v1/account/apiRestrictions": lambda: self._refusal(asked, now_ms) or self._restrictions(),
            "/sapi/v1/spot/delist-schedule": lambda: self._refusal(asked, now_ms) or self._schedule(),
            "/api/v3/account": lambda: self._refusal(asked, now_ms) or self._account(),
        }
        found = answers.get(asked.path) if asked.method == "GET" else None
        return found() if found is not None else _error(404, -1000, "no such endpoint")

    def _time(self, now_ms: int) -> Reply:
        self._told += 1
        return reply({"serverTime": now_ms + int(1000 * self.alternate) * (self._told % 2)})

    def _status(self) -> Reply:
        return reply({"status": int(self.maintenance), "msg": "system_maintenance" if self.maintenance else "normal"})

    def _restrictions(self) -> Reply:
        return reply({**self.rights, "createTime": 1_623_840_271_000, **self.more})

    def _schedule(self) -> Reply:
        rows = [
            {"delistTime": int(at.timestamp() * 1000), "symbols": [symbol, "OTHERUSDT"]}
            for symbol, at in self.delisted_at.items()
        ]
        return reply(rows)

    def _account(self) -> Reply:
        return reply({"canTrade": True, "balances": [], "permissions": self.permissions})

    def _about_symbols(self, asked: VenueRequest, now_ms: int) -> Reply:
        symbols = json.loads(asked.parameters.get("symbols", json.dumps(sorted(self.prices))))
        if not all(re.fullmatch("[A-Z0-9_.-]{1,20}", symbol) for symbol in symbols):
            return _error(400, -1100, "Illegal characters found in parameter 'symbols'.")
        if any(symbol not in self.prices for symbol in symbols):
            return _error(400, -1121, "Invalid symbol.")
        if asked.path == "/api/v3/ticker/24hr":
            return reply([self._ticker(symbol, now_ms) for symbol in symbols])
        markets = [self._market(symbol) for symbol in symbols]
        return reply({"timezone": "UTC", "serverTime": now_ms, "symbols": markets})

    def _trades(self, asked: VenueRequest, now_ms: int) -> Reply:
        symbol = asked.parameters.get("symbol", "")
        if symbol not in self.prices:
            return _error(400, -1121, "Invalid symbol.")
        at = now_ms - int(self.trade_age * 1000)
        trade = {"a": 1, "p": str(self.prices[symbol]), "q": "0.01", "f": 1, "l": 1, "T": at, "m": True, "M": True}
        return reply([trade])

    def _market(self, symbol: str) -> dict[str, Any]:
        return {
            "symbol": symbol,
            "status": self.statuses.get(symbol, "TRADING"),
            "baseAsset": symbol.removesuffix("USDT"),
            "baseAssetPrecision": 8,
            "quoteAsset": "USDT",
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "orderTypes": ["LIMIT", "MARKET"],
            "isSpotTradingAllowed": self.spot_allowed,
            "isMarginTradingAllowed": False,
            "permissions": [],
            "permissionSets": self.permission_sets,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.0", "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.0", "stepSize": "0.00001"},
            ],
        }

    def _ticker(self, symbol: str, now_ms: int) -> dict[str, Any]:
        price = str(self.prices[symbol])
        return {
            "symbol": symbol,
            "lastPrice": price,
            "openPrice": price,
            "highPrice": price,
            "lowPrice": price,
            "bidPrice": price,
            "askPrice": price,
            "volume": "1234.5" if self.count else "0.0",
            "quoteVolume": "83946000.0" if self.count else "0.0",
            "count": self.count,
            "openTime": now_ms - 86_400_000,
            "closeTime": now_ms,
        }

    def _refusal(self, asked: VenueRequest, now_ms: int) -> Reply | None:
        """Check key, address, time and signature. One code stands for a wrong key, address or right."""
        key = asked.headers.get("X-MBX-APIKEY", "")
        if not key.isalnum():
            return _error(401, -2014, "API-key format invalid.")
        if key != self.api_key or not self.ip_allowed:
            return _error(401, -2015, "Invalid API-key, IP, or permissions for action.")
        window = int(asked.parameters.get("recvWindow", "5000"))
        if not now_ms - window <= int(asked.parameters.get("timestamp", "0")) < now_ms + _AHEAD_MS:
            return _error(400, -1021, "Timestamp for this request is outside of the recvWindow.")
        signed, _, signature = asked.query.rpartition("&signature=")
        expected = hmac.new(self.secret_key.encode(), signed.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, expected):
            return _error(400, -1022, "Signature for this request is not valid.")
        return None


def _error(status: int, code: int, message: str) -> Reply:
    return reply({"code": code, "msg": message}, status)
