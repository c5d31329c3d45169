"""What is measured: the metrics contract as one table of values.

Every label value comes from a closed set, so that the number of series has a bound (`series_bound`) and
nothing like an enum's repr can become a label.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from preflight.model import Env, Status

_PREFIX = "arbitrage_preflight"

RUNS = f"{_PREFIX}_runs_total"
LAST_SUCCESS = f"{_PREFIX}_last_success"
DURATION = f"{_PREFIX}_duration_seconds"
CHECKS = f"{_PREFIX}_checks_total"
REDIS_LATENCY = f"{_PREFIX}_realcheck_redis_latency_seconds"
POSTGRES_LATENCY = f"{_PREFIX}_realcheck_postgres_latency_seconds"
READY_FOR_LIVE = f"{_PREFIX}_ready_for_live"
LAST_RUN = f"{_PREFIX}_last_run_timestamp_seconds"
LAST_START = f"{_PREFIX}_last_start_timestamp_seconds"
LAST_SUCCESS_TIME = f"{_PREFIX}_last_success_timestamp_seconds"
CHECK_STATUS = f"{_PREFIX}_check_status"
ALERTS = f"{_PREFIX}_alerts_total"
ALERTS_PENDING = f"{_PREFIX}_alerts_pending"
LEDGER_RESETS = f"{_PREFIX}_ledger_resets_total"

# The number that stands for each status in CHECK_STATUS. Dashboards and rules know them: they never change.
STATUS_CODE: Mapping[str, int] = MappingProxyType(
    {
        Status.PASS.value: 0,
        Status.WARN.value: 1,
        Status.FAIL.value: 2,
        Status.ERROR.value: 3,
        Status.SKIP.value: 4,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Which histogram a timing of a check is observed in."""

    metric: str
    check: str  # id of the check
    timing: str  # its name among the timings of that check's outcome
    labels: Mapping[str, str] = field(default_factory=dict)  # of the series, `env` left out, in the contract's order


# What checks measure, one row a series. A check's further timings are in the report alone.
MEASURES: tuple[Measure, ...] = (
    Measure(metric=REDIS_LATENCY, check="redis", timing="ping", labels={"operation": "ping"}),
    Measure(metric=REDIS_LATENCY, check="redis", timing="set", labels={"operation": "set"}),
    Measure(metric=REDIS_LATENCY, check="redis", timing="get", labels={"operation": "get"}),
    Measure(metric=POSTGRES_LATENCY, check="postgres", timing="select"),
)

# Every label but `check` has its values here; `check` takes what the registry takes as a check id.
LABEL_VALUES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "env": tuple(env.value for env in Env),
        "status": tuple(STATUS_CODE),
        "operation": tuple(row.labels["operation"] for row in MEASURES if "operation" in row.labels),
        "severity": ("P0", "P1", "P2", "P3"),
        "outcome": ("sent", "throttled", "spooled", "failed"),
    }
)
_CHECK_ID = re.compile(r"[a-z][a-z0-9_]{0,62}")


