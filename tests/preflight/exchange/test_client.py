from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest
import requests
from pydantic import SecretStr

from acceptance.world.exchanges import ExchangeStandin
from acceptance.world.venue import VenueFault
from preflight.config.sections import ExchangeSection
from preflight.exchange.client import (
    ALLOWED_PATHS,
    CREDENTIALS,
    ExchangeClient,
    GuardedSession,
    is_allowed,
    open_exchange,
)
from preflight.exchange.kinds import TroubleError, TroubleKind

Open = Callable[[str], ExchangeClient]


_CCXT = {field: name for name, field in CREDENTIALS.items()}


@pytest.fixture
def standin() -> Iterator[ExchangeStandin]:
    with ExchangeStandin() as server:
        yield server


@pytest.fixture
def open_client(standin: ExchangeStandin) -> Iterator[Open]:
    """Open a client of the stand-in, with the key that it knows."""
    opened: list[ExchangeClient] = []
    keys = {
        "upbit": (standin.upbit.access_key, standin.upbit.secret_key),
        "binance": (standin.binance.api_key, standin.binance.secret_key),
    }

    def make(exchange: str) -> ExchangeClient:
        key, secret = keys.get(exchange, ("k" * 32, "s" * 32))
        section = ExchangeSection(url=standin.url, api_key=SecretStr(key), secret=SecretStr(secret))
        opened.append(open_exchange(exchange, section))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


def trouble(act: Callable[[], object]) -> TroubleKind:
    with pytest.raises(TroubleError) as caught:
        act()
    return caught.value.trouble.kind


ACTS: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("upbit", "create_order", ("BTC/KRW", "limit", "buy", 0.01, 1000.0)),
    ("upbit", "cancel_order", ("an-id",)),
    ("upbit", "private_post_orders", ({"market": "KRW-BTC", "side": "bid"},)),
    ("upbit", "private_post_withdraws_coin", ({"currency": "BTC"},)),
    ("upbit", "private_delete_order", ({"uuid": "an-id"},)),
    ("upbit", "private_get_orders_open", ()),
    ("binance", "create_order", ("BTC/USDT", "limit", "buy", 0.01, 1000.0)),
    ("binance", "private_post_order", ({"symbol": "BTCUSDT"},)),
    ("binance", "private_post_order_test", ({"symbol": "BTCUSDT"},)),
    ("binance", "private_delete_order", ({"symbol": "BTCUSDT"},)),
    ("binance", "sapi_post_capital_withdraw_apply", ({"coin": "BTC"},)),
    ("binance", "sapi_post_asset_transfer", ({"type": "MAIN_UMFUTURE"},)),
    ("binance", "private_get_mytrades", ({"symbol": "BTCUSDT"},)),
    ("bybit", "private_post_v5_order_create", ({"symbol": "BTCUSDT"},)),
    ("bybit", "private_get_v5_asset_withdraw_query_record", ()),
    ("kraken", "private_post_balance", ()),
    ("bybit", "private_get_v5_account_info", ()),  # a path that names nothing that acts, but that nobody has read
    ("bybit", "fetch_closed_orders", ("BTC/USDT",)),
)


@pytest.mark.parametrize(("exchange", "method", "arguments"), ACTS, ids=[f"{a[0]}-{a[1]}" for a in ACTS])
def test_what_acts_is_never_sent(
    exchange: str, method: str, arguments: tuple[Any, ...], standin: ExchangeStandin, open_client: Open
) -> None:
    """Orders, cancellations, transfers and withdrawals do not leave this machine, even where code asks for them."""
    client = open_client(exchange)
    if method in {"create_order", "cancel_order"}:  # ccxt wants the markets first
        client.markets(("BTC/KRW",) if exchange == "upbit" else ("BTC/USDT",))
    standin.seen.clear()
    assert trouble(lambda: client.ask(method, *arguments)) is TroubleKind.FORBIDDEN_REQUEST
    assert standin.seen == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", ""])
