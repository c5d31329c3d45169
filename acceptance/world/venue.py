"""What an exchange's stand-in is made of: a request, a reply, and the ways in which a reply can go wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from enum import StrEnum, auto
from typing import Any, Protocol

HTML = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"
RATE_LIMIT_SECONDS = 7
BAN_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueRequest:
    """One request as it came in."""

    method: str
    path: str
    query: str  # raw, as signatures cover it
    parameters: Mapping[str, str]  # the first value of each
    headers: Mapping[str, str]  # names in any case
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back, and how."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds before anything is sent
    sent: int | None = None  # bytes of the body after which the connection is dropped; None: all of it
    dropped: bool = False  # nothing is sent, the connection is closed


def reply(data: Any, status: int = 200) -> Reply:
    """Make a reply of JSON."""
    return Reply(status=status, body=json.dumps(data).encode(), headers={"Content-Type": "application/json"})


class VenueFault(StrEnum):
    """A way in which every answer of an exchange goes wrong."""

    RATE_LIMIT = auto()  # 429 with Retry-After
    BANNED = auto()  # 418 with Retry-After
    SERVER_ERROR = auto()  # 500
    BAD_GATEWAY = auto()  # 502 with a page of the load balancer
    UNAVAILABLE = auto()  # 503
    LOCATION = auto()  # 451
    FORBIDDEN = auto()  # 403 with a page of a firewall
    REDIRECT = auto()
    WEB_PAGE = auto()  # 200, but HTML
    NOT_JSON = auto()  # 200, JSON that ends in the middle
    EMPTY = auto()  # 200 without a body
    OTHER_JSON = auto()  # 200, JSON of another shape
    EMPTY_LIST = auto()
    HALF = auto()  # the connection breaks in the middle of the body
    DROPPED = auto()  # the connection breaks before the answer
    CACHED = auto()  # the answer is an old one, out of a cache


def spoil(fault: VenueFault, whole: Reply) -> Reply:
    """Give what a reply becomes under a fault."""
    page = {"Content-Type": "text/html; charset=utf-8"}
    if fault is VenueFault.HALF:
        return replace(whole, sent=len(whole.body) // 2)
    if fault is VenueFault.DROPPED:
        return replace(whole, dropped=True)
    if fault is VenueFault.NOT_JSON:
        return replace(whole, body=whole.body[: len(whole.body) // 2])
    if fault is VenueFault.CACHED:
        return replace(whole, headers={**whole.headers, "Age": "86400"})
    made = {
        VenueFault.RATE_LIMIT: reply({"code": -1003, "msg": "Too many requests."}, 429),
        VenueFault.BANNED: reply({"code": -1003, "msg": "IP banned until later."}, 418),
        VenueFault.SERVER_ERROR: reply({"message": "Internal error"}, 500),
        VenueFault.BAD_GATEWAY: Reply(status=502, body=HTML, headers=page),
        VenueFault.UNAVAILABLE: Reply(status=503, body=HTML, headers=page),
        VenueFault.LOCATION: reply({"code": 0, "msg": "Service unavailable from a restricted location."}, 451),
        VenueFault.FORBIDDEN: Reply(status=403, body=HTML, headers=page),
        VenueFault.REDIRECT: Reply(status=302, body=HTML, headers={**page, "Location": "/login"}),
        VenueFault.WEB_PAGE: Reply(body=HTML, headers=page),
        VenueFault.EMPTY: Reply(headers=whole.headers),
        VenueFault.OTHER_JSON: reply({"unexpected": True}),
        VenueFault.EMPTY_LIST: reply([]),
    }[fault]
    waits = {VenueFault.RATE_LIMIT: RATE_LIMIT_SECONDS, VenueFault.BANNED: BAN_SECONDS}
    return made if fault not in waits else replace(made, headers={**made.headers, "Retry-After": str(waits[fault])})


class Venue(Protocol):
    """One exchange's behaviour."""

    conditions: VenueConditions

    def answer(self, asked: VenueRequest) -> Reply:
        """Answer as the exchange would on a good day."""
        ...


@dataclass(slots=True, kw_only=True)
class VenueConditions:
    """How one exchange fares; a test sets these, the server reads them at each request."""

    fault: VenueFault | None = None
    only: str | None = None  # the path that the fault concerns; None: all
    delay: float = 0.0  # seconds before each answer
    ahead: float = 0.0  # seconds by which its clock is ahead of this machine's
    refuse: Callable[[VenueRequest], Reply | None] = lambda _: None  # an error in the exchange's own words

    def now(self) -> float:
        """Return the time by the exchange's clock, Unix seconds."""
        return time.time() + self.ahead

    def applied(self, asked: VenueRequest, whole: Reply) -> Reply:
        """Give the reply as it leaves."""
        found = self.refuse(asked) or whole
        if self.fault is not None and self.only in {None, asked.path}:
            found = spoil(self.fault, found)
        date = formatdate(self.now(), usegmt=True)
        return replace(found, delay=self.delay, headers={"Date": date, **found.headers})