class MetricKind(StrEnum):
    """What Prometheus calls the type of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """One metric of the contract."""

    name: str
    kind: MetricKind
    labels: tuple[str, ...]  # `env` always first
    help: str  # fixed: node_exporter drops a family whose HELP differs between two files
    buckets: tuple[float, ...] = ()  # upper bounds, ascending, without +Inf; histograms only

    @property
    def bounds(self) -> tuple[str, ...]:
        """Give the `le` values in the spelling that Prometheus stores (`1.0`, not `1`), without `+Inf`."""
        return tuple(repr(float(bound)) for bound in self.buckets)

    @property
    def series_names(self) -> tuple[str, ...]:
        """Give the names under which its samples are written."""
        if self.kind is MetricKind.HISTOGRAM:
            return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
        return (self.name,)


def _counter(name: str, text: str, *labels: str) -> MetricSpec:
    return MetricSpec(name=name, kind=MetricKind.COUNTER, labels=("env", *labels), help=text)


def _gauge(name: str, text: str, *labels: str) -> MetricSpec:
    return MetricSpec(name=name, kind=MetricKind.GAUGE, labels=("env", *labels), help=text)


def _histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> MetricSpec:
    return MetricSpec(name=name, kind=MetricKind.HISTOGRAM, labels=("env", *labels), help=text, buckets=buckets)


CATALOGUE: tuple[MetricSpec, ...] = (
    _counter(RUNS, "Recorded preflight runs, for the life of the ledger."),
    _gauge(LAST_SUCCESS, "Whether the last recorded run ended in GO (1) or not (0)."),
    _histogram(DURATION, "Wall time of a recorded run in seconds.", buckets=(0.1, 0.5, 1, 2, 5, 10)),
    _counter(CHECKS, "Check results by status, one per check per recorded run.", "check", "status"),
    _histogram(
        REDIS_LATENCY,
        "Time that Redis took to answer one operation of the real check, in seconds.",
        "operation",
        buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5),
    ),
    _histogram(
        POSTGRES_LATENCY,
        "Time that Postgres took to answer one query of the real check, in seconds.",
        buckets=(0.01, 0.05, 0.1, 0.5, 1),
    ),
    _gauge(
        READY_FOR_LIVE,
        "Whether the bot may go live (1) or not (0); it says nothing without the age of the last run.",
    ),
    _gauge(LAST_RUN, "End of the last recorded run, Unix seconds."),
    _gauge(LAST_START, "Start of the last run, Unix seconds."),
    _gauge(LAST_SUCCESS_TIME, "End of the last recorded run that ended in GO, Unix seconds."),
    _gauge(CHECK_STATUS, "Status in the last recorded run: 0 pass, 1 warn, 2 fail, 3 error, 4 skip.", "check"),
    _counter(ALERTS, "Alerts by severity and by what became of them.", "severity", "outcome"),
    _gauge(ALERTS_PENDING, "Alerts in the spool that have not been delivered yet."),
    _counter(LEDGER_RESETS, "How often a damaged ledger was set aside."),
)

_SPEC_OF_SERIES: Mapping[str, MetricSpec] = MappingProxyType(
    {name: spec for spec in CATALOGUE for name in spec.series_names}
)


def label_value(label: str, value: object) -> str:
    """Give `value` back if it may stand in `label`.

    An enum is refused even where it is a string at heart: how it looks in a label depends on who formats it.

    Raises:
        ValueError: It is not a plain string, or not one of the closed set.
    """
    if type(value) is not str:
        raise ValueError(f"label {label} takes a plain string, not {value!r} of type {type(value).__name__}")
    known = LABEL_VALUES.get(label)
    if known is None and not _CHECK_ID.fullmatch(value):
        raise ValueError(f"label {label} takes lower case letters, digits and underscores, not {value!r}")
    if known is not None and value not in known:
        raise ValueError(f"label {label} takes one of {', '.join(known)}, not {value!r}")
    return value


def series_labels(name: str) -> tuple[str, ...]:
    """Give the label names of a series, `env` left out; a bucket's last one is `le`.

    Raises:
        ValueError: No metric of the contract has such a series.
    """
    spec = _SPEC_OF_SERIES.get(name)
    if spec is None:
        raise ValueError(f"there is no series {name!r} in the metrics contract")
    bucket = spec.kind is MetricKind.HISTOGRAM and name.endswith("_bucket")
    return (*spec.labels[1:], *(("le",) if bucket else ()))


def must_be_series(name: str, values: tuple[str, ...]) -> None:
    """Prove that a series is in the contract; `values` are its label values, `env` left out.

    Raises:
        ValueError: The name, the number of labels or one of their values is not.
    """
    labels = series_labels(name)
    if len(labels) != len(values):
        raise ValueError(f"series {name} takes {len(labels)} label values besides env, not {len(values)}")
    for label, value in zip(labels, values, strict=True):
        if label != "le":
            label_value(label, value)
        elif value not in _SPEC_OF_SERIES[name].bounds:
            raise ValueError(f"series {name} has no bucket {value!r}")


def series_bound(checks: int) -> int:
    """Count the series that one env can have at most with that many checks, every bucket included."""
    total = 0
    for spec in CATALOGUE:
        count = 1 if spec.kind is not MetricKind.HISTOGRAM else len(spec.buckets) + 3  # +Inf, _sum, _count
        for label in spec.labels[1:]:
            count *= checks if label == "check" else len(LABEL_VALUES[label])
        total += count
    return total
