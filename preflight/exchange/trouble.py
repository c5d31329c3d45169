"""What went wrong between the gate and an exchange, by what it means and not by how a library wraps it.

Judged in this order: what the connection met (name, refusal, TLS, silence, an answer cut short), then the exchange's
own error code and the HTTP status, then the shape of the body, and only then the class of ccxt's exception.
What is known nowhere here stays `UNKNOWN`, which every check turns into "could not tell".
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from preflight.exchange.codes import CODES
from preflight.exchange.kinds import ExchangeAnswer, Trouble, TroubleKind, make_trouble
from preflight.system.network_env import WayOutError

_MAX_TEXT = 300  # characters of an exchange's own message that are worth repeating
_MAX_CODE = 40
_BY_COUNTRY = "block access from your country"  # CloudFront's words for a place that is not served


class TooLargeError(Exception):
    """An answer went on beyond what any question of ours is answered with."""


class ForbiddenRequestError(Exception):
    """The guard at the door refused a request that no check may make."""


# HTTP statuses that say more than the code in the body (-1003 is a limit or a ban), and those that say less.
_DECISIVE: Mapping[int, TroubleKind] = MappingProxyType(
    {418: TroubleKind.BANNED, 429: TroubleKind.RATE_LIMIT, 451: TroubleKind.LOCATION}
)
_STATUSES: Mapping[int, TroubleKind] = MappingProxyType({503: TroubleKind.UNAVAILABLE})
# ccxt's own classes, the more exact ones first: for exchanges whose codes are not in the table above.
_CLASSES: tuple[tuple[str, TroubleKind], ...] = (
    ("OnMaintenance", TroubleKind.MAINTENANCE),
    ("RateLimitExceeded", TroubleKind.RATE_LIMIT),
    ("DDoSProtection", TroubleKind.RATE_LIMIT),
    ("PermissionDenied", TroubleKind.RIGHTS),
    ("AuthenticationError", TroubleKind.KEY),
    ("InvalidNonce", TroubleKind.CLOCK),
    ("BadSymbol", TroubleKind.SYMBOL),
    ("RequestTimeout", TroubleKind.TIMEOUT),
    ("ExchangeNotAvailable", TroubleKind.UNAVAILABLE),
)


def trouble_of(exchange: str, error: BaseException, last: ExchangeAnswer | None) -> Trouble:
    """Return what went wrong.

    Args:
        exchange: ccxt id.
        error: What came out of ccxt or requests.
        last: The answer to the request that failed, None where there was none.
    """
    kind = _of_connection(error)
    if kind is None and last is not None:
        codes = CODES.get(exchange, {})
        kind = _DECISIVE.get(last.status) or codes.get(_code(last)) or _of_answer(last)
    if kind is None:
        names = {cls.__name__ for cls in type(error).__mro__}
        kind = next((found for name, found in _CLASSES if name in names), None)
    if kind is None:
        # ccxt met something in a proper answer that it did not expect, be it a missing key or a wrong type.
        kind = TroubleKind.UNEXPECTED if last is not None and last.status < 400 else TroubleKind.UNKNOWN
    what, said = (str(error), "") if kind is TroubleKind.WAY_OUT else _what(error, last)
    return make_trouble(exchange, kind, last, what=what, said=said)


def is_json(text: str) -> bool:
    """Return whether a body is a whole JSON document that is an object or a list."""
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def of_body(last: ExchangeAnswer) -> TroubleKind | None:
    """Return what is wrong with a body that should be JSON, None where nothing is."""
    if is_json(last.text):
        return None
    kind = last.headers.get("Content-Type", "")
    return TroubleKind.WEB_PAGE if "html" in kind or last.text.lstrip()[:1] == "<" else TroubleKind.NOT_JSON


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
    if last.status == 403:
        return TroubleKind.LOCATION if _BY_COUNTRY in last.text else TroubleKind.FORBIDDEN
    if last.status == 404 and of_body(last) is not None:
        return TroubleKind.NO_ENDPOINT
    # A refusal that is no JSON is not the exchange's own: who knows what answered says nothing of a key.
    return _STATUSES.get(last.status) or (TroubleKind.SERVER_ERROR if last.status >= 500 else of_body(last))


def _body(last: ExchangeAnswer) -> dict[str, Any]:
    try:
        body = json.loads(last.text)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _code(last: ExchangeAnswer) -> str:
    """Find the exchange's own code: at the top (`code`, `retCode`), or in an object `error`."""
    body = _body(last)
    error = body.get("error")
    if isinstance(error, dict):
        return str(error.get("name", ""))
    return str(next((body[name] for name in ("code", "retCode") if name in body), ""))


def _what(error: BaseException, last: ExchangeAnswer | None) -> tuple[str, str]:
    """Return the code, or the class of what was raised where nothing was answered; and the exchange's own words."""
    if last is None:
        return type(list(_chain(error))[-1]).__name__, ""
    body = _body(last)
    nested = body.get("error")
    names = ("message",) if isinstance(nested, dict) else ("msg", "retMsg", "message")
    holder = nested if isinstance(nested, dict) else body
    words = next((holder[name] for name in names if isinstance(holder.get(name), str)), "")
    return _code(last)[:_MAX_CODE], words[:_MAX_TEXT]