def test_only_get(method: str) -> None:
    """No other method is let through, not even for a path that is on the list."""
    allowed = [(exchange, path) for exchange, paths in ALLOWED_PATHS.items() for path in paths]
    assert not any(is_allowed(exchange, method, path) for exchange, path in (*allowed, ("kraken", "/0/public/Time")))
    assert all(is_allowed(exchange, "GET", path) for exchange, path in allowed)


def test_the_list_names_nothing_that_acts() -> None:
    """The allow-list itself holds readings only; whoever adds to it meets this line."""
    assert {exchange: set(paths) for exchange, paths in ALLOWED_PATHS.items()} == {
        "upbit": {"/v1/market/all", "/v1/ticker", "/v1/api_keys", "/v1/accounts", "/v1/pockets/api_keys"},
        "binance": {
            "/api/v3/time",
            "/api/v3/exchangeInfo",
            "/api/v3/ticker/24hr",
            "/api/v3/aggTrades",
            "/sapi/v1/spot/delist-schedule",
            "/api/v3/account",
            "/sapi/v1/system/status",
            "/sapi/v1/account/apiRestrictions",
        },
    }


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/0/public/Time", True),
        ("/api/v5/market/orderbook", True),
        ("/v5/market/order_book", True),
        ("/api/v5/trade/order", False),
        ("/v1/Withdrawals", False),
        ("/wapi/v3/assetTransfer", False),
    ],
)
def test_other_exchanges(path: str, allowed: bool) -> None:
    """Of an exchange whose paths nobody listed, readings pass and whatever is named like an act does not."""
    assert is_allowed("kraken", "GET", path) is allowed


