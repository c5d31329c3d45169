"""What is asked of exchanges to learn of the wanted symbols, read through ccxt from a server that answers like them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from preflight.config.sections import ExchangeSection
from preflight.exchange.client import ExchangeClient, open_exchange

INSTRUMENTS = "/v5/market/instruments-info"


def _spot(symbol: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "baseCoin": symbol.removesuffix("USDT"),
        "quoteCoin": "USDT",
        "status": "Trading",
        "marginTrading": "none",
        "lotSizeFilter": {"basePrecision": "0.000001", "quotePrecision": "0.01", "minOrderQty": "0.0001"},
        "priceFilter": {"tickSize": "0.01"},
    }


@pytest.fixture
def bybit(httpserver: HTTPServer) -> Callable[[], ExchangeClient]:
    """Make a client of a Bybit that lists BTC/USDT and ETH/USDT."""

    def answer(request: Request) -> Response:
        listed = [each for each in ("BTCUSDT", "ETHUSDT") if request.args.get("symbol", each) == each]
        result = {"category": request.args["category"], "list": [_spot(each) for each in listed]}
        body = {"retCode": 0, "retMsg": "OK", "result": result}
        return Response(json.dumps(body), content_type="application/json")

    httpserver.expect_request(INSTRUMENTS, method="GET").respond_with_handler(answer)
    return lambda: open_exchange("bybit", ExchangeSection(url=httpserver.url_for("").rstrip("/")))


def _asked(httpserver: HTTPServer) -> list[dict[str, str]]:
    return [dict(request.args) for request, _ in httpserver.log]


def test_x12_bybit_is_asked_for_the_wanted_symbols_only(
    bybit: Callable[[], ExchangeClient], httpserver: HTTPServer
) -> None:
    """One small question for each symbol, and none for futures or options."""
    with bybit() as client:
        markets = client.markets(("BTC/USDT", "ETH/USDT"))

    assert set(markets) == {"BTC/USDT", "ETH/USDT"}
    assert [(each["category"], each.get("symbol")) for each in _asked(httpserver)] == [
        ("spot", "BTCUSDT"),
        ("spot", "ETHUSDT"),
    ]


def test_x12_a_symbol_that_bybit_does_not_list(bybit: Callable[[], ExchangeClient], httpserver: HTTPServer) -> None:
    """Then the whole of its spot list is asked for, to say which symbol may have been meant."""
    with bybit() as client:
        markets = client.markets(("BTC/USDT", "ETHH/USDT"))
        meant = client.nearest("ETHH/USDT")

    assert (set(markets), meant) == ({"BTC/USDT"}, "ETH/USDT")
    assert [each.get("symbol") for each in _asked(httpserver)] == ["BTCUSDT", "ETHHUSDT", None]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("KRW-BTC", "BTC/KRW"), ("btc_krw", "BTC/KRW"), ("BTCKRW", "BTC/KRW"), ("BTC KRW", "BTC/KRW"), ("XRP/KRW", "")],
)
def test_x8_as_exchanges_write_their_symbols(written: str, meant: str) -> None:
    """The listed one is named, whatever stands between its parts and in whatever order they come."""
    with open_exchange("upbit", ExchangeSection()) as client:
        client._listed_symbols = ("BTC/KRW", "SHIB/USDT")
        assert client.nearest(written) == meant


def test_x15_one_ticker_at_a_time(httpserver: HTTPServer) -> None:
    """Where an exchange has no question for several tickers, as bitFlyer, each is asked for alone."""
    httpserver.expect_request("/v1/getmarkets").respond_with_json(
        [{"product_code": code, "market_type": "Spot"} for code in ("BTC_JPY", "ETH_JPY")]
    )
    for path in ("/v1/getmarkets/usa", "/v1/getmarkets/eu"):
        httpserver.expect_request(path).respond_with_json([])
    at = "2026-11-26T12:00:00.000"
    for code, price in (("BTC_JPY", 9_000_000.0), ("ETH_JPY", 400_000.0)):
        ticker = {"product_code": code, "timestamp": at, "ltp": price, "volume_by_product": 12.5}
        httpserver.expect_request("/v1/getticker", query_string={"product_code": code}).respond_with_json(ticker)

    with open_exchange("bitflyer", ExchangeSection(url=httpserver.url_for("").rstrip("/"))) as client:
        symbols = ("BTC/JPY", "ETH/JPY")
        assert set(client.markets(symbols)) == set(symbols)
        tickers, seconds = client.tickers(symbols)

    assert {symbol: ticker["last"] for symbol, ticker in tickers.items()} == {"BTC/JPY": 9e6, "ETH/JPY": 4e5}
    assert seconds > 0
    assert [request.method for request, _ in httpserver.log] == ["GET"] * len(httpserver.log)
