"""Rules for queries: every metric exists, is used rightly, and is used at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from acceptance.lint.catalogue import Metric
from acceptance.lint.finding import Finding
from acceptance.lint.promql import selectors
from acceptance.lint.rulefile import RuleText
from acceptance.probes.panels import Panel, list_panels

__all__ = ["Query", "lint_queries", "lint_usage", "queries_of_dashboard", "queries_of_panel", "queries_of_rules"]

COUNTER_FUNCTIONS = frozenset({"increase", "irate", "rate", "resets"})
GAUGE_FUNCTIONS = frozenset({"delta", "deriv", "idelta", "predict_linear"})
# Unit of a metric by the end of its family's name -> units that a panel may show it in.
UNITS: Mapping[str, frozenset[str]] = {
    "_seconds": frozenset({"s"}),
    "_krw": frozenset({"currencyKRW", "percentunit"}),
    "_bps": frozenset({"suffix: bps"}),
}
COUNT_UNITS = frozenset({"cpm", "none", "ops", "percentunit", "short"})  # of a *_total


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
    """Give every query of a dashboard's panels."""
    for panel in list_panels(dashboard):
        yield from queries_of_panel(file, panel)


def queries_of_rules(rules: Iterable[RuleText]) -> Iterator[Query]:
    """Give every rule's expression."""
    for rule in rules:
        yield Query(file=rule.file, place=rule.name, target="", expr=rule.expr, unit=None)


def lint_queries(queries: Iterable[Query], known: Mapping[str, Metric]) -> tuple[Finding, ...]:
    """Find unknown metrics and labels, counter functions over gauges, and units that do not fit."""
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
    families: set[str] = set()
    for selector in found:
        metric = known.get(selector.metric)
        if metric is None:
            yield say("unknown-metric", f"no exporter exports {selector.metric!r}; see the catalogues")
            continue
        families.add(metric.family)
        for label in sorted(selector.labels - metric.labels):
            text = f"{metric.name} has no label {label!r}; it has {sorted(metric.labels)}"
            yield say("unknown-label", text)
        if selector.function in COUNTER_FUNCTIONS and metric.kind == "gauge":
            yield say("gauge-as-counter", f"{selector.function}() over the gauge {metric.name}; use the gauge")
        if selector.function in GAUGE_FUNCTIONS and metric.kind != "gauge":
            yield say("counter-as-gauge", f"{selector.function}() over the {metric.kind} {metric.name}")
    if query.unit is not None and families:
        yield from _unit(query.unit, families, query.expr, say)


def _unit(unit: str, families: set[str], expr: str, say: Any) -> Iterator[Finding]:
    ends = {next((end for end in (*UNITS, "_total") if family.endswith(end)), "") for family in families}
    if len(ends) != 1 or ends == {""} or _is_count(expr):
        return  # several kinds of numbers are put into relation: what comes out is for a person to judge
    end = ends.pop()
    fitting = UNITS.get(end, COUNT_UNITS)
    if unit not in fitting:
        yield say("wrong-unit", f"the unit is {unit!r}; what ends in {end} is shown in {sorted(fitting)}")


def _is_count(expr: str) -> bool:
    """Say whether the query counts series or observations: then the metric's own unit is gone."""
    return any(sign in expr for sign in ("count(", "count by", "_count{", "_count["))


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
