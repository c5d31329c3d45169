"""What this run's own preflight report says each metric and each of the seed's panels must show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from evidence.errors import DocumentError

LAST_RUN: Final = "arbitrage_preflight_last_run_timestamp_seconds"
#: The seed's seven metrics -> the names under which Prometheus has them.
SEVEN: Final = {
    name: tuple(f"{name}_{part}" for part in ("count", "sum", "bucket")) if name.endswith("_seconds") else (name,)
    for name in (
        "arbitrage_preflight_runs_total",
        "arbitrage_preflight_last_success",
        "arbitrage_preflight_duration_seconds",
        "arbitrage_preflight_checks_total",
        "arbitrage_preflight_realcheck_redis_latency_seconds",
        "arbitrage_preflight_realcheck_postgres_latency_seconds",
        "arbitrage_preflight_ready_for_live",
    )
}
_P95 = 0.95
_CLOCKS = 0.5  # seconds: a run is dated by one clock and measured by another
_TO_CHAT = frozenset({"P0", "P1"})  # the row in Postgres is all that a P2 or P3 leaves
_STATUSES = ("pass", "fail", "warn", "error", "skip")

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of a run."""

    id: str
    status: str
    began: float  # Unix seconds
    ended: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A preflight report, as far as it is compared."""

    run_id: str
    env: str
    verdict: str
    started_at: float  # Unix seconds
    ended_at: float
    duration: float  # seconds, by a clock that nobody sets
    textfile: str  # where it says it wrote its samples
    checks: tuple[Check, ...]
    sent: tuple[str, ...]  # severities of its own messages that it says came into the chat
    samples: Mapping[str, Mapping[Labels, float]]  # metric -> labels -> value, as it says it wrote them

    def panels(self) -> dict[str, dict[str, float]]:
        """Return the title of each of the seed's panels -> legend -> value that it must show after this run."""
        statuses = [check.status for check in self.checks]
        return {
            "Preflight Last Success": {self.env: float(self.verdict == "GO")},
            "Preflight Duration P95": {"P95": self._p95("arbitrage_preflight_duration_seconds")},
            "Check Status Breakdown": {one.upper(): float(statuses.count(one)) for one in _STATUSES},
            "Redis/Postgres Latency": {
                "Redis": self._p95("arbitrage_preflight_realcheck_redis_latency_seconds"),
                "Postgres": self._p95("arbitrage_preflight_realcheck_postgres_latency_seconds"),
            },
        }

    def contradictions(self) -> Iterator[str]:
        """Say where the report's own times, checks and samples do not go together."""
        taken = self.ended_at - self.started_at
        if abs(taken - self.duration) > _CLOCKS:
            yield f"says it took {self.duration:g} s; from its start to its end it is {taken:g}"
        if PurePath(self.textfile).name != f"arbitrage_preflight_{self.env}.prom":
            yield f"says it wrote {self.textfile} in the env {self.env}"
        counts = self.samples.get("arbitrage_preflight_checks_total", {})
        counted = {tuple(map(dict(labels).get, ("check", "status"))): count for labels, count in counts.items()}
        for check in self.checks:
            if not counted.get((check.id, check.status)):
                yield f"says that {check.id} ended as {check.status}, and has not counted it"
            if check.began < self.started_at - _CLOCKS or check.ended > self.ended_at + _CLOCKS:
                yield f"says that {check.id} ran outside the run"

    def _p95(self, metric: str) -> float:
        buckets: dict[float, float] = {}
        for labels, value in self.samples.get(f"{metric}_bucket", {}).items():
            bound = float(dict(labels)["le"])
            buckets[bound] = buckets.get(bound, 0.0) + value
        return quantile(_P95, buckets)


def read_report(document: Any, name: str) -> Report:
    """Read a preflight report.

    Raises:
        DocumentError: it is not one.
    """
    try:
        samples: dict[str, dict[Labels, float]] = {}
        for one in document["metrics"]:
            float(one["labels"].get("le", 0))  # the bound of a bucket is a number
            samples.setdefault(one["name"], {})[frozenset(one["labels"].items())] = float(one["value"])
        return Report(
            run_id=str(document["run_id"]),
            env=str(document["env"]),
            verdict=str(document["verdict"]),
            started_at=float(document["started_at"]),
            ended_at=float(document["ended_at"]),
            duration=float(document["duration_seconds"]),
            textfile=str(document["textfile"]),
            checks=tuple(
                Check(
                    id=str(check["id"]),
                    status=str(check["status"]),
                    began=float(check["started_at"]),
                    ended=float(check["started_at"]) + float(check["duration_seconds"]),
                )
                for check in document["checks"]
            ),
            sent=tuple(
                str(one["severity"])
                for one in document["alerts"]["items"]
                if one["severity"] in _TO_CHAT and one["outcome"] == "sent" and not one["replayed"]
            ),
            samples=samples,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{name} is not a preflight report of a recorded run: {error!r}"
        raise DocumentError(message) from error


def quantile(wanted: float, buckets: Mapping[float, float]) -> float:
    """Compute a histogram's quantile by Prometheus' rule, from its cumulative buckets; NaN where there is none."""
    bounds = sorted(buckets)
    total = buckets.get(math.inf, 0.0)
    if total == 0:
        return math.nan
    rank = wanted * total
    lower = below = 0.0
    for bound in bounds:
        if buckets[bound] >= rank:
            if bound == math.inf:
                return lower
            return lower + (bound - lower) * (rank - below) / (buckets[bound] - below)
        lower, below = bound, buckets[bound]
    return math.nan
