"""Colours: each is of a palette that colour-blind people can tell apart, and no line takes whatever comes next.

Grafana's own palette (``palette-classic`` and its like) puts red beside green and deals them out by position: a line's
colour then changes when another one appears. So each line that can be foreseen has a colour of its own.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from acceptance.dashboards.lint.catalogue import known_metrics
from acceptance.dashboards.lint.finding import Finding
from acceptance.dashboards.lint.promql import selectors
from acceptance.dashboards.model import Panel, list_panels

__all__ = ["PALETTE", "check_colours"]

Json = Mapping[str, Any]

# Okabe and Ito's colours, a grey, and four of Paul Tol's for the seventh symbol and on.
PALETTE = frozenset(
    {"#0072B2", "#D55E00", "#E69F00", "#CC79A7", "#56B4E9", "#009E73", "#F0E442", "#8C8C8C"}
    | {"#999933", "#882255", "#44AA99", "#332288"}
)
_CHOSEN = frozenset({"fixed", "shades", "thresholds"})  # modes in which the colour is one that we have written
_COLOUR = re.compile(r'"(?:color|fixedColor)": "([^"]+)"')
_FIELD = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def check_colours(file: str, dashboard: Json, _: frozenset[str]) -> Iterator[Finding]:
    """Find colours that are not of the palette, and lines that have none of their own."""
    for panel in list_panels(dashboard):
        title = panel.title or f"id {panel.id}"
        found = set(_COLOUR.findall(json.dumps([panel.raw.get("fieldConfig"), panel.raw.get("options")])))
        for colour in sorted(found - PALETTE):
            text = f"colour {colour!r} is not of the palette; use one of {sorted(PALETTE)}"
            yield Finding(file=file, panel=title, rule="colour", message=text)
        config = panel.raw.get("fieldConfig") or {}
        mode = ((config.get("defaults") or {}).get("color") or {}).get("mode")
        if mode is None or mode in _CHOSEN:
            continue
        coloured = [
            _pattern(override.get("matcher") or {})
            for override in config.get("overrides") or ()
            if _is_colour(override)
        ]
        for target, line in _lines(panel):
            # Of names that nobody can list, some must have a colour: the rest is for a person to see.
            if not (any(pattern.search(line) for pattern in coloured) or (_FIELD.search(line) and coloured)):
                text = f"line {line!r} takes a colour of Grafana's {mode}; override it with one of the palette"
                yield Finding(file=file, panel=title, target=target, rule="colour", message=text)


def _is_colour(override: Json) -> bool:
    return any(
        each.get("id") == "color" and (each.get("value") or {}).get("mode") == "fixed"
        for each in override.get("properties") or ()
    )


def _pattern(matcher: Json) -> re.Pattern[str]:
    """Write an override's condition as a pattern for names of lines; one that asks for something else fits none."""
    wanted = str(matcher.get("options", ""))
    if matcher.get("id") == "byName":
        return re.compile(f"^{re.escape(wanted)}$")
    if matcher.get("id") == "byRegexp":
        return re.compile(wanted.strip("/"))
    return re.compile(r"(?!)")


def _lines(panel: Panel) -> Iterator[tuple[str, str]]:
    """Give target and name of each line: one for each value of its label where these are a closed set.

    Lines named by a label of an open set (a symbol, a host) cannot be foreseen: the legend as written stands for them.
    """
    for target in panel.targets:
        values: dict[str, frozenset[str]] = {}
        for selector in _selectors(target.expr):
            metric = known_metrics().get(selector.metric)
            values.update(metric.values if metric else {})
            for matcher in selector.matchers:
                if matcher.sign in {"=", "=~"} and "$" not in matcher.value and matcher.label in values:
                    values[matcher.label] &= frozenset(matcher.value.split("|"))
        fields = _FIELD.findall(target.legend)
        if not all(field in values for field in fields):
            yield target.ref_id, target.legend
            continue
        for combination in itertools.product(*(sorted(values[field]) for field in fields)):
            named = dict(zip(fields, combination, strict=True))
            yield target.ref_id, _FIELD.sub(partial(_put_in, named), target.legend)


def _put_in(values: Mapping[str, str], found: re.Match[str]) -> str:
    return values[found[1]]


def _selectors(expr: str) -> tuple[Any, ...]:
    try:
        return selectors(expr)
    except ValueError:
        return ()  # lint_queries says so
