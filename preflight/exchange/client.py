"""The one place where ccxt is opened: through a session that lets nothing but known readings out.

ccxt can place orders and withdraw. What keeps it from doing so here is not that no check calls those methods but
`GuardedSession`: every request passes it, and one that is not a GET of a listed path is never sent.
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType, TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr
from requests.adapters import HTTPAdapter

from preflight.config.sections import ExchangeSection
from preflight.exchange.kinds import ExchangeAnswer, TroubleError, TroubleKind, is_number, make_trouble
from preflight.exchange.trouble import ForbiddenRequestError, TooLargeError, trouble_in, trouble_of, unexpected
from preflight.memory import bounded_memory
from preflight.system.network_env import WayOutError, why_no_way_out

_MAX_BYTES = 8 * 1024 * 1024  # of one answer, unpacked
_LONGEST_SECONDS = 20.0  # for one answer that keeps coming; each part of it has the request's own timeout
_ALIKE = 0.7  # how much of a symbol has to be right to be taken for a slip of another; a quote alone is not
_CONNECT_SECONDS = 2.0  # a network that swallows packets is found out before the whole timeout is spent

# What may be asked of the exchanges the gate knows, all of it with GET. A test holds every check to this list.
ALLOWED_PATHS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "upbit": frozenset({"/v1/market/all", "/v1/ticker", "/v1/api_keys", "/v1/accounts", "/v1/pockets/api_keys"}),
        "binance": frozenset(
            {
                "/api/v3/time",
                "/api/v3/exchangeInfo",
                "/api/v3/ticker/24hr",
                "/api/v3/aggTrades",
                "/api/v3/account",
                "/sapi/v1/system/status",
                "/sapi/v1/account/apiRestrictions",
                "/sapi/v1/spot/delist-schedule",
            }
        ),
    }
)
# What may be asked of any other exchange, as ccxt calls it: whose paths nobody has read, its path says too little.
READINGS = frozenset(
    {
        "fetch_markets",
        "fetch_tickers",
        "fetch_ticker",
        "fetch_trades",
        "fetch_status",
        "fetch_time",
        "fetch_balance",
        "private_get_account_config",  # OKX: what the key may do
        "private_get_v5_user_query_api",  # Bybit: likewise
    }
)
_NEVER = re.compile(r"order(?!_?book)|withdraw|transfer|convert|repay|borrow|redeem", re.IGNORECASE)

# Whose ticker is dated by the last trade. Elsewhere a ticker's time is that of the answer, or the end of a window.
_DATED_BY_TRADE = frozenset({"upbit"})

# What ccxt does by itself beyond what is asked of it, switched off. Of Binance's markets only spot.
_OPTIONS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"binance": {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False}}
)


# How ccxt calls the credentials, and how the settings do.
CREDENTIALS: Mapping[str, str] = MappingProxyType(
    {
        "apiKey": "api_key",
        "secret": "secret",
        "password": "password",
        "uid": "uid",
        "accountId": "account_id",
        "login": "login",
        "walletAddress": "wallet_address",
        "privateKey": "private_key",
    }
)


class _NoAuth(requests.auth.AuthBase):
    """Leaves requests as they are; without it the session would add passwords that it finds in ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class GuardedSession(requests.Session):
    """Sends readings only, follows no redirect, tries once, and remembers the last answer.

    Proxy and CA bundle come from the environment (`https_proxy`, `REQUESTS_CA_BUNDLE`), as for any other program.
    """

    def __init__(self, exchange: str) -> None:
        super().__init__()
        self.exchange = exchange
        self.last: ExchangeAnswer | None = None
        self.auth = _NoAuth()
        self.max_redirects = 0
        self.mount("https://", HTTPAdapter(max_retries=0))
        self.mount("http://", HTTPAdapter(max_retries=0))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one request if it is an allowed one.

        Raises:
            ForbiddenRequestError: It is none; nothing was sent.
            WayOutError: A variable of this machine keeps it from leaving.
        """
        self.last = None
        path = urlsplit(request.url or "").path
        if not is_allowed(self.exchange, request.method or "", path):
            raise ForbiddenRequestError(f"{request.method} {path} of {self.exchange} is not an allowed request")
        if isinstance(seconds := kwargs.get("timeout"), int | float):
            kwargs["timeout"] = (min(_CONNECT_SECONDS, seconds), seconds)
        begun = time.perf_counter()
        try:
            response = super().send(request, **{**kwargs, "stream": True})
        except OSError as e:  # every error of requests is one
            if (why := why_no_way_out(request.url or "")) is not None:
                raise WayOutError(why) from e
            raise
        # Read here and not by the library, which would take whatever comes: a few bytes can unpack to gigabytes.
        response._content = _whole(response, until=begun + _LONGEST_SECONDS)
        vars(response)["_content_consumed"] = True
        response.encoding = "utf-8"
        self.last = ExchangeAnswer(
            status=response.status_code,
            text=response.text,
            headers=response.headers,
            seconds=time.perf_counter() - begun,
        )
        return response


def _whole(response: requests.Response, *, until: float) -> bytes:
    """Read a body, unpacked, as far as any answer to our questions goes.

    Args:
        response: Streamed.
        until: `time.perf_counter` at which even one that still comes is given up.

    Raises:
        TooLargeError: It goes on.
    """
    body = bytearray()
    for chunk in response.iter_content(65_536):
        body += chunk
        if len(body) > _MAX_BYTES or time.perf_counter() > until:
            response.close()
            raise TooLargeError(f"more than {_MAX_BYTES} bytes, or without end")
    return bytes(body)


def is_allowed(exchange: str, method: str, path: str) -> bool:
    """Return whether a request may be sent: a listed path, or for other exchanges one that names nothing that acts."""
    if method != "GET":
        return False
    known = ALLOWED_PATHS.get(exchange)
    return path in known if known is not None else not _NEVER.search(path)


class ExchangeClient:
    """One exchange through ccxt. The untyped library ends here: methods return plain data or raise TroubleError."""

    def __init__(self, exchange: str, api: Any, session: GuardedSession) -> None:
        self.exchange = exchange
        self._api = api
        self._session = session
        self._listed_symbols: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    @property
    def last(self) -> ExchangeAnswer:
        """The last answer.

        Raises:
            TroubleError: There was none.
        """
        if self._session.last is None:
            raise TroubleError(make_trouble(self.exchange, TroubleKind.UNKNOWN))
        return self._session.last

    def lacks(self) -> list[str]:
        """Name what ccxt needs to sign for this exchange and has not got, as the settings call it."""
        needed = [name for name, is_needed in self._api.requiredCredentials.items() if is_needed]
        return [CREDENTIALS.get(name, name) for name in needed if not getattr(self._api, name, None)]

    def has(self, feature: str) -> bool:
        """Return whether ccxt can do this with this exchange; what it emulates from other calls does not count."""
        return self._api.has.get(feature) is True

    def ask(self, method: str, *args: Any) -> Any:
        """Call a method of ccxt that makes a request.

        Raises:
            TroubleError: It raised, the answer is no JSON, or of an exchange without a list of paths more is asked
                than readings; then nothing was sent.
        """
        if self.exchange not in ALLOWED_PATHS and method not in READINGS:
            raise TroubleError(make_trouble(self.exchange, TroubleKind.FORBIDDEN_REQUEST))
        return self._asked(getattr(self._api, method), *args)

    def get(self, path: str) -> Any:
        """Ask a private path that ccxt has no method for yet.

        Args:
            path: Below the API's version, such as `pockets/api_keys`; the session lets listed ones out only.

        Raises:
            TroubleError: As for `ask`.
        """
        return self._asked(self._api.request, path, "private", "GET", {})

    def get_by_token(self, path: str) -> Any:
        """Ask a private path with a JWT, as Bithumb's present API takes it: ccxt signs for its old one only.

        Args:
            path: With the API's version, such as `/v1/accounts`.

        Raises:
            TroubleError: As for `ask`.
        """
        claims = {"access_key": self._api.apiKey, "nonce": self._api.uuid(), "timestamp": self._api.milliseconds()}
        token = self._api.jwt(claims, self._api.encode(self._api.secret), "sha256")
        url = self._api.implode_hostname(self._api.urls["api"]["private"]) + path
        return self._asked(self._api.fetch, url, "GET", {"Authorization": f"Bearer {token}"})

    def _asked(self, question: Callable[..., Any], *args: Any) -> Any:
        self._session.last = None
        try:
            with bounded_memory():
                value = question(*args)
                last = self._session.last
                trouble = None if last is None else trouble_in(self.exchange, last, self._secrets())
        except Exception as e:
            raise TroubleError(trouble_of(self.exchange, e, self._session.last, self._secrets())) from e
        if trouble is not None:  # ccxt has not looked, as Bithumb refuses with HTTP 200
            raise TroubleError(trouble)
        return value

    def unexpected(self, what: str) -> TroubleError:
        """Make the error for an answer that is JSON but not what was asked for."""
        return TroubleError(unexpected(self.exchange, self._session.last, what, self._secrets()))

    def _secrets(self) -> list[str]:
        given = (getattr(self._api, name, None) for name in CREDENTIALS)
        return [value for value in given if isinstance(value, str) and value]

    def markets(self, symbols: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        """Return the markets of the wanted symbols, by symbol; one that is not listed is not in it.

        Raises:
            TroubleError: The exchange could not be asked, or it names no market at all.
        """
        found = self._listed(symbols)
        self._listed_symbols = tuple(market["symbol"] for market in found)
        if found:
            self._api.set_markets(found)  # so that ccxt does not fetch them again for each question that follows
        return {market["symbol"]: market for market in found if market["symbol"] in symbols}

    def nearest(self, symbol: str) -> str:
        """Name the listed symbol that was probably meant; empty where there is none. `markets` was asked before.

        Raises:
            TroubleError: As for `markets`.
        """
        plain = symbol.upper().partition(":")[0]  # ccxt writes a future as BTC/USDT:USDT
        parts = re.split(r"[-_/ ]", plain)  # exchanges write BTC-USDT, BTC_USDT, and Upbit KRW-BTC
        listed = self._listed_symbols
        for meant in dict.fromkeys((plain, "/".join(parts), "/".join(reversed(parts)))):
            # Binance was asked for the wanted symbols only.
            if meant != symbol and (
                meant in listed or (self.exchange == "binance" and meant in self.markets((meant,)))
            ):
                return meant
        return next(iter(get_close_matches(plain, listed, n=1, cutoff=_ALIKE)), "")

    def tickers(self, symbols: tuple[str, ...]) -> tuple[dict[str, Any], float]:
        """Return the symbols' tickers and the seconds of the slowest answer; `markets` was asked before.

        Raises:
            TroubleError: The exchange could not be asked, or its answer is no table of tickers.
        """
        if self._api.has.get("fetchTickers") or not self._api.has.get("fetchTicker"):
            found = self.ask("fetch_tickers", list(symbols))
            if not isinstance(found, dict):
                raise self.unexpected("tickers")
            return found, self.last.seconds
        one_by_one: dict[str, Any] = {}
        slowest = 0.0
        for symbol in symbols:
            ticker = self.ask("fetch_ticker", symbol)
            if not isinstance(ticker, dict):
                raise self.unexpected("no ticker")
            one_by_one[symbol], slowest = ticker, max(slowest, self.last.seconds)
        return one_by_one, slowest

    def last_trades(
        self, symbols: tuple[str, ...], tickers: Mapping[str, Any]
    ) -> tuple[dict[str, float | None], float | None]:
        """Return when each symbol last traded, and the slowest answer to that question.

        Args:
            symbols: Symbols that are listed; `markets` was asked before.
            tickers: Their tickers, which are enough where the exchange dates them by the last trade.

        Returns:
            Symbol -> Unix seconds, None where the exchange does not tell; and seconds, None where nothing was asked.

        Raises:
            TroubleError: The exchange could not be asked, or its answer is no list of trades.
        """
        if self.exchange in _DATED_BY_TRADE:
            return {symbol: _moment(tickers.get(symbol)) for symbol in symbols}, None
        if not self.has("fetchTrades"):
            return dict.fromkeys(symbols), None
        found: dict[str, float | None] = {}
        slowest = 0.0
        for symbol in symbols:
            trades = self.ask("fetch_trades", symbol, None, 1)
            if not isinstance(trades, list):
                raise self.unexpected("no list of trades")
            slowest = max(slowest, self.last.seconds)
            moments = [moment for trade in trades if (moment := _moment(trade)) is not None]
            found[symbol] = max(moments, default=None)
        return found, slowest

    def _listed(self, symbols: tuple[str, ...]) -> list[dict[str, Any]]:
        if self.exchange == "bybit" and not any(":" in symbol for symbol in symbols):
            return self._listed_on_bybit(symbols)
        if self.exchange == "upbit":
            return self._fetch_markets({"is_details": "true"})  # with what is announced of each
        if self.exchange != "binance":
            return self._fetch_markets({})
        # Binance's whole list is some 10 MB: it is asked for these symbols only. It refuses all of them for one that
        # it does not know, without saying which, so each is then asked for alone.
        try:
            return self._fetch_markets({"symbols": self._api.json([symbol.replace("/", "") for symbol in symbols])})
        except TroubleError as e:
            if e.trouble.kind is not TroubleKind.SYMBOL:
                raise
            return [] if len(symbols) == 1 else [found for symbol in symbols for found in self._listed((symbol,))]

    def _listed_on_bybit(self, symbols: tuple[str, ...]) -> list[dict[str, Any]]:
        """Ask for these spot markets only: the whole list, futures and options in it, takes eight requests.

        Where one of them is not listed, the whole of the spot list says what may have been meant.
        """
        self._api.options["fetchMarkets"] = {"types": ["spot"]}
        found: list[dict[str, Any]] = []
        for symbol in symbols:
            try:
                markets = self.ask("fetch_markets", {"symbol": symbol.replace("/", "")})
            except TroubleError as e:
                if e.trouble.kind not in {TroubleKind.SYMBOL, TroubleKind.UNKNOWN_ERROR, TroubleKind.UNEXPECTED}:
                    raise
                markets = []
            if not isinstance(markets, list) or not markets:
                return self._fetch_markets({})
            found += markets
        return found

    def _fetch_markets(self, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        found = self.ask("fetch_markets", parameters)
        if not isinstance(found, list) or not found:
            raise self.unexpected("no market in the answer")
        return found


def _moment(dated: Any) -> float | None:
    """Read ccxt's `timestamp`, ms, as Unix seconds."""
    at = dated.get("timestamp") if isinstance(dated, dict) else None
    return at / 1000 if is_number(at) else None


