"""Quotes from a recorded file, replayed for ever with a small drift.

The file is JSON lines. Each line is one frame, made of what changed since the line before::

    {"quotes": {"BTC": {"upbit": [bid, ask], "binance": [bid, ask]}}, "fx": {"upbit": 1391.5}}

Upbit and FX are in KRW, Binance in USDT. A venue, symbol or source that is absent did not tick. One frame is given
out for each loop. When the file ends it starts again; each round shifts all prices, and Upbit's a little more, by
amounts that depend on the round only, so that values move and a run can be repeated exactly.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from engine.clock import Clock
from engine.errors import QuoteFileError
from engine.prices.fx import FX_SOURCES, FxRate
from engine.prices.market import Quote, QuoteBatch
from engine.prices.spread import VENUES, Price

__all__ = ["RecordedQuotes", "drift_bps", "read_frames"]

_DEFAULT: Final = ("quotes", "recorded.jsonl")
_COMMON_BPS: Final = 40.0  # largest shift of both venues
_PREMIUM_BPS: Final = 3.0  # largest extra shift of Upbit
_PERIOD: Final = 16  # rounds until the drift repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    quotes: tuple[tuple[str, str, Price], ...]  # (exchange, symbol, price)
    fx: tuple[tuple[str, float], ...]  # (source, rate)


def drift_bps(round_number: int) -> tuple[float, float]:
    """Return (shift of both venues, extra shift of Upbit) in basis points: two triangle waves, 0 in round 0."""

    def triangle(step: int) -> float:
        quarter = _PERIOD // 4
        phase = step % _PERIOD
        if phase <= quarter:
            return phase / quarter
        if phase <= 3 * quarter:
            return 2.0 - phase / quarter
        return phase / quarter - 4.0

    return _COMMON_BPS * triangle(round_number), _PREMIUM_BPS * triangle(3 * round_number)


def _frame(data: Any, symbols: Sequence[str], fx_sources: Sequence[str]) -> _Frame:
    quotes = [
        (exchange, symbol, Price(bid=float(top[0]), ask=float(top[1])))
        for symbol, venues in data.get("quotes", {}).items()
        if symbol in symbols
        for exchange, top in venues.items()
        if exchange in VENUES
    ]
    fx = [(source, float(rate)) for source, rate in data.get("fx", {}).items() if source in fx_sources]
    if any(rate <= 0 for _, rate in fx):
        message = "an FX rate is not positive"
        raise ValueError(message)
    return _Frame(quotes=tuple(quotes), fx=tuple(fx))


def read_frames(
    path: Path | None, symbols: Sequence[str], fx_sources: Sequence[str] = FX_SOURCES
) -> tuple[_Frame, ...]:
    """Read the frames of ``symbols`` and ``fx_sources`` from ``path``, or from the file of this package.

    Raises:
        QuoteFileError: if the file cannot be read, a line is damaged, or a symbol has no quote at some venue.
    """
    origin = path if path is not None else resources.files("engine").joinpath(*_DEFAULT)
    where = str(path) if path is not None else "the packaged quote file"
    try:
        text = origin.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"ENGINE_QUOTES_FILE: {where} cannot be read ({error}); name a readable JSON-lines file."
        raise QuoteFileError(message) from error
    frames = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            frames.append(_frame(json.loads(line), symbols, fx_sources))
        except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
            message = f"ENGINE_QUOTES_FILE: {where}, line {number} is no frame ({error}); see docs/engine.md."
            raise QuoteFileError(message) from error
    seen = {(exchange, symbol) for frame in frames for exchange, symbol, _ in frame.quotes}
    for symbol in symbols:
        for venue in VENUES:
            if (venue, symbol) not in seen:
                message = f"ENGINE_SYMBOLS: {where} has no {venue} quote of {symbol}; remove it or add quotes."
                raise QuoteFileError(message)
    for source in fx_sources:
        if not any(source == name for frame in frames for name, _ in frame.fx):
            message = f"ENGINE_FX_SOURCES: {where} has no rate of {source}; remove it or add rates."
            raise QuoteFileError(message)
    return tuple(frames)


class RecordedQuotes:
    """Gives out one frame for each poll, for ever.

    Args:
        frames: as :func:`read_frames` returns them; at least one.
        clock: stamps the quotes.
    """

    def __init__(self, frames: Sequence[_Frame], clock: Clock) -> None:
        self._frames = tuple(frames)
        self._clock = clock
        self._polls = 0

    def poll(self) -> QuoteBatch:
        """Return the next frame, stamped now."""
        round_number, index = divmod(self._polls, len(self._frames))
        self._polls += 1
        frame = self._frames[index]
        common, premium = drift_bps(round_number)
        factor = {
            "upbit": (1.0 + common / 10_000.0) * (1.0 + premium / 10_000.0),
            "binance": 1.0 + common / 10_000.0,
        }
        now = self._clock.monotonic()
        return QuoteBatch(
            quotes=tuple(
                Quote(exchange=exchange, symbol=symbol, price=price.times(factor[exchange]), received=now)
                for exchange, symbol, price in frame.quotes
            ),
            fx={source: FxRate(rate=rate, received=now) for source, rate in frame.fx},
        )

    def close(self) -> None:
        """Do nothing: no resource is held."""
