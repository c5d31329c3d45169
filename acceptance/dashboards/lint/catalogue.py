"""What can be queried: the metrics that our exporters export, and those of others that we use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

import engine.metrics
import preflight.record.catalogue
from acceptance.dashboards.lint.rulefile import read_rules
from acceptance.dashboards.lint.rules import SEVERITIES
from engine.prices.fx import FX_PAIR, FX_SOURCES
from engine.prices.spread import DIRECTIONS, VENUES
from engine.risk import Reason
from engine.trading.portfolio import TradeOutcome

__all__ = ["FOREIGN", "SCRAPE_LABELS", "UNUSED", "Metric", "arbitrage_metrics", "known_metrics", "recorded_metrics"]

SCRAPE_LABELS = frozenset({"instance", "job"})  # Prometheus adds them to all it scrapes
_RULES = Path(__file__).parents[3] / "monitoring" / "prometheus" / "rules"

Values = Mapping[str, Iterable[str]]
_JOBS: Values = {
    "job": ("arbitrage-engine", "node-exporter", "prometheus")
}  # tests/monitoring: those of prometheus.yml
# The engine's closed label sets. Its symbols are settings.
_ENGINES: Values = {
    "dependency": engine.metrics.DEPENDENCIES,
    "direction": DIRECTIONS,
    "exchange": VENUES,
    "outcome": tuple(TradeOutcome),
    "pair": (FX_PAIR,),
    "reason": tuple(Reason),
    "source": FX_SOURCES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A name under which samples are stored."""

    name: str
    kind: str  # "counter", "gauge" or "histogram" (its _bucket, _sum and _count)
    labels: frozenset[str]  # SCRAPE_LABELS included
    family: str  # the exporter's name for it: several series names share one family
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)  # label -> all it can be, where that is known


def _series(family: str, kind: str, labels: Iterable[str], names: Iterable[str], values: Values) -> dict[str, Metric]:
    own = frozenset(labels) | SCRAPE_LABELS
    closed = {label: frozenset(map(str, of)) for label, of in {**_JOBS, **values}.items() if label in own}
    return {
        name: Metric(
            name=name,
            kind=kind,
            labels=own | {"le"} if kind == "histogram" and name.endswith("_bucket") else own,
            family=family,
            values=MappingProxyType(closed),
        )
        for name in names
    }


@cache
def arbitrage_metrics() -> Mapping[str, Metric]:
    """Give every series name of preflight and engine, from their own catalogues."""
    found: dict[str, Metric] = {}
    for ours in preflight.record.catalogue.CATALOGUE:
        found |= _series(
            ours.name, ours.kind.value, ours.labels, ours.series_names, preflight.record.catalogue.LABEL_VALUES
        )
    for engines in engine.metrics.CATALOGUE:
        found |= _series(engines.name, engines.kind, engines.labels, engines.series, _ENGINES)
    return MappingProxyType(found)


def _foreign(name: str, kind: str, *labels: str, values: Values = MappingProxyType({})) -> dict[str, Metric]:
    return _series(name, kind, labels, [name], values)


_ALERTS: Values = {"alertstate": ("firing", "pending"), "severity": SEVERITIES}

# Of Prometheus and node_exporter: only what we use. The acceptance suite asks the real servers for each.
FOREIGN: Mapping[str, Metric] = MappingProxyType(
    _foreign("up", "gauge")
    | _foreign("scrape_duration_seconds", "gauge")
    | _foreign("scrape_samples_scraped", "gauge")
    | _foreign("ALERTS", "gauge", "alertname", "alertstate", "severity", "env", values=_ALERTS)
    | _foreign("node_textfile_mtime_seconds", "gauge", "file")
    | _foreign("node_textfile_scrape_error", "gauge")
    | _foreign("prometheus_rule_evaluation_failures_total", "counter", "rule_group")
    | _foreign("prometheus_rule_group_last_duration_seconds", "gauge", "rule_group")
    | _foreign("prometheus_rule_group_last_evaluation_timestamp_seconds", "gauge", "rule_group")
)


@cache
def recorded_metrics() -> Mapping[str, Metric]:
    """Give every name that a committed rule records; by our own naming each has env and instance."""
    rules = [rule for path in sorted(_RULES.glob("*.yml")) for rule in read_rules(path)]
    return MappingProxyType(
        {
            rule.name: Metric(name=rule.name, kind="gauge", labels=frozenset({"env", "instance"}), family=rule.name)
            for rule in rules
            if rule.kind == "record"
        }
    )


def known_metrics() -> Mapping[str, Metric]:
    """Give everything that a query may stand on: exported by us, by others, or recorded."""
    return MappingProxyType({**arbitrage_metrics(), **FOREIGN, **recorded_metrics()})


# Exported families that no panel and no rule uses, each with its reason. A line that is not needed is a finding.
UNUSED: Mapping[str, str] = MappingProxyType({})
