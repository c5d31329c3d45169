"""What Prometheus answers, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acceptance.probes.errors import QueryError

__all__ = ["FiringAlert", "QueryResult", "RangeResult", "RangeSeries", "Rule", "ScrapeTarget", "SeriesSample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesSample:
    """One number of an instant answer."""

    labels: Mapping[str, str]  # with __name__ where the query keeps it
    value: float  # may be NaN or infinite: that is for the judge
    timestamp: float  # Unix seconds of the evaluation, not of the scrape


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """The answer to an instant query. An empty ``samples`` is an answer, and no data."""

    url: str  # as sent, without secrets
    query: str  # as sent
    status: str  # "success"; anything else was raised
    result_type: str  # "vector" or "scalar"
    samples: tuple[SeriesSample, ...]
    raw: Mapping[str, Any]  # the whole JSON answer, for the evidence
    warnings: tuple[str, ...] = ()

    def one(self, **labels: str) -> SeriesSample:
        """Give the only sample that carries these labels.

        Raises:
            QueryError: There is none, or more than one.
        """
        found = [s for s in self.samples if all(s.labels.get(k) == v for k, v in labels.items())]
        if len(found) != 1:
            wanted = f" with {labels}" if labels else ""
            raise QueryError(
                f"expected exactly one sample{wanted} for {self.query!r}, Prometheus gave {len(found)} of "
                f"{len(self.samples)}: {[dict(s.labels) for s in self.samples][:5]}",
                asked=self.url,
            )
        return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeSeries:
    """One series of a range answer; ``times`` (Unix seconds) and ``values`` have the same length."""

    labels: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeResult:
    """The answer to a range query."""

    url: str
    query: str
    series: tuple[RangeSeries, ...]
    raw: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeTarget:
    """One active scrape target."""

    job: str
    instance: str
    scrape_url: str
    health: str  # "up", "down" or "unknown" (not scraped yet)
    last_error: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringAlert:
    """One active alert: ``pending`` or ``firing``. A resolved one is not listed."""

    name: str
    state: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    active_at: str  # RFC 3339
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One loaded rule."""

    group: str
    file: str
    name: str
    kind: str  # "alerting" or "recording"
    query: str
    health: str  # "ok", "err" or "unknown" (not evaluated yet)
    last_error: str
    state: str | None  # of an alert: "inactive", "pending", "firing"
