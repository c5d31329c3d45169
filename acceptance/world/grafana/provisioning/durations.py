"""Lengths of time as a provisioning file or a query writes them, such as ``15s`` or ``1h30m``."""

from __future__ import annotations

import re

__all__ = ["SCRAPE_INTERVAL", "seconds"]

SCRAPE_INTERVAL = 15.0  # seconds: what Grafana assumes where a datasource says nothing
_LONGEST = 1000 * 31536000.0  # seconds
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_LENGTH = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")


def seconds(text: str) -> float:
    """Read a length such as ``15s``, ``1m30s`` or ``500ms``; a plain number is seconds.

    Raises:
        ValueError: It is none, or not above zero.
    """
    text = text.strip().removeprefix(">")
    plain = f"{text}s" if text.replace(".", "", 1).isdigit() else text
    if not _LENGTH.fullmatch(plain):
        raise ValueError(f"{text!r} is no length of time, such as 15s")
    length = sum(float(amount) * _UNITS[unit] for amount, unit in _PART.findall(plain))
    if not 0 < length < _LONGEST:
        raise ValueError(f"{text[:50]!r} is no length of time above zero and below a thousand years")
    return length
