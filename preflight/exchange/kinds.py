"""The kinds of trouble between the gate and an exchange, and the words for each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum, auto
from types import MappingProxyType
from typing import Any, TypeGuard

from preflight.message import Message, fields_of, message, template


class TroubleKind(StrEnum):
    """What happened."""

    NO_SUCH_EXCHANGE = auto()  # ccxt does not know the id
    NO_NAME = auto()  # the host name does not exist
    NAME_UNKNOWN = auto()  # the name server could not be asked
    REFUSED = auto()  # nothing listens there
    NO_ROUTE = auto()  # the network cannot reach it
    PROXY = auto()  # the proxy in between is the trouble
    WAY_OUT = auto()  # a variable of this machine lets no request out
    CERTIFICATE = auto()  # whoever answers cannot prove to be the exchange
    TLS = auto()  # no encrypted connection came about
    TIMEOUT = auto()
    CUT = auto()  # the connection broke before the answer was whole
    REDIRECT = auto()
    FORBIDDEN_REQUEST = auto()  # ccxt would have asked what the gate does not let it ask
    RATE_LIMIT = auto()
    BANNED = auto()
    MAINTENANCE = auto()
    UNAVAILABLE = auto()
    SERVER_ERROR = auto()
    LOCATION = auto()  # not served from here
    FIREWALL = auto()  # the exchange's own firewall blocks the request
    FORBIDDEN = auto()  # 403 without a reason
    WEB_PAGE = auto()  # HTML where JSON belongs
    NOT_JSON = auto()
    UNEXPECTED = auto()  # JSON of another shape
    SYMBOL = auto()
    KEY = auto()
    KEY_REFUSED = auto()  # for a reason that is not known here
    SUSPENDED = auto()  # the account, or all its keys
    PASSPHRASE = auto()
    OTHER_WORLD = auto()  # a key of the demo or of another region
    AGREEMENT = auto()  # terms that the account's owner has to agree to
    NO_ENDPOINT = auto()
    TOO_LARGE = auto()
    KEY_IP_OR_RIGHTS = auto()  # Binance -2015 means any of the three
    EXPIRED = auto()
    SIGNATURE = auto()
    IP = auto()
    RIGHTS = auto()
    CLOCK = auto()
    NONCE = auto()
    TIME_OR_NONCE = auto()
    UNKNOWN_ERROR = auto()  # an error of the exchange's own that is not known here
    UNKNOWN = auto()


# Headers of Bybit, and of many others, of when a limit begins anew.
_ANEW = ("X-Bapi-Limit-Reset-Timestamp", "X-RateLimit-Reset")
_FAR_TOO_LARGE = 1e300
_LOOKED_AT = 4096  # characters of a body in which a time is looked for


def is_number(value: Any) -> TypeGuard[int | float]:
    """Return whether a value is a finite number: what compares with nothing would pass every limit."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) < _FAR_TOO_LARGE  # as an integer may be that no float holds; no comparison holds for NaN


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeAnswer:
    """What the exchange last answered."""

    status: int  # HTTP
    text: str  # body
    headers: Mapping[str, str]  # names in any case
    seconds: float  # from request to whole answer

    @property
    def lists_something(self) -> bool:
        """Whether the body can hold what was asked for: a list, or an object with one, that says of no failure."""
        body = self._body()
        if not isinstance(body, dict):
            return isinstance(body, list)
        return not self.says_it_failed and any(isinstance(value, dict | list) for value in body.values())

    @property
    def says_it_failed(self) -> bool:
        """Whether the body itself speaks of a failure, whatever the HTTP status."""
        body = self._body()
        if not isinstance(body, dict):
            return isinstance(body, list) and body[:1] == ["error"]
        failed = body.get("error") or body.get("success") in (False, "false")
        return bool(failed) or body.get("result") == "error" or body.get("status") == "error"

    def _body(self) -> Any:
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that went wrong."""

    kind: TroubleKind
    meaning: Message  # a sentence about the exchange, its name left out: "limits our requests (429)"
    hint: Message
    actual: str  # what was there: HTTP status and error code, never a key or a URL with a signature
    said: str  # the exchange's own words; empty where it gave none


class TroubleError(Exception):
    """Raised by the client; whatever ccxt or requests raised is its cause."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.meaning)
        self.trouble = trouble


