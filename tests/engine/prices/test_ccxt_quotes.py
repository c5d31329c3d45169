from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest

from engine.clock import SystemClock
from engine.errors import ConfigError
from engine.prices.ccxt_quotes import CcxtQuotes, exchanges, top_of_books
from engine.prices.market import QuoteBatch
from engine.prices.spread import Price


class _Exchange:
    """Speaks as a ccxt client does; ``has`` decides which call is used."""

    def __init__(self, name: str, **has: bool) -> None:
        self.id = name
        self.has = has
        self.fails = False
        self.asked: list[Sequence[str]] = []

    def _ask(self, markets: Sequence[str]) -> None:
        self.asked.append(markets)
        if self.fails:
            raise ConnectionError("maintenance")

    def fetch_bids_asks(self, markets: Sequence[str]) -> dict[str, Any]:
        self._ask(markets)
        return {market: {"bid": 1.0, "ask": 1.1} for market in markets}

    def fetch_order_books(self, markets: Sequence[str]) -> dict[str, Any]:
        self._ask(markets)
        return {market: {"bids": [[1400.0, 2.0]], "asks": [[1401.0, 2.0]]} for market in markets}

    def fetch_tickers(self, markets: Sequence[str]) -> dict[str, Any]:
        self._ask(markets)
        return {market: {"bid": 3.0, "ask": 3.5} for market in markets}

    def fetch_ticker(self, market: str) -> dict[str, Any]:
        self._ask([market])
        return {"last": 1390.5}


def gather(source: CcxtQuotes, quotes: int, fx: int) -> QuoteBatch:
    """Poll until that many quotes and rates came."""
    never = threading.Event()
    deadline = time.monotonic() + 5
    seen = QuoteBatch()
    while time.monotonic() < deadline:
        batch = source.poll()
        seen = QuoteBatch(quotes=(*seen.quotes, *batch.quotes), fx={**seen.fx, **batch.fx})
        if len(seen.quotes) >= quotes and len(seen.fx) >= fx:
            return seen
        never.wait(0.01)
    raise AssertionError(f"only {seen} within 5 s")


def start(*clients: _Exchange) -> CcxtQuotes:
    return CcxtQuotes(
        {client.id: client for client in clients},
        symbols=("BTC",),
        fx_sources=("upbit", "bithumb"),
        interval=0.5,
        clock=SystemClock(),
    )


def test_each_exchange_is_asked_for_its_own_markets() -> None:
    """Upbit quotes KRW by order book, Binance USDT by bids and asks, FX sources give USDT/KRW."""
    source = start(
        _Exchange("upbit", fetchOrderBooks=True), _Exchange("binance", fetchBidsAsks=True), _Exchange("bithumb")
    )
    batch = gather(source, 2, 2)
    source.close()
    assert {quote.exchange: quote.price for quote in batch.quotes} == {
        "upbit": Price(bid=1400, ask=1401),
        "binance": Price(bid=1.0, ask=1.1),
    }
    assert {name: entry.rate for name, entry in batch.fx.items()} == {"upbit": 1390.5, "bithumb": 1390.5}


def test_one_failing_exchange_does_not_stop_the_others() -> None:
    """Quotes of the exchange that answers go on while the other is in maintenance."""
    down = _Exchange("binance", fetchBidsAsks=True)
    down.fails = True
    source = start(down, _Exchange("upbit", fetchOrderBooks=True))
    batch = gather(source, 1, 1)
    source.close()
    assert {quote.exchange for quote in batch.quotes} == {"upbit"}


def test_polling_never_waits() -> None:
    """With nothing arrived a poll is empty and returns at once."""
    silent = _Exchange("bithumb")
    silent.fails = True
    source = start(silent)
    assert source.poll() == QuoteBatch()
    source.close()


def test_a_broken_book_costs_only_its_own_symbol() -> None:
    """Missing or crossed prices are left out, the rest is kept."""
    client = _Exchange("upbit")
    client.fetch_tickers = lambda _: {  # type: ignore[method-assign, assignment]
        "BTC/KRW": {"bid": None, "ask": 2.0},
        "ETH/KRW": {"bid": 2.0, "ask": 1.0},
        "XRP/KRW": {"bid": 1.0, "ask": 2.0},
    }
    assert top_of_books(client, ["BTC/KRW", "ETH/KRW", "XRP/KRW"]) == {"XRP/KRW": Price(bid=1, ask=2)}


def test_an_empty_order_book_is_left_out() -> None:
    """A book without offers on one side gives no quote."""
    client = _Exchange("upbit", fetchOrderBooks=True)
    client.fetch_order_books = lambda _: {"BTC/KRW": {"bids": [], "asks": [[1, 1]]}}  # type: ignore[method-assign, assignment]
    assert top_of_books(client, ["BTC/KRW"]) == {}


def test_ccxt_is_asked_for_only_when_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the choice of ccxt is a wrong setting with a way out."""
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(ConfigError, match="ENGINE_QUOTES: ccxt is not installed"):
        exchanges(("upbit",))


def test_clients_hold_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients are made with a timeout and a rate limit, and without any key."""
    made: list[dict[str, Any]] = []
    module = ModuleType("ccxt")

    def upbit(options: dict[str, Any]) -> str:
        made.append(options)
        return "client"

    monkeypatch.setattr(module, "upbit", upbit, raising=False)
    monkeypatch.setitem(sys.modules, "ccxt", module)
    assert exchanges(("upbit",)) == {"upbit": "client"}
    assert made == [{"enableRateLimit": True, "timeout": 3000}]
