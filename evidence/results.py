"""What was asked of Prometheus and Grafana and what they answered, in the form the bundle keeps.

These records hold what was seen, right or wrong: whether it is what was expected is the tests' business.
Numbers must be finite, since NaN is the absence of a number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from evidence.bundle import Bundle
from evidence.grafana import GrafanaUsed

PROMETHEUS_FILE: Final = "prometheus_query_result.json"
GRAFANA_FILE: Final = "grafana_api_result.json"
SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySample:
    """One sample of an instant query's answer."""

    metric: str  # its __name__, or "" where the query took the name away
    labels: Mapping[str, str]  # without __name__
    value: float
    time: float  # Unix seconds, as Prometheus gives it

    def to_dict(self) -> dict[str, Any]:
        """The form in the file."""
        return {
            "metric": self.metric,
            "labels": dict(self.labels),
            "value": _finite("sample value", self.value),
            "time": _finite("sample time", self.time),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricQuery:
    """One metric, asked of Prometheus and answered with data."""

    metric: str  # its name in the metrics contract; of a histogram the name without _count
    query: str  # PromQL as sent
    url: str  # where it was sent
    attempts: int  # how often it was asked until this answer
    value: float  # of a histogram its _count
    expected: float  # what this run's report says
    last_run_timestamp: float  # Unix seconds, seen in the same answer
    labels: Mapping[str, str]  # of the sample that `value` is from, without __name__
    sample_time: float  # Unix seconds
    samples: tuple[QuerySample, ...]  # the whole answer
    hop: str = "prometheus"

    def to_dict(self) -> dict[str, Any]:
        """The form in the file."""
        return {
            "metric": self.metric,
            "query": self.query,
            "url": self.url,
            "hop": self.hop,
            "attempts": self.attempts,
            "value": _finite(self.metric, self.value),
            "expected": _finite(f"expected {self.metric}", self.expected),
            "last_run_timestamp": _finite("last_run_timestamp", self.last_run_timestamp),
            "labels": dict(self.labels),
            "sample_time": _finite("sample_time", self.sample_time),
            "samples": [sample.to_dict() for sample in self.samples],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusQueryResult:
    """``prometheus_query_result.json``: every metric of one preflight run as Prometheus has it."""

    run_id: str  # of the preflight report
    last_run_timestamp: float  # Unix seconds, `ended_at` of that report
    prometheus: str  # URL
    queries: tuple[MetricQuery, ...] = ()

    def plus(self, query: MetricQuery) -> PrometheusQueryResult:
        """Give a copy with one more query; one of the same metric is replaced."""
        others = tuple(one for one in self.queries if one.metric != query.metric)
        return replace(self, queries=(*others, query))

    def to_dict(self) -> dict[str, Any]:
        """The form in the file.

        Raises:
            ValueError: a number is NaN or infinite.
        """
        return {
            "schema_version": SCHEMA_VERSION,
            "run_id": self.run_id,
            "last_run_timestamp": _finite("last_run_timestamp", self.last_run_timestamp),
            "prometheus": self.prometheus,
            "queries": [query.to_dict() for query in self.queries],
        }

    def write(self, bundle: Bundle) -> None:
        """Put it into the bundle, over an earlier state. Needs at least one query (the schema says so)."""
        bundle.add_json(PROMETHEUS_FILE, self.to_dict(), replace=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelQuery:
    """One panel, its own queries sent through Grafana and answered with data."""

    title: str
    type: str  # Grafana's panel type, such as "stat"
    queries: tuple[str, ...]  # PromQL as sent
    last_value: float | Mapping[str, float]  # one number, or one for each series by its name
    expected: float | Mapping[str, float] | None  # from this run's report; None: only finite is asked for
    last_run_timestamp: float  # Unix seconds, seen in the same request
    frames: int  # data frames in the answer

    def to_dict(self) -> dict[str, Any]:
        """The form in the file."""
        return {
            "title": self.title,
            "type": self.type,
            "queries": list(self.queries),
            "last_value": _numbers(f"last value of {self.title}", self.last_value),
            "expected": None if self.expected is None else _numbers("expected", self.expected),
            "last_run_timestamp": _finite("last_run_timestamp", self.last_run_timestamp),
            "frames": self.frames,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """The dashboard as Grafana serves it."""

    uid: str
    title: str
    version: int
    url: str

    def to_dict(self) -> dict[str, Any]:
        """The form in the file."""
        return {"uid": self.uid, "title": self.title, "version": self.version, "url": self.url}


@dataclass(frozen=True, slots=True, kw_only=True)
class GrafanaApiResult:
    """``grafana_api_result.json``: every panel of one row with what its queries gave."""

    dashboard: Dashboard
    grafana: GrafanaUsed  # what served it
    row: str = "Preflight Health"
    panels: tuple[PanelQuery, ...] = field(default=())

    def plus(self, panel: PanelQuery) -> GrafanaApiResult:
        """Give a copy with one more panel; one of the same title is replaced."""
        others = tuple(one for one in self.panels if one.title != panel.title)
        return replace(self, panels=(*others, panel))

    def to_dict(self) -> dict[str, Any]:
        """The form in the file.

        Raises:
            ValueError: a number is NaN or infinite.
        """
        return {
            "schema_version": SCHEMA_VERSION,
            "grafana": self.grafana.to_dict(),
            "dashboard": self.dashboard.to_dict(),
            "row": self.row,
            "panels": [panel.to_dict() for panel in self.panels],
        }

    def write(self, bundle: Bundle) -> None:
        """Put it into the bundle, over an earlier state. Needs at least one panel (the schema says so)."""
        bundle.add_json(GRAFANA_FILE, self.to_dict(), replace=True)


def _finite(what: str, number: float) -> float:
    if not math.isfinite(number):
        message = f"{what} is {number}, which is no number: there was no data"
        raise ValueError(message)
    return float(number)


def _numbers(what: str, given: float | Mapping[str, float]) -> float | dict[str, float]:
    if isinstance(given, Mapping):
        return {series: _finite(f"{what}, {series},", number) for series, number in given.items()}
    return _finite(what, given)
