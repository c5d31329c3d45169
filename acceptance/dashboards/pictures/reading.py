"""Reads a panel's field configuration: what a value is called, how it is written, which colour it has."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from acceptance.dashboards.model import Panel
from acceptance.dashboards.pictures.units import format_value

__all__ = ["NO_DATA", "Config", "Look", "describe"]

NO_DATA = "NO DATA / 데이터 없음"
_GREY = "#8C8C8C"
_HANGUL = re.compile("[가-힣]")


@dataclass(frozen=True, slots=True)
class Look:
    """How one value is shown."""

    text: str
    colour: str | None  # None: the panel gives none, the drawer chooses


class Config:
    """A panel's `fieldConfig`, asked per field."""

    def __init__(self, panel: Panel) -> None:
        field = panel.raw.get("fieldConfig") or {}
        self._defaults: Mapping[str, Any] = field.get("defaults") or {}
        self._overrides = tuple(field.get("overrides") or ())
        self.options: Mapping[str, Any] = panel.raw.get("options") or {}

    def option(self, name: str, field: str = "") -> Any:
        """Give a setting (`unit`, `custom.lineStyle`) as it holds for a field; None where it is not set."""
        value: Any = self._defaults
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        for given in self._properties(field):
            if given.get("id") == name:
                value = given.get("value")
        return value

    def _properties(self, field: str) -> Iterator[Mapping[str, Any]]:
        for override in self._overrides:
            matcher = override.get("matcher") or {}
            wanted = str(matcher.get("options", ""))
            by = matcher.get("id")
            if (by == "byName" and wanted == field) or (by == "byRegexp" and _matches(wanted, field)):
                yield from override.get("properties") or ()

    def fixed(self, field: str) -> str | None:
        """Give the colour that the panel fixes for a field."""
        colour = self.option("color", field) or {}
        return str(colour["fixedColor"]) if colour.get("mode") == "fixed" and colour.get("fixedColor") else None

    def dashed(self, field: str) -> bool:
        """Whether the panel wants a field's line dashed."""
        return (self.option("custom.lineStyle", field) or {}).get("fill") == "dash"

    def steps(self) -> tuple[tuple[float, str], ...]:
        """Give the thresholds, lowest first; the first one begins at minus infinity."""
        steps = (self.option("thresholds") or {}).get("steps") or ()
        return tuple(
            (-math.inf if step.get("value") is None else float(step["value"]), step["color"]) for step in steps
        )

    def write(self, value: float, field: str = "") -> str:
        """Write a number with the field's unit, whatever the mappings say."""
        decimals = self.option("decimals", field)
        unit = str(self.option("unit", field) or "")
        return format_value(value, unit, None if decimals is None else int(decimals))

    def look(self, value: float | None, field: str = "") -> Look:
        """Say how a value is shown: a mapping first, else its number and the colour of its threshold."""
        for mapping in self.option("mappings", field) or ():
            found = _mapped(mapping, value)
            if found is not None:
                return Look(str(found.get("text") or self._number(value, field)), found.get("color"))
        if value is None or math.isnan(value):
            return Look(str(self.option("noValue", field) or NO_DATA), _GREY)
        colour = self.fixed(field)
        if colour is None and (self.option("color", field) or {}).get("mode") == "thresholds":
            colour = next((shade for low, shade in reversed(self.steps()) if value >= low), None)
        return Look(self.write(value, field), colour)

    def _number(self, value: float | None, field: str) -> str:
        return NO_DATA if value is None else self.write(value, field)

    def states(self) -> tuple[tuple[str, str], ...]:
        """Give the texts and colours of all values that are mapped, in their order."""
        return tuple(
            (str(result.get("text", key)), str(result.get("color", _GREY)))
            for mapping in self.option("mappings") or ()
            if mapping.get("type") == "value"
            for key, result in sorted(mapping["options"].items(), key=lambda item: item[1].get("index", 0))
        )


def _matches(wanted: str, field: str) -> bool:
    try:
        return re.search(wanted.strip("/"), field) is not None
    except re.error:  # JavaScript knows forms that Python does not; such a field keeps its default
        return False


def _mapped(mapping: Mapping[str, Any], value: float | None) -> Mapping[str, Any] | None:
    options: Mapping[str, Any] = mapping.get("options") or {}
    missing = value is None or math.isnan(value)
    if mapping.get("type") == "special":
        kinds = {"null": value is None, "nan": value is not None and missing, "null+nan": missing}
        return options.get("result") if kinds.get(str(options.get("match"))) else None
    if value is None or missing:
        return None
    if mapping.get("type") == "value":
        return next((found for key, found in options.items() if _number(key) == value), None)
    if mapping.get("type") == "range":
        low, high = options.get("from"), options.get("to")
        inside = (low is None or value >= float(low)) and (high is None or value <= float(high))
        return options.get("result") if inside else None
    return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def describe(panel: Panel) -> tuple[str, str]:
    """Give a panel's description in English and in Korean, which stand in one text with a slash between."""
    text = str(panel.raw.get("description") or "")
    parts = text.split(" / ")
    for cut in range(1, len(parts)):
        if _HANGUL.search(parts[cut]) and not _HANGUL.search(" / ".join(parts[:cut])):
            return " / ".join(parts[:cut]).strip(), " / ".join(parts[cut:]).strip()
    return ("", text) if _HANGUL.search(text) else (text, "")