def open_exchange(exchange: str, section: ExchangeSection) -> ExchangeClient:
    """Make a client; nothing is sent before the first question.

    Args:
        exchange: ccxt id.
        section: Its settings.

    Raises:
        TroubleError: ccxt has no such exchange.
    """
    library = importlib.import_module("ccxt")  # 409 ms that only exchange checks should pay
    if exchange not in library.exchanges:
        close = get_close_matches(exchange, library.exchanges, n=1)
        said = f"did you mean {close[0]}?" if close else f"none of {len(library.exchanges)}"
        raise TroubleError(make_trouble(exchange, TroubleKind.NO_SUCH_EXCHANGE, what=said))
    session = GuardedSession(exchange)
    api = getattr(library, exchange)(
        {
            **{name: _revealed(getattr(section, field)) for name, field in CREDENTIALS.items()},
            "timeout": int(section.timeout * 1000),
            # A handful of requests per run is far below every limit, and ccxt's pauses (0.8 s before Binance's
            # tickers) would be measured as the exchange's.
            "enableRateLimit": False,
            "options": {"maxRetriesOnFailure": 0, **_OPTIONS.get(exchange, {})},
            "session": session,
            **({} if section.hostname is None else {"hostname": section.hostname}),
        }
    )
    if section.url is not None:
        api.urls["api"] = _moved(api.urls["api"], section.url)
    return ExchangeClient(exchange, api, session)


def _revealed(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _moved(urls: Any, base: str) -> Any:
    """Put another host into every URL of ccxt's nested table; the paths stay."""
    if isinstance(urls, dict):
        return {name: _moved(url, base) for name, url in urls.items()}
    return re.sub(r"^https?://[^/]+", lambda _: base, urls) if isinstance(urls, str) else urls
