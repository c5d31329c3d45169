"""Rules for queries: every metric exists, is used rightly, and is used at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from acceptance.dashboards.lint.catalogue import Metric
from acceptance.dashboards.lint.finding import Finding
from acceptance.dashboards.lint.promql import Selector, grouping_labels, selectors
from acceptance.dashboards.lint.rulefile import RuleText
from acceptance.dashboards.model import Panel, list_panels
from acceptance.dashboards.variables import variable_query
from acceptance.probes.errors import PanelError

__all__ = ["Query", "lint_queries", "lint_usage", "queries_of_dashboard", "queries_of_panel", "queries_of_rules"]

COUNTER_FUNCTIONS = frozenset({"increase", "irate", "rate", "resets"})
GAUGE_FUNCTIONS = frozenset({"delta", "deriv", "idelta", "predict_linear"})
PER_SECOND = frozenset({"irate", "rate"})
# What a number is -> units that a panel may show it in. The end of its family's name says what it is, but for prices.
SECONDS, WON, PRICE, BPS, COUNT, OTHER = "seconds", "won", "a price in won", "basis points", "count", ""
UNITS: Mapping[str, frozenset[str]] = {
    SECONDS: frozenset({"s"}),
    WON: frozenset({"currencyKRW"}),
    PRICE: frozenset({"prefix:₩"}),  # currencyKRW writes 1.39K, in which all sources are alike
    BPS: frozenset({"suffix:bps"}),
    COUNT: frozenset({"none", "short"}),
}
RATIO = frozenset({"none", "percentunit", "suffix:bps"})  # of what one thing divided by its like is shown in
_ENDS = {"_seconds": SECONDS, "_krw": WON, "_bps": BPS, "_total": COUNT}
_PRICES = frozenset({"arbitrage_fx_rate"})
_PER_MINUTE = re.compile(r"\*\s*60\s*\)*$")
_WORDS = re.compile(r"[\w./:-]+(?:\|[\w./:-]+)*\|?")  # a regular expression that is but a list of words


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query with its place and, on a panel, its unit."""

    file: str
    place: str  # panel title or rule name
    target: str
    expr: str
    unit: str | None  # None where no single unit applies


def queries_of_panel(file: str, panel: Panel) -> Iterator[Query]:
    """Give every query of one panel."""
    # A table has a unit for each column, a state timeline shows words.
    unit = None if panel.type in {"state-timeline", "table"} else panel.unit
    for target in panel.targets:
        yield Query(file=file, place=panel.title, target=target.ref_id, expr=target.expr, unit=unit)


def queries_of_dashboard(file: str, dashboard: Mapping[str, Any]) -> Iterator[Query]:
    """Give every query of a dashboard's panels and variables; one that cannot be read is an empty query."""
    for panel in list_panels(dashboard):
        yield from queries_of_panel(file, panel)
    for variable in (dashboard.get("templating") or {}).get("list") or ():
        if variable.get("type") == "query":
            try:
                expr, _ = variable_query(variable)
            except PanelError:
                expr = ""
            yield Query(file=file, place=f"variable {variable.get('name')}", target="", expr=expr, unit=None)


def queries_of_rules(rules: Iterable[RuleText]) -> Iterator[Query]:
    """Give every rule's expression."""
    for rule in rules:
        yield Query(file=rule.file, place=rule.name, target="", expr=rule.expr, unit=None)


def lint_queries(queries: Iterable[Query], known: Mapping[str, Metric]) -> tuple[Finding, ...]:
    """Find unknown metrics, labels and label values, misused functions, and units that do not fit."""
    return tuple(finding for query in queries for finding in _lint(query, known))


def _lint(query: Query, known: Mapping[str, Metric]) -> Iterator[Finding]:
    def say(rule: str, message: str) -> Finding:
        return Finding(file=query.file, panel=query.place, target=query.target, rule=rule, message=message)

    try:
        found = selectors(query.expr)
    except ValueError as error:
        yield say("query", str(error))
        return
    if not found:
        yield say("query", f"{query.expr!r} selects no metric, so it shows the same whatever happens")
    metrics = [(selector, known[selector.metric]) for selector in found if selector.metric in known]
    unknown = sorted({selector.metric for selector in found} - known.keys())
    for name in unknown:
        yield say("unknown-metric", f"no exporter exports {name!r}; see the catalogues")
    for selector, metric in metrics:
        for rule, message in (*_matched(selector, metric), *_misused(selector, metric)):
            yield say(rule, message)
    if not unknown:
        there = frozenset(label for _, metric in metrics for label in metric.labels)
        for label in sorted(grouping_labels(query.expr) - there):
            yield say("unknown-label", f"groups or matches by {label!r}, which none of its metrics has")
        if query.unit is not None:
            yield from _unit(query.unit, metrics, query.expr, say)


