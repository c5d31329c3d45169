"""Times in documents: UTC with milliseconds, such as ``2026-01-02T03:04:05.678Z``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_LATEST: Final = 1e11  # Unix seconds, in the year 5138: what is beyond is not a time of a run


def iso(seconds: float) -> str:
    """Write Unix seconds."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def seconds(text: str) -> float:
    """Read what `iso` wrote, as Unix seconds.

    Raises:
        ValueError: it is not such a time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f"{text!r} names no time zone"
        raise ValueError(message)
    return moment.timestamp()


def moment(given: object) -> float:
    """Return Unix seconds of a time in a document, which is text as `iso` writes it, or Unix seconds.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(given, str):
        return seconds(given)
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given < _LATEST:
        return float(given)
    message = f"{given!r} is not a time"
    raise ValueError(message)
