"""Quotes and FX from public market data through ccxt. No key is used or accepted."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from engine.clock import Clock
from engine.errors import ConfigError
from engine.prices.fx import FX_PAIR, FxRate
from engine.prices.market import Quote, QuoteBatch
from engine.prices.spread import VENUES, Price

__all__ = ["CcxtQuotes", "exchanges"]

_LOG = logging.getLogger("engine.ccxt")
_QUOTE_CURRENCY: Final = {"upbit": "KRW", "binance": "USDT"}
_TIMEOUT_MS: Final = 3000
_LEAST_INTERVAL: Final = 1.0  # seconds between two questions to one exchange, whatever the loop's interval


def exchanges(names: Sequence[str]) -> dict[str, Any]:
    """Return ccxt clients by exchange id. ccxt is imported here and nowhere else: it is heavy.

    Raises:
        ConfigError: if ccxt is not installed.
    """
    try:
        ccxt = import_module("ccxt")
    except ImportError as error:
        message = "ENGINE_QUOTES: ccxt is not installed; install the package ccxt, or use recorded."
        raise ConfigError(message) from error
    # Of Binance's markets only spot: the futures would be fetched and kept for nothing.
    options = {"binance": {"options": {"fetchMarkets": {"types": ["spot"]}}}}
    common = {"enableRateLimit": True, "timeout": _TIMEOUT_MS}
    return {name: getattr(ccxt, name)({**common, **options.get(name, {})}) for name in names}


def top_of_books(client: Any, markets: Sequence[str]) -> dict[str, Price]:
    """Ask one exchange for the best bid and ask of each market, by the cheapest public call that has both."""
    if client.has.get("fetchBidsAsks"):
        answer = client.fetch_bids_asks(list(markets))
        pairs = {market: (entry["bid"], entry["ask"]) for market, entry in answer.items()}
    elif client.has.get("fetchOrderBooks"):  # Upbit: its ticker has no bid and ask
        answer = client.fetch_order_books(list(markets))
        pairs = {
            market: (book["bids"][0][0], book["asks"][0][0])
            for market, book in answer.items()
            if book["bids"] and book["asks"]
        }
    else:
        answer = client.fetch_tickers(list(markets))
        pairs = {market: (entry["bid"], entry["ask"]) for market, entry in answer.items()}
    prices = {}
    for market, (bid, ask) in pairs.items():
        try:
            prices[market] = Price(bid=float(bid), ask=float(ask))
        except (TypeError, ValueError) as error:  # one broken book must not cost the others
            _LOG.debug("%s %s: no usable quote: %s", client.id, market, error)
    return prices


class CcxtQuotes:
    """Asks each exchange in a thread of its own, so that a slow one holds up neither the others nor the loop.

    Args:
        clients: exchange id -> ccxt client; both venues and every FX source must be in it.
        symbols: the configured symbols.
        fx_sources: exchange ids asked for USDT/KRW.
        interval: seconds between two questions, at least 1.
        clock: stamps the quotes.
    """

    def __init__(
        self,
        clients: Mapping[str, Any],
        *,
        symbols: Sequence[str],
        fx_sources: Sequence[str],
        interval: float,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._interval = max(_LEAST_INTERVAL, interval)
        self._arrived: queue.SimpleQueue[Quote | tuple[str, FxRate]] = queue.SimpleQueue()
        self._stop = threading.Event()
        for name, client in clients.items():
            jobs: list[Callable[[], None]] = []
            if name in VENUES:
                markets = {f"{symbol}/{_QUOTE_CURRENCY[name]}": symbol for symbol in symbols}
                jobs.append(self._books_job(name, client, markets))
            if name in fx_sources:
                jobs.append(self._fx_job(name, client))
            threading.Thread(target=self._work, args=(name, jobs), name=f"ccxt-{name}", daemon=True).start()

    def poll(self) -> QuoteBatch:
        """Return what arrived since the last call."""
        quotes: list[Quote] = []
        fx: dict[str, FxRate] = {}
        while not self._arrived.empty():
            item = self._arrived.get()
            if isinstance(item, Quote):
                quotes.append(item)
            else:
                fx[item[0]] = item[1]
        return QuoteBatch(quotes=tuple(quotes), fx=fx)

    def close(self) -> None:
        """Let the threads end after their current question."""
        self._stop.set()

    def _books_job(self, name: str, client: Any, markets: Mapping[str, str]) -> Callable[[], None]:
        def job() -> None:
            for market, price in top_of_books(client, tuple(markets)).items():
                if market in markets:
                    now = self._clock.monotonic()
                    self._arrived.put(Quote(exchange=name, symbol=markets[market], price=price, received=now))

        return job

    def _fx_job(self, name: str, client: Any) -> Callable[[], None]:
        def job() -> None:
            rate = float(client.fetch_ticker(FX_PAIR)["last"])
            self._arrived.put((name, FxRate(rate=rate, received=self._clock.monotonic())))

        return job

    def _work(self, name: str, jobs: Sequence[Callable[[], None]]) -> None:
        failing = False
        while not self._stop.is_set():
            try:
                for job in jobs:
                    job()
            except Exception as error:  # noqa: BLE001 (ccxt raises many kinds; a silent exchange becomes stale, which is counted)
                if not failing:
                    _LOG.warning("%s gives no quotes: %s: %s", name, type(error).__name__, error)
                failing = True
            else:
                failing = False
            self._stop.wait(self._interval)