def _matched(selector: Selector, metric: Metric) -> Iterator[tuple[str, str]]:
    """Find conditions that nothing can meet."""
    for label in sorted(selector.labels - metric.labels):
        yield "unknown-label", f"{metric.name} has no label {label!r}; it has {sorted(metric.labels)}"
    for matcher in selector.matchers:
        known = metric.values.get(matcher.label)
        if known is None or "$" in matcher.value or ("~" in matcher.sign and not _WORDS.fullmatch(matcher.value)):
            continue
        wanted = matcher.value.split("|") if "~" in matcher.sign else [matcher.value]
        for value in sorted({*wanted} - known - {""}):
            text = f"{metric.name} never has {matcher.label}={value!r}; it has {sorted(known)}"
            yield "unknown-value", text


def _misused(selector: Selector, metric: Metric) -> Iterator[tuple[str, str]]:
    """Find functions that give a number, but not one that says anything."""
    for function in selector.functions:
        if function in COUNTER_FUNCTIONS and metric.kind == "gauge":
            yield "gauge-as-counter", f"{function}() over the gauge {metric.name}; use the gauge"
        if function in COUNTER_FUNCTIONS:
            return  # what comes out of it is a gauge, over which deriv() and the like are right
        if function in GAUGE_FUNCTIONS and metric.kind != "gauge":
            yield "counter-as-gauge", f"{function}() over the {metric.kind} {metric.name}"


def _unit(unit: str, metrics: Sequence[tuple[Selector, Metric]], expr: str, say: Any) -> Iterator[Finding]:
    values = [(selector, metric) for selector, metric in metrics if not selector.filters]
    kinds = {_kind(selector, metric) for selector, metric in values}
    if len(kinds) != 1 or kinds == {OTHER} or _is_count(expr):
        return  # several kinds of numbers are put into relation: what comes out is for a person to judge
    kind = kinds.pop()
    fitting = UNITS[kind]
    if len(values) > 1 and "/" in expr:
        fitting = fitting | RATIO
    elif kind == COUNT and any(PER_SECOND & {*selector.functions} for selector, _ in values):
        fitting = frozenset({"cpm"}) if _PER_MINUTE.search(expr) else frozenset({"ops"})
    if unit not in fitting:
        yield say("wrong-unit", f"the unit is {unit!r}; {kind} of this kind are shown in {sorted(fitting)}")


def _kind(selector: Selector, metric: Metric) -> str:
    if selector.metric.endswith("_count") and metric.kind == "histogram":
        return COUNT
    if metric.family in _PRICES:
        return PRICE
    return next((kind for end, kind in _ENDS.items() if metric.family.endswith(end)), OTHER)


def _is_count(expr: str) -> bool:
    """Say whether the query counts series: then the metric's own unit is gone."""
    return any(sign in expr for sign in ("count(", "count by"))


def lint_usage(
    queries: Iterable[Query], exported: Mapping[str, Metric], unused: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Find exported families that nothing looks at, and reasons that are not needed or empty."""
    used = {selector.metric for query in queries for selector in _safely(query.expr)}
    families = {metric.family for metric in exported.values()}
    looked_at = {metric.family for metric in exported.values() if metric.name in used}
    findings = [
        Finding(
            file="catalogue",
            rule="unused-metric",
            message=f"{family} is exported and no panel or rule uses it; use it, or list it in UNUSED with a reason",
        )
        for family in families - looked_at - set(unused)
    ]
    for family, reason in unused.items():
        if family not in families or family in looked_at:
            text = f"UNUSED lists {family}, which is used or not exported; remove the line"
            findings.append(Finding(file="catalogue", rule="needless-reason", message=text))
        if not reason.strip():
            text = f"UNUSED lists {family} without a reason"
            findings.append(Finding(file="catalogue", rule="no-reason", message=text))
    return tuple(sorted(findings))


def _safely(expr: str) -> Iterator[Any]:
    try:
        yield from selectors(expr)
    except ValueError:
        return  # lint_queries reports it
