"""Reading a document that another process wrote into the spool: nothing in it is believed to be of its type."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


class BadAlertError(ValueError):
    """A file in the spool is not what this program writes."""


def document(text: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        BadAlertError: It is none.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as e:
        raise BadAlertError(f"{type(e).__name__} while reading it") from e
    return mapping(data)


def mapping(value: object) -> dict[str, Any]:
    """Give a JSON object as what it is.

    Raises:
        BadAlertError: It is none.
    """
    if not isinstance(value, dict):
        raise BadAlertError("it is no JSON object")
    return value


def only(data: Mapping[str, Any], names: frozenset[str]) -> None:
    """See that a document has these fields and no other.

    Raises:
        BadAlertError: It has not.
    """
    if data.keys() != names:
        raise BadAlertError(f"its fields are others: {', '.join(sorted(data.keys() ^ names))[:200]}")


def text(data: Mapping[str, Any], name: str) -> str:
    """Give a text.

    Raises:
        BadAlertError: It is none.
    """
    if not isinstance(value := data[name], str):
        raise BadAlertError(f"{name} is no text")
    return value


def seconds(data: Mapping[str, Any], name: str) -> float:
    """Give Unix seconds.

    Raises:
        BadAlertError: It is no finite number.
    """
    value = data[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadAlertError(f"{name} is no number")
    try:
        number = float(value)
    except OverflowError as e:
        raise BadAlertError(f"{name} is too large") from e
    if not math.isfinite(number):
        raise BadAlertError(f"{name} is no time")
    return number


def count(data: Mapping[str, Any], name: str) -> int:
    """Give a whole number that is not below 0.

    Raises:
        BadAlertError: It is none.
    """
    value = data[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadAlertError(f"{name} is no number of things")
    return value


def items(data: Mapping[str, Any], name: str) -> list[Any]:
    """Give a list.

    Raises:
        BadAlertError: It is none.
    """
    if not isinstance(value := data[name], list):
        raise BadAlertError(f"{name} is no list")
    return value
