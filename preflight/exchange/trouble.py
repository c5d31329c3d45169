"""What went wrong between the gate and an exchange, by what it means and not by how a library wraps it.

Judged in this order: what the connection met (name, refusal, TLS, silence, an answer cut short), then the exchange's
own error code and the HTTP status, then the shape of the body, and only then the class of ccxt's exception.
Where that leaves the reason open it is said to be open: ccxt has one class for a wrong key, a wrong secret, an address
that is not allowed and a key that has expired. What is known nowhere here is could-not-tell for every check.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from preflight.exchange.blocked import why_blocked
from preflight.exchange.codes import meaning_of
from preflight.exchange.kinds import ExchangeAnswer, Trouble, TroubleKind, make_trouble
from preflight.exchange.refusal import Refusal, read_refusal
from preflight.system.network_env import WayOutError

_WHERE_ASKED = 60  # characters of ccxt's text in which an answer that it judged by its status is told by its URL
_DEEPEST = 64  # levels of JSON: a sound answer has a handful, and what walks through it may be recursive


class TooLargeError(Exception):
    """An answer went on beyond what any question of ours is answered with."""


class ForbiddenRequestError(Exception):
    """The guard at the door refused a request that no check may make."""


# HTTP statuses that say more than the code in the body (-1003 is a limit or a ban), and those that say less.
_DECISIVE: Mapping[int, TroubleKind] = MappingProxyType(
    {418: TroubleKind.BANNED, 429: TroubleKind.RATE_LIMIT, 451: TroubleKind.LOCATION}
)
_STATUSES: Mapping[int, TroubleKind] = MappingProxyType({407: TroubleKind.PROXY, 503: TroubleKind.UNAVAILABLE})
# Likewise, where the body is no JSON; 401 only where there is none, since a proxy of this network may say it too.
_BARE: Mapping[int, TroubleKind] = MappingProxyType(
    {401: TroubleKind.KEY_REFUSED, 403: TroubleKind.FORBIDDEN, 404: TroubleKind.NO_ENDPOINT}
)
# ccxt's own classes, the more exact ones first: for exchanges whose codes are not in the table above.
_CLASSES: tuple[tuple[str, TroubleKind], ...] = (
    ("OnMaintenance", TroubleKind.MAINTENANCE),
    ("RateLimitExceeded", TroubleKind.RATE_LIMIT),
    ("DDoSProtection", TroubleKind.RATE_LIMIT),
    ("AccountSuspended", TroubleKind.SUSPENDED),
    ("AuthenticationError", TroubleKind.KEY_REFUSED),  # PermissionDenied is one: a right, an address, a location
    ("InvalidNonce", TroubleKind.TIME_OR_NONCE),
    ("BadSymbol", TroubleKind.SYMBOL),
    ("RestrictedLocation", TroubleKind.LOCATION),
    ("RequestTimeout", TroubleKind.TIMEOUT),
    ("ExchangeNotAvailable", TroubleKind.UNAVAILABLE),
)


def trouble_of(
    exchange: str, error: BaseException, last: ExchangeAnswer | None, secrets: Iterable[str] = ()
) -> Trouble:
    """Return what went wrong.

    Args:
        exchange: ccxt id.
        error: What came out of ccxt or requests.
        last: The answer to the request that failed, None where there was none.
        secrets: What may not be in the exchange's own words.
    """
    kind = _of_connection(error)
    if kind is TroubleKind.WAY_OUT:
        return make_trouble(exchange, kind, last, what=str(error))
    if kind is TroubleKind.TOO_LARGE or last is None:  # what was too large is not read again
        kind = kind or _of_class(error) or TroubleKind.UNKNOWN
        return make_trouble(exchange, kind, last, what=type(list(_chain(error))[-1]).__name__)
    refusal = read_refusal(last, secrets)
    kind = kind or _of_refusal(exchange, last, refusal) or _of_error(error, last, refusal)
    return _told(exchange, kind, last, refusal)


def trouble_in(exchange: str, last: ExchangeAnswer, secrets: Iterable[str] = ()) -> Trouble | None:
    """Return what is wrong with an answer of which ccxt has not complained; None where nothing is known to be.

    Args:
        exchange: ccxt id.
        last: The answer.
        secrets: As for `trouble_of`.
    """
    refusal = read_refusal(last, secrets)
    kind = of_body(last) or meaning_of(exchange, refusal.code)
    return None if kind is None else _told(exchange, kind, last, refusal)


def unexpected(exchange: str, last: ExchangeAnswer | None, what: str, secrets: Iterable[str] = ()) -> Trouble:
    """Return the trouble with an answer that is JSON but not what was asked for: a refusal, or of another shape."""
    refusal = Refusal(code="", words="") if last is None else read_refusal(last, secrets)
    if last is not None and last.says_it_failed:
        return _told(exchange, TroubleKind.UNKNOWN_ERROR, last, refusal)
    return make_trouble(exchange, TroubleKind.UNEXPECTED, last, what=what, said=refusal.words)


def _told(exchange: str, kind: TroubleKind, last: ExchangeAnswer, refusal: Refusal) -> Trouble:
    return make_trouble(exchange, kind, last, what=refusal.code, said=refusal.words)


def is_json(text: str) -> bool:
    """Return whether a body is a whole JSON document that is an object or a list, and not nested beyond measure."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(body, dict | list):
        return False
    level: list[Any] = [body]
    for _ in range(_DEEPEST):
        inner = [value for each in level for value in (each.values() if isinstance(each, dict) else each)]
        level = [value for value in inner if isinstance(value, dict | list)]
        if not level:
            return True
    return False