def test_netrc_adds_nothing(open_client: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login in ~/.netrc replaces no Authorization header: Upbit's token arrives as it was made."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert isinstance(open_client("upbit").ask("private_get_accounts"), list)


def test_redirects_are_not_followed(standin: ExchangeStandin, open_client: Open) -> None:
    """One request, one answer: a key is not handed on to whoever a redirect names."""
    standin.upbit.conditions.fault = VenueFault.REDIRECT
    assert trouble(lambda: open_client("upbit").ask("private_get_accounts")) is TroubleKind.REDIRECT
    assert len(standin.seen) == 1


@pytest.mark.parametrize(
    "fault", [VenueFault.SERVER_ERROR, VenueFault.UNAVAILABLE, VenueFault.DROPPED, VenueFault.RATE_LIMIT]
)
def test_one_try(fault: VenueFault, standin: ExchangeStandin, open_client: Open) -> None:
    """No retry hides a fault or makes a rate limit worse."""
    standin.binance.conditions.fault = fault
    client = open_client("binance")
    trouble(lambda: client.ask("fetch_time"))
    assert len(standin.seen) == 1


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (socket.EAI_NONAME, TroubleKind.NO_NAME),
        (socket.EAI_AGAIN, TroubleKind.NAME_UNKNOWN),
        (socket.EAI_FAIL, TroubleKind.NAME_UNKNOWN),
    ],
)
def test_names(number: int, kind: TroubleKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not exist and a name server that does not answer are two things."""

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(number, "told by the resolver")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with open_exchange("upbit", ExchangeSection()) as client:
        assert trouble(lambda: client.ask("fetch_markets")) is kind


def test_no_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that cannot reach the host is told apart from a host that refuses."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(113, "No route to host")

    monkeypatch.setattr("urllib3.util.connection.create_connection", fail)
    with open_exchange("upbit", ExchangeSection(url="http://127.0.0.1:9")) as client:
        assert trouble(lambda: client.ask("fetch_markets")) is TroubleKind.NO_ROUTE


def test_unknown_id() -> None:
    """An id that ccxt does not know is named, with the nearest one that it does."""
    with pytest.raises(TroubleError) as caught:
        open_exchange("binanse", ExchangeSection())
    assert caught.value.trouble.kind is TroubleKind.NO_SUCH_EXCHANGE
    assert caught.value.trouble.actual == "did you mean binance?"


@pytest.mark.parametrize("exchange", ["upbit", "binance", "bybit", "okx", "kraken"])
def test_override_moves_every_url(exchange: str) -> None:
    """Another endpoint takes the place of every host that ccxt knows for the exchange: no request goes past it."""
    with open_exchange(exchange, ExchangeSection(url="http://127.0.0.1:9")) as client:
        urls: list[str] = []

        def collect(node: object) -> None:
            if isinstance(node, dict):
                for each in node.values():
                    collect(each)
            else:
                urls.append(str(node))

        collect(client._api.urls["api"])
    assert [url for url in urls if not url.startswith("http://127.0.0.1:9")] == []


def test_secrets_are_in_no_error(standin: ExchangeStandin, open_client: Open) -> None:
    """What is told of a refused key holds neither key nor secret nor signature."""
    standin.binance.ip_allowed = False
    with pytest.raises(TroubleError) as caught:
        open_client("binance").ask("sapi_get_account_apirestrictions")
    told = repr((caught.value, caught.value.trouble))
    assert [secret for secret in (*standin.secrets, "signature=") if secret in told] == []


def test_timeouts_are_split() -> None:
    """Connecting may not take the whole time that an answer may take."""
    session = GuardedSession("upbit")
    seen: list[Any] = []

    class Adapter(requests.adapters.BaseAdapter):
        def send(self, request: requests.PreparedRequest, *_: Any, **given: Any) -> requests.Response:
            seen.append(given["timeout"])
            response = requests.Response()
            response.status_code, response.raw, response.request = 200, io.BytesIO(b"[]"), request
            response.url = str(request.url)
            return response

        def close(self) -> None: ...

    with session:
        session.mount("https://", Adapter())
        session.get("https://api.upbit.com/v1/market/all", timeout=10)
        session.get("https://api.upbit.com/v1/market/all", timeout=0.5)
    assert seen == [(2.0, 10), (0.5, 0.5)]


@pytest.mark.parametrize(
    ("symbols", "listed"),
    [
        (("BTC/USDT", "ETH/USDT"), {"BTC/USDT", "ETH/USDT"}),
        (("FOO/USDT",), set()),
        (("FOO/USDT", "BTC/USDT", "BAR/USDT"), {"BTC/USDT"}),
    ],
)
def test_markets_of_binance(symbols: tuple[str, ...], listed: set[str], open_client: Open) -> None:
    """Binance refuses all symbols for one that it does not know; which one it was is found out."""
    assert set(open_client("binance").markets(symbols)) == listed


@pytest.mark.parametrize(
    ("exchange", "given", "lacking"),
    [
        ("okx", {"api_key", "secret"}, ["password"]),
        ("kucoin", {"api_key", "secret", "password"}, []),
        ("bitget", {"api_key", "secret", "password"}, []),
        ("hyperliquid", {"wallet_address"}, ["private_key"]),
        ("hyperliquid", {"wallet_address", "private_key"}, []),
        ("upbit", {"secret"}, ["api_key"]),
    ],
)
def test_credentials(exchange: str, given: set[str], lacking: list[str]) -> None:
    """What is configured reaches ccxt, and what this exchange needs besides is named."""
    section = ExchangeSection.model_validate({name: f"the {name}" for name in given})
    with open_exchange(exchange, section) as client:
        assert client.lacks() == lacking
        assert {name for name in given if getattr(client._api, _CCXT[name]) == f"the {name}"} == given


def test_every_credential_of_ccxt_can_be_configured() -> None:
    """Whatever any exchange of ccxt needs has a key in the settings."""
    needed = {
        name
        for exchange in ccxt.exchanges
        for name, is_needed in getattr(ccxt, exchange)().requiredCredentials.items()
        if is_needed
    }
    assert needed <= set(CREDENTIALS)
    assert set(CREDENTIALS.values()) <= set(ExchangeSection.model_fields)