# (meaning, hint); {exchange} is the id, {EXCHANGE} the id as in a variable's name, {wait} the exchange's own words,
# {what} what was there.
_TEXTS: Mapping[TroubleKind, tuple[str, str]] = MappingProxyType(
    {
        TroubleKind.NO_SUCH_EXCHANGE: (
            template("is not an exchange that ccxt knows"),
            template("correct the id in exchanges.{exchange}"),
        ),
        TroubleKind.NO_NAME: (
            template("has a host name that does not resolve"),
            template("check the network and the machine's name server"),
        ),
        TroubleKind.NAME_UNKNOWN: (
            template("has a host name that cannot be resolved now"),
            template("check the network and the machine's name server"),
        ),
        TroubleKind.REFUSED: (
            template("refuses connections"),
            template("check the network path, and exchanges.{exchange}.url if it is set"),
        ),
        TroubleKind.NO_ROUTE: (
            template("is not reachable from this network"),
            template("check the network path and the firewall"),
        ),
        TroubleKind.PROXY: (
            template("cannot be asked: the proxy fails"),
            template("check https_proxy and no_proxy, and the proxy itself"),
        ),
        TroubleKind.WAY_OUT: (
            template("cannot be asked: {what}"),
            template("correct that variable, or unset it, then run again"),
        ),
        TroubleKind.CERTIFICATE: (
            template("shows a certificate that is not trusted: the connection may be intercepted"),
            template("check the machine's clock and CA bundle (REQUESTS_CA_BUNDLE), and what proxy is in the way"),
        ),
        TroubleKind.TLS: (
            template("offers no encrypted connection"),
            template("see what proxy or firewall is in the way, then run again"),
        ),
        TroubleKind.TIMEOUT: (
            template("did not answer in time"),
            template("check the network path and the exchange's status page, or raise exchanges.{exchange}.timeout"),
        ),
        TroubleKind.CUT: (template("broke off its answer"), template("check the network path, then run again")),
        TroubleKind.REDIRECT: (
            template("sends us elsewhere"),
            template("see what proxy or captive portal is in the way"),
        ),
        TroubleKind.FORBIDDEN_REQUEST: (
            template("would have been asked what this gate never asks"),
            template("nothing was sent; this exchange cannot be checked by reading alone, report it"),
        ),
        TroubleKind.RATE_LIMIT: (
            template("limits our requests{wait}"),
            template("wait{wait_hint}, see what else uses this address or key"),
        ),
        TroubleKind.BANNED: (
            template("has banned this address{wait}"),
            template("stop everything that asks it from this address, and wait{wait_hint}"),
        ),
        TroubleKind.MAINTENANCE: (
            template("is in maintenance"),
            template("wait for its announced end; see the exchange's status page"),
        ),
        TroubleKind.UNAVAILABLE: (
            template("is not available: maintenance or overload{wait}"),
            template("see the exchange's status page, then run again"),
        ),
        TroubleKind.SERVER_ERROR: (
            template("answers with an error of its own"),
            template("see the exchange's status page, then run again"),
        ),
        TroubleKind.LOCATION: (
            template("does not serve this location"),
            template("run the bot where the exchange may be used"),
        ),
        TroubleKind.FIREWALL: (
            template("blocks the request by its own firewall (Cloudflare)"),
            template("ask from another address: many exchanges block hosting networks and VPNs; or ask its support"),
        ),
        TroubleKind.FORBIDDEN: (
            template("forbids the request"),
            template("see whether a firewall or a proxy answers instead of it"),
        ),
        TroubleKind.WEB_PAGE: (
            template("answered with a web page instead of data"),
            template("see what proxy, captive portal or maintenance page is in the way"),
        ),
        TroubleKind.NOT_JSON: (
            template("answered with something that is not JSON"),
            template("run again; if it stays, see its status page"),
        ),
        TroubleKind.UNEXPECTED: (
            template("answered with data of another shape"),
            template("run again; if it stays, its API has changed: update ccxt"),
        ),
        TroubleKind.SYMBOL: (template("does not list a symbol"), template("correct exchanges.{exchange}.symbols")),
        TroubleKind.KEY: (
            template("does not know the API key"),
            template("check PREFLIGHT_EXCHANGES__{EXCHANGE}__API_KEY (or __API_KEY_FILE)"),
        ),
        TroubleKind.KEY_REFUSED: (
            template("refuses the API key, for a reason that this gate does not know"),
            template(
                "read its own words, then check: the key, its secret, its end, the IP addresses it is restricted to, "
                "its right to read"
            ),
        ),
        TroubleKind.SUSPENDED: (
            template("says that the account or its API keys are suspended, locked or restricted"),
            template("log in on its website, read what it says there, or ask its support"),
        ),
        TroubleKind.KEY_IP_OR_RIGHTS: (
            template("refuses the API key, and does not say whether key, IP address or rights are wrong"),
            template("check in this order: the key itself, the IP addresses it is restricted to, its right to read"),
        ),
        TroubleKind.PASSPHRASE: (
            template("says that the passphrase does not belong to the API key"),
            template("check PREFLIGHT_EXCHANGES__{EXCHANGE}__PASSWORD (or __PASSWORD_FILE)"),
        ),
        TroubleKind.OTHER_WORLD: (
            template("says that the API key is of another environment: demo trading, or another region"),
            template("make the key where the bot trades, or set exchanges.{exchange}.url to the key's own endpoint"),
        ),
        TroubleKind.AGREEMENT: (
            template("requires the account's owner to agree to its terms first"),
            template("log in on its website, agree there, then run again"),
        ),
        TroubleKind.NO_ENDPOINT: (
            template("has no such endpoint at the address that was asked"),
            template("check exchanges.{exchange}.url: a testnet lacks some of the real one's questions"),
        ),
        TroubleKind.TOO_LARGE: (
            template("answered without end, or with more than fits into memory"),
            template("see what proxy is in the way, then run again"),
        ),
        TroubleKind.EXPIRED: (
            template("says that the API key has expired"),
            template("make a new key and set PREFLIGHT_EXCHANGES__{EXCHANGE}__API_KEY_FILE and __SECRET_FILE"),
        ),
        TroubleKind.SIGNATURE: (
            template("says that the secret does not belong to the API key"),
            template("check PREFLIGHT_EXCHANGES__{EXCHANGE}__SECRET (or __SECRET_FILE)"),
        ),
        TroubleKind.IP: (
            template("does not allow the API key from this address"),
            template("add this machine's public address to the key"),
        ),
        TroubleKind.RIGHTS: (
            template("denies the API key a right it needs (out of scope)"),
            template("give the key the right to read balances"),
        ),
        TroubleKind.CLOCK: (
            template("rejects the request's timestamp, so nothing can be said about the key"),
            template("set this machine's clock (timedatectl set-ntp true); see clock_{exchange}"),
        ),
        TroubleKind.NONCE: (template("has seen this request's nonce before"), template("run again")),
        TroubleKind.TIME_OR_NONCE: (
            template("rejects the request's time or nonce, so nothing can be said about the key"),
            template("see clock_{exchange}, and give no other program the same key"),
        ),
        TroubleKind.UNKNOWN_ERROR: (
            template("refuses the request with an error that this gate does not know ({what})"),
            template("look it up in the exchange's documents, and see its status page"),
        ),
        TroubleKind.UNKNOWN: (
            template("could not be asked"),
            template("run this check alone with --only, and see the exchange's status page"),
        ),
    }
)


