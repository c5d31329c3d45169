"""Upbit as far as preflight knows it: https://docs.upbit.com/kr/reference, errors by name, JWT with HS256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from acceptance.world.venue import Reply, VenueConditions, VenueRequest, reply

PREFIX = "/v1/"
_CAUTIONS = (
    "PRICE_FLUCTUATIONS",
    "TRADING_VOLUME_SOARING",
    "DEPOSIT_AMOUNT_SOARING",
    "GLOBAL_PRICE_DIFFERENCES",
    "CONCENTRATION_OF_SMALL_ACCOUNTS",
)


@dataclass(slots=True, kw_only=True)
class Upbit:
    """Markets, tickers, and one account with one key."""

    conditions: VenueConditions = field(default_factory=VenueConditions)
    prices: dict[str, float] = field(default_factory=lambda: {"KRW-BTC": 95_000_000.0, "KRW-ETH": 4_900_000.0})
    trade_age: float = 0.5  # seconds since the last trade of each market
    access_key: str = field(default_factory=lambda: secrets.token_hex(20))
    secret_key: str = field(default_factory=lambda: secrets.token_hex(20))
    expires_in: timedelta = timedelta(days=180)  # an expired key is refused
    listed_expiry: datetime | None = None  # what the list of keys says, where it is to differ
    may_read: bool = True  # the right to see the accounts
    pocket_rights: list[str] | None = None  # what the list of pockets says the key may do; None: it may not ask
    agreed: bool = True  # to the terms of the open API
    allowed_ips: list[str] = field(default_factory=lambda: ["203.0.113.7"])
    ip_allowed: bool = True
    warned: tuple[str, ...] = ()  # markets with an investment warning
    cautions: dict[str, tuple[str, ...]] = field(default_factory=dict)  # market -> why it is under caution

    def answer(self, asked: VenueRequest) -> Reply:
        """Answer one request."""
        if asked.method != "GET":
            return _error(404, "not_found", "no such endpoint")
        if asked.path == "/v1/market/all":
            return reply([self._market(asked, market) for market in sorted(self.prices)])
        if asked.path == "/v1/ticker":
            return self._tickers(asked.parameters.get("markets", "").split(","))
        if asked.path in {"/v1/api_keys", "/v1/accounts", "/v1/pockets/api_keys"}:
            return self._refusal(asked) or self._private(asked.path)
        return _error(404, "not_found", "no such endpoint")

    def _market(self, asked: VenueRequest, market: str) -> dict[str, Any]:
        about: dict[str, Any] = {"market": market, "korean_name": market, "english_name": market}
        if asked.parameters.get("is_details") == "true":
            caution = {name: name in self.cautions.get(market, ()) for name in _CAUTIONS}
            about["market_event"] = {"warning": market in self.warned, "caution": caution}
        return about

    def _tickers(self, markets: list[str]) -> Reply:
        if any(market not in self.prices for market in markets):
            return _error(404, "404", "Code not found")
        traded = int((self.conditions.now() - self.trade_age) * 1000)
        return reply(
            [
                {
                    "market": market,
                    "trade_timestamp": traded,
                    "timestamp": traded,
                    "trade_price": self.prices[market],
                    "opening_price": self.prices[market],
                    "high_price": self.prices[market],
                    "low_price": self.prices[market],
                    "prev_closing_price": self.prices[market],
                    "signed_change_price": 0.0,
                    "signed_change_rate": 0.0,
                    "acc_trade_volume_24h": 1234.5,
                    "acc_trade_price_24h": 1234.5 * self.prices[market],
                }
                for market in markets
            ]
        )

    def _private(self, path: str) -> Reply:
        if path == "/v1/api_keys":
            ends = self.listed_expiry or datetime.fromtimestamp(self.conditions.now(), UTC) + self.expires_in
            other = {"access_key": "another-key-of-this-account", "expire_at": "2020-01-01T00:00:00+09:00"}
            own = {"access_key": self.access_key, "expire_at": ends.isoformat(timespec="seconds")}
            return reply([other, own])
        if path == "/v1/pockets/api_keys" and self.pocket_rights is not None:
            key = {"access_key": self.access_key, "permissions": self.pocket_rights, "allowed_ips": self.allowed_ips}
            return reply([{"uuid": "main", "name": "main", "api_keys": [{**key, "expired_at": None}]}])
        if not self.may_read or path == "/v1/pockets/api_keys":
            return _error(401, "out_of_scope", "권한이 부족합니다.")
        return reply([{"currency": "KRW", "balance": "1000000.0", "locked": "0.0", "avg_buy_price": "0"}])

    def _refusal(self, asked: VenueRequest) -> Reply | None:
        """Check the token as Upbit does: who, signature, query, still alive, from where."""
        scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
        claims = _claims(token)
        if scheme != "Bearer" or claims is None or claims.get("access_key") != self.access_key:
            return _error(401, "invalid_access_key", "잘못된 엑세스 키입니다.")
        head, _, signature = token.rpartition(".")
        digest = hmac.new(self.secret_key.encode(), head.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(_unbase64(signature), digest):
            return _error(401, "jwt_verification", "Jwt 토큰 검증에 실패했습니다.")
        if asked.query and claims.get("query_hash") != hashlib.sha512(asked.query.encode()).hexdigest():
            return _error(401, "invalid_query_payload", "Jwt의 query를 검증하는데 실패하였습니다.")
        refusals = (
            (self.expires_in <= timedelta(0), "expired_access_key", "API 키가 만료되었습니다."),
            (not self.agreed, "thirdparty_agreement_required", "개인정보 제3자 제공 동의가 필요합니다."),
            (not self.ip_allowed, "no_authorization_i_p", "허용되지 않은 IP 주소입니다."),
        )
        return next((_error(401, name, words) for refused, name, words in refusals if refused), None)


def _error(status: int, name: str, message: str) -> Reply:
    return reply({"error": {"name": name, "message": message}}, status)


def _unbase64(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def _claims(token: str) -> Mapping[str, Any] | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(_unbase64(parts[1]))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None
