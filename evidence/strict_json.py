"""Reads JSON as it has to be read where somebody may lie: every reader of a document must see the same."""

from __future__ import annotations

import json
import math
from typing import Any


def loads(data: bytes | str) -> Any:
    """Read a document.

    Refused is what other readers would read otherwise, or not at all: a key that is there twice (some take the first,
    some the last), another encoding than UTF-8, a byte order mark, NaN, infinity, a number beyond a double, and half
    of a surrogate pair.

    Raises:
        ValueError: it is not such a document; also for a number of thousands of digits.
        RecursionError: it is nested too deeply.
    """
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    document = json.loads(text, object_pairs_hook=unique, parse_constant=_constant, parse_float=_float)
    if "\\ud" in text.lower():
        # A pair that was written as two escapes is one character by now; half of one cannot be written.
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    return document


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs; as `object_pairs_hook` of `json.loads`.

    Raises:
        ValueError: a key is there twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} is there twice")
    return found


def _constant(constant: str) -> float:
    raise ValueError(f"{constant} is not a number")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is larger than any number")
    return number
