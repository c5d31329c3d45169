"""When a market ends, by what the exchange lists of it: delisting, delivery of a contract, special treatment.

Each exchange has a name of its own for it (Gate `delisting_time`, OKX `expTime`, Bitget `offTime`, Bybit `stTag`):
they are told by what the names mean and not by whose they are, so that one which is added tomorrow is seen. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from preflight.exchange.kinds import is_number
from preflight.message import message

# Names, letters only and small, of a time after which nothing is traded, and of a yes to it without a time.
_TIMES = re.compile(r"(in)?delist(ing|ed)?(time|date|at|on|timestamp)?(ms)?|off(line)?time|exptime")
_DELIVERIES = re.compile(r"delivery(time|date)")  # of what has no end in ccxt, that of a perpetual contract; in numbers
_DELISTED = re.compile(r"(in|is)?delist(ing|ed)")
_MARKED = frozenset({"st", "sttag", "isst", "specialtreatment"})  # what is delisted next, where it does not recover
_YES, _NO = frozenset({"1", "true", "yes"}), frozenset({"", "0", "-1", "false", "no", "none"})
_FARTHEST = timedelta(days=3650)  # exchanges write the year 2100 where there is no end
_EARLIEST = 1_230_768_000.0  # Unix seconds: 2009, before which there was no market
_SOON = timedelta(days=7)  # before the end that a contract has by its nature
_MS_FROM = 10**11  # a number of at least this is milliseconds
_LONGEST = 40  # characters of a time


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketEnd:
    """What is known of a market's end."""

    at: datetime | None  # None: it does not say when
    by_nature: bool = False  # a contract's own delivery
    marked: bool = False  # it may be delisted, and is not yet

    def is_past(self, now: float) -> bool:
        """Whether nothing should be traded there any more."""
        return self.at is not None and self.at.timestamp() <= now

    def notice(self, now: float) -> str:
        """Return what is to be told of a market that still trades; empty where that is nothing yet."""
        if self.marked:
            return message("is marked for special treatment, after which it may be delisted")
        if self.at is None:
            return message("is being delisted; the exchange's notices tell the date")
        day = f"{self.at:%Y-%m-%d %H:%M}"
        if not self.by_nature:
            return message("is delisted on {day} UTC", day=day)
        return message("ends on {day} UTC", day=day) if self.at.timestamp() - now < _SOON.total_seconds() else ""


def end_of(market: Mapping[str, Any], now: float) -> MarketEnd | None:
    """Find the end of a market.

    Args:
        market: ccxt's market, with the exchange's own in `info`.
        now: Unix seconds.

    Raises:
        ValueError: There is one, and it cannot be read.
    """
    expiry = market.get("expiry")  # ccxt: ms, of a contract
    natural = _moment(expiry) if is_number(expiry) else None
    found = [MarketEnd(at=natural, by_nature=True)] if natural is not None else []
    raw = market.get("info")
    named = (_named(str(name), value, now) for name, value in raw.items()) if isinstance(raw, dict) else ()
    found += [end for end in named if end is not None and (end.at is None or end.at != natural)]
    # What has ended; else the first that has a time and comes by no nature; else what says most.
    order = sorted(found, key=lambda end: (end.marked, end.by_nature, end.at is None, end.at or 0))
    return next((end for end in order if end.is_past(now)), order[0] if order else None)


def _named(name: str, value: Any, now: float) -> MarketEnd | None:
    plain, text = re.sub(r"[^a-z]", "", name.lower()), str(value).strip().lower()[: _LONGEST + 1]
    if text in _NO:
        return None
    if (plain in _MARKED and text in _YES) or (plain == "tags" and "st" in re.split(r"\W+", text)):
        return MarketEnd(at=None, marked=True)
    if _DELISTED.fullmatch(plain) and text in _YES:
        return MarketEnd(at=None)
    if not _TIMES.fullmatch(plain) and not (_DELIVERIES.fullmatch(plain) and text.isdecimal()):
        return None
    at = _moment(value)
    return MarketEnd(at=at) if _EARLIEST < at.timestamp() < now + _FARTHEST.total_seconds() else None


def _moment(value: Any) -> datetime:
    text = str(value).strip()
    try:
        if re.fullmatch(r"\d{1,16}(\.\d{1,9})?", text):
            number = float(text)
            return datetime.fromtimestamp(number / 1000 if number >= _MS_FROM else number, UTC)
        moment = datetime.fromisoformat(text)
    except (OverflowError, OSError) as e:
        raise ValueError(text[:_LONGEST]) from e
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