def make_trouble(
    exchange: str, kind: TroubleKind, last: ExchangeAnswer | None = None, *, what: str = "", said: str = ""
) -> Trouble:
    """Put a kind into words.

    Args:
        exchange: ccxt id.
        kind: What it was.
        last: The answer that showed it.
        what: What was there, in a few words of ours.
        said: The exchange's own words.
    """
    wait = waiting_time(last)
    known = {
        "exchange": exchange,
        "EXCHANGE": exchange.upper(),
        "what": what or ("" if last is None else f"HTTP {last.status}"),
        "wait": message(", {time}", time=wait) if wait else "",
        "wait_hint": message(" {time}", time=wait) if wait else "",
    }
    meaning, hint = (message(text, **{name: known[name] for name in fields_of(text)}) for text in _TEXTS[kind])
    if last is not None:
        what = f"HTTP {last.status}{f', {what}' if what else ''}"
    return Trouble(kind=kind, meaning=meaning, hint=hint, actual=what or kind.value, said=said)


def waiting_time(last: ExchangeAnswer | None) -> str:
    """Return how long the exchange asks to wait: `for 7 s`, `until 2026-11-26 21:40:00 UTC`, or nothing.

    It says so in a header, as seconds or as a date, in its own words as seconds, milliseconds or a date ("banned until
    1668..."), or in a header of its own as the moment at which its limits begin anew.
    """
    if last is None:
        return ""
    value = last.headers.get("Retry-After", "").strip()
    if value.isdecimal() and len(value) <= 7:
        return message("for {seconds} s", seconds=value)
    banned = re.search(
        r"until:? (\d{13}|\d{10}|\d{4}-\d\d-\d\d[T ][\d:.]{5,16}(?:Z|[+-]\d\d:\d\d)?)\b", last.text[:_LOOKED_AT]
    )
    own = next((at for name in _ANEW if re.fullmatch(r"\d{10}|\d{13}", at := last.headers.get(name, ""))), "")
    if last.status >= 500:  # its limits are not what is in the way
        own = ""
    for found, read in ((banned[1] if banned else "", _moment), (value, parsedate_to_datetime), (own, _moment)):
        try:
            moment = read(found)
            # The Date header's zone is GMT where it names none, as is that of what an exchange writes.
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):  # nothing there, or no date
            continue
        return message("until {moment} UTC", moment=f"{moment:%Y-%m-%d %H:%M:%S}")
    return ""


def _moment(text: str) -> datetime:
    if text.isdecimal():
        return datetime.fromtimestamp(int(text) / (1000 if len(text) > len("1795729200") else 1), UTC)
    return datetime.fromisoformat(text)
