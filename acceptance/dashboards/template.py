"""Resolves Grafana's template variables in a query, the way its front end does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from acceptance.probes.errors import PanelError

__all__ = ["ALL", "Window", "default_values", "duration", "names_in", "resolve"]

ALL = "$__all"
Value = str | Sequence[str]

_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)(?::(\w+))?\]\]")
_REGEX_SIGNS = re.compile(r"([\\^$*+?.()|\[\]{}])")
_AUTO_INTERVAL = "1m"  # of an interval variable that Grafana chooses by the width of the screen
_MIN_POINTS = 4  # Grafana: $__rate_interval spans at least four scrapes


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time range of a request and the step it gives."""

    start: float  # Unix seconds
    end: float  # Unix seconds
    scrape_interval: float  # seconds: the datasource's timeInterval
    max_points: int = 600  # about a panel's width in pixels on a laptop

    @property
    def interval(self) -> float:
        """``$__interval`` in seconds: range by points, never below the scrape interval."""
        return max((self.end - self.start) / self.max_points, self.scrape_interval)

    @property
    def rate_interval(self) -> float:
        """``$__rate_interval`` in seconds."""
        return max(self.interval + self.scrape_interval, _MIN_POINTS * self.scrape_interval)

    def builtins(self) -> dict[str, str]:
        """Give Grafana's own variables for this window."""
        span = self.end - self.start
        return {
            "__interval": duration(self.interval),
            "__interval_ms": str(round(self.interval * 1000)),
            "__rate_interval": duration(self.rate_interval),
            "__range": duration(span),
            "__range_s": str(round(span)),
            "__range_ms": str(round(span * 1000)),
            "__from": str(round(self.start * 1000)),
            "__to": str(round(self.end * 1000)),
        }


def duration(seconds: float) -> str:
    """Write seconds as PromQL does: whole seconds, or milliseconds where they are not whole."""
    milliseconds = max(1, round(seconds * 1000))
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def default_values(dashboard: Mapping[str, Any]) -> dict[str, Value]:
    """Give each variable's value as the dashboard is opened, before anyone chooses.

    ``All`` becomes the variable's ``allValue``, or ``.*`` where it names none.
    """
    values: dict[str, Value] = {}
    for variable in dashboard.get("templating", {}).get("list", ()):
        current = _value((variable.get("current") or {}).get("value"))
        if current == ALL or (not isinstance(current, str) and list(current) == [ALL]):
            current = variable.get("allValue") or ".*"
        if variable.get("type") in {"constant", "textbox"} and not current:
            current = str(variable.get("query", ""))
        if isinstance(current, str) and current.startswith("$__auto"):
            current = _AUTO_INTERVAL
        values[str(variable["name"])] = current
    return values


def _value(given: object) -> Value:
    """Read what a dashboard file holds as a variable's value: a text, a number, several of them, or nothing."""
    if isinstance(given, (list, tuple)):
        return tuple(str(one) for one in given)
    return "" if given is None else str(given)


def names_in(text: str) -> frozenset[str]:
    """Give the names of the variables that ``text`` uses, Grafana's own left out."""
    found = {plain or braced or boxed for plain, braced, _, boxed, _ in _VARIABLE.findall(text)}
    return frozenset(name for name in found if not name.startswith("__") and not name.isdigit())


def resolve(text: str, values: Mapping[str, Value], window: Window) -> str:
    """Put values in for ``$name``, ``${name}``, ``${name:format}`` and ``[[name]]``.

    A list, and a value asked for with ``:regex``, is written for Prometheus: escaped and joined by ``|``.

    Raises:
        PanelError: A variable has no value, or its format is unknown: Grafana would send the name itself.
    """
    known: dict[str, Value] = {**values, **window.builtins()}

    def fill(match: re.Match[str]) -> str:
        plain, braced, braced_format, boxed, boxed_format = match.groups()
        name = plain or braced or boxed
        if plain and plain.isdigit():
            return match.group(0)  # $1 belongs to label_replace
        if name not in known:
            raise PanelError(f"variable ${name} in {text!r} is not defined; defined are {sorted(known)}")
        return _write(known[name], braced_format or boxed_format, name, text)

    return _VARIABLE.sub(fill, text)


def _write(value: Value, style: str | None, name: str, text: str) -> str:
    several = not isinstance(value, str)
    parts = [value] if isinstance(value, str) else list(value)
    if style in {None, "regex"}:
        if not several and style is None:
            return parts[0]
        escaped = [_escape(part) for part in parts]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"
    if style == "raw":
        return parts[0] if not several else ",".join(parts)
    if style in {"pipe", "csv"}:
        return ("|" if style == "pipe" else ",").join(parts)
    raise PanelError(f"variable ${name} in {text!r} has the format {style!r}, which is not known here")


def _escape(part: str) -> str:
    # Escaped twice: once for the regular expression, once for the PromQL string that holds it.
    return _REGEX_SIGNS.sub(r"\\\\\1", part)