def of_body(last: ExchangeAnswer) -> TroubleKind | None:
    """Return what is wrong with a body that should be JSON, None where nothing is."""
    if is_json(last.text):
        return None
    kind = last.headers.get("Content-Type", "")
    return TroubleKind.WEB_PAGE if "html" in kind or last.text.lstrip()[:1] == "<" else TroubleKind.NOT_JSON


def _of_refusal(exchange: str, last: ExchangeAnswer, refusal: Refusal) -> TroubleKind | None:
    return _DECISIVE.get(last.status) or meaning_of(exchange, refusal.code) or _of_answer(last)


def _of_class(error: BaseException) -> TroubleKind | None:
    names = {cls.__name__ for cls in type(error).__mro__}
    return next((found for name, found in _CLASSES if name in names), None)


def _of_error(error: BaseException, last: ExchangeAnswer, refusal: Refusal) -> TroubleKind:
    """Judge by ccxt's class, which says something of the exchange only where the exchange has said something."""
    kind = _of_class(error)
    # Where ccxt does not understand a body it goes by the status, and takes most of 4xx for an exchange out of service.
    by_status = kind is TroubleKind.UNAVAILABLE and last.status < 500 and " GET http" in str(error)[:_WHERE_ASKED]
    if by_status and last.status == 404:
        return TroubleKind.NO_ENDPOINT
    if kind is not None and not by_status:
        return kind
    refused = last.status >= 400 or (
        bool(refusal.code or refusal.words) and any(cls.__name__ == "ExchangeError" for cls in type(error).__mro__)
    )
    # ccxt met something in a proper answer that it did not expect, be it a missing key or a wrong type.
    return TroubleKind.UNKNOWN_ERROR if refused else TroubleKind.UNEXPECTED


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Return an exception and all that led to it; urllib3 keeps some of that in arguments and never raises it."""
    queue, seen = [error], set[int]()
    for link in queue:
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        led_to_it = (link.__cause__, link.__context__, getattr(link, "reason", None), *link.args)
        queue.extend(part for part in led_to_it if isinstance(part, BaseException))


def _of_connection(error: BaseException) -> TroubleKind | None:
    # Loaded already where such an error can come from; whoever only needs `Kind` does not pay for them.
    import http.client  # noqa: PLC0415
    import ssl  # noqa: PLC0415

    import requests  # noqa: PLC0415
    import urllib3  # noqa: PLC0415

    links = list(_chain(error))
    for link in links:
        if isinstance(link, socket.gaierror):
            return TroubleKind.NO_NAME if link.errno == socket.EAI_NONAME else TroubleKind.NAME_UNKNOWN
    # Exception -> meaning; the first of these that is in the chain of causes counts.
    table: tuple[tuple[type[BaseException], TroubleKind], ...] = (
        (ForbiddenRequestError, TroubleKind.FORBIDDEN_REQUEST),
        (TooLargeError, TroubleKind.TOO_LARGE),
        (MemoryError, TroubleKind.TOO_LARGE),
        (WayOutError, TroubleKind.WAY_OUT),
        (requests.exceptions.TooManyRedirects, TroubleKind.REDIRECT),
        (http.client.RemoteDisconnected, TroubleKind.CUT),  # behind a proxy urllib3 calls this one, too, the proxy's
        (requests.exceptions.ProxyError, TroubleKind.PROXY),
        (ConnectionRefusedError, TroubleKind.REFUSED),
        (ssl.SSLCertVerificationError, TroubleKind.CERTIFICATE),
        (ssl.SSLEOFError, TroubleKind.CUT),
        (ssl.SSLError, TroubleKind.TLS),
        (requests.exceptions.Timeout, TroubleKind.TIMEOUT),
        (TimeoutError, TroubleKind.TIMEOUT),
        (ConnectionResetError, TroubleKind.CUT),
        (urllib3.exceptions.ProtocolError, TroubleKind.CUT),
        (requests.exceptions.ChunkedEncodingError, TroubleKind.CUT),
    )
    for kind_of_error, kind in table:
        if any(isinstance(link, kind_of_error) for link in links):
            return kind
    # requests' own classes are OSErrors too, and say nothing about a route.
    routeless = any(isinstance(link, OSError) and not isinstance(link, requests.RequestException) for link in links)
    return TroubleKind.NO_ROUTE if routeless else None


def _of_answer(last: ExchangeAnswer) -> TroubleKind | None:
    if last.status < 400:
        return of_body(last)
    if (kind := why_blocked(last)) is not None:
        return kind
    unread = of_body(last)
    if unread is not None and (bare := _BARE.get(last.status)) is not None and (last.status != 401 or not last.text):
        return bare
    # A refusal that is no JSON is not the exchange's own: who knows what answered says nothing of a key.
    return _STATUSES.get(last.status) or (TroubleKind.SERVER_ERROR if last.status >= 500 else unread)
