"""What can be queried: the metrics that our exporters export, and those of others that we use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import engine.metrics
import preflight.catalogue

__all__ = ["FOREIGN", "SCRAPE_LABELS", "UNUSED", "Metric", "arbitrage_metrics"]

SCRAPE_LABELS = frozenset({"instance", "job"})  # Prometheus adds them to all it scrapes


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A name under which samples are stored."""

    name: str
    kind: str  # "counter", "gauge" or "histogram" (its _bucket, _sum and _count)
    labels: frozenset[str]  # SCRAPE_LABELS included
    family: str  # the exporter's name for it: several series names share one family


def _series(family: str, kind: str, labels: Iterable[str], names: Iterable[str]) -> dict[str, Metric]:
    own = frozenset(labels) | SCRAPE_LABELS
    return {
        name: Metric(
            name=name,
            kind=kind,
            labels=own | {"le"} if kind == "histogram" and name.endswith("_bucket") else own,
            family=family,
        )
        for name in names
    }


def arbitrage_metrics() -> Mapping[str, Metric]:
    """Give every series name of preflight and engine, from their own catalogues."""
    found: dict[str, Metric] = {}
    for ours in preflight.catalogue.CATALOGUE:
        found |= _series(ours.name, ours.kind.value, ours.labels, ours.series_names)
    for engines in engine.metrics.CATALOGUE:
        found |= _series(engines.name, engines.kind, engines.labels, engines.series)
    return MappingProxyType(found)


def _foreign(name: str, kind: str, *labels: str) -> dict[str, Metric]:
    return _series(name, kind, labels, [name])


# Of Prometheus and node_exporter: only what we use. The acceptance suite asks the real servers for each.
FOREIGN: Mapping[str, Metric] = MappingProxyType(
    _foreign("up", "gauge")
    | _foreign("scrape_duration_seconds", "gauge")
    | _foreign("scrape_samples_scraped", "gauge")
    | _foreign("ALERTS", "gauge", "alertname", "alertstate", "severity", "env")
    | _foreign("node_textfile_mtime_seconds", "gauge", "file")
    | _foreign("node_textfile_scrape_error", "gauge")
    | _foreign("prometheus_rule_evaluation_failures_total", "counter", "rule_group")
    | _foreign("prometheus_rule_group_last_duration_seconds", "gauge", "rule_group")
    | _foreign("prometheus_rule_group_last_evaluation_timestamp_seconds", "gauge", "rule_group")
)

# Exported families that no panel and no rule uses, each with its reason. A line that is not needed is a finding.
UNUSED: Mapping[str, str] = MappingProxyType({})
