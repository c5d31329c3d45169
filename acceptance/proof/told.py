"""What each exported series should be after the first run of an env, worked out from what else the report tells.

A report's own list of samples comes from the code that writes the file: both would be wrong together. This comes from
the report's checks, verdict, times and alerts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

_SERIES = re.compile(r"arbitrage_preflight_(?P<name>\w+)\{(?P<labels>.*)\}")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_CODES = {"pass": 0.0, "warn": 1.0, "fail": 2.0, "error": 3.0, "skip": 4.0}


class UntoldError(Exception):
    """A series of which a report tells nothing: the list has a metric that is not known here."""


def told(series: str, report: Mapping[str, Any]) -> float:
    """Work out the value of a series.

    Args:
        series: As in the committed list: name and labels.
        report: Of the first run in its env.

    Raises:
        UntoldError: It is none of the metrics contract.
    """
    found = _SERIES.fullmatch(series)
    if found is None:
        raise UntoldError(f"{series} is no series of preflight")
    name, labels = found["name"], dict(_LABEL.findall(found["labels"]))
    for histogram, seen in _observed(report, labels).items():
        if name.startswith(f"{histogram}_"):
            return _of_histogram(name.removeprefix(f"{histogram}_"), seen, labels)
    if name not in _TOLD:
        raise UntoldError(f"of {series} no report tells anything: say in told.py what it should be")
    return float(_TOLD[name](report, labels))


def _status(report: Mapping[str, Any], check: str) -> str:
    (status,) = (str(each["status"]) for each in report["checks"] if each["id"] == check)
    return status


def _alerts(report: Mapping[str, Any], severity: str, outcome: str) -> int:
    return sum((item["severity"], item["outcome"]) == (severity, outcome) for item in report["alerts"]["items"])


_TOLD: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, str]], float]] = {
    "runs_total": lambda _report, _labels: 1,
    "last_success": lambda report, _labels: report["verdict"] == "GO",
    "ready_for_live": lambda report, _labels: report["ready_for_live"],
    "last_run_timestamp_seconds": lambda report, _labels: report["ended_at"],
    "last_success_timestamp_seconds": lambda report, _labels: report["ended_at"],
    "last_start_timestamp_seconds": lambda report, _labels: report["started_at"],
    "checks_total": lambda report, labels: _status(report, labels["check"]) == labels["status"],
    "check_status": lambda report, labels: _CODES[_status(report, labels["check"])],
    "alerts_total": lambda report, labels: _alerts(report, labels["severity"], labels["outcome"]),
    "alerts_pending": lambda report, _labels: report["alerts"]["pending"],
    "ledger_resets_total": lambda _report, _labels: 0,
}


def _observed(report: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, float]:
    timings = {check["id"]: check["timings"] for check in report["checks"]}
    return {
        "duration_seconds": float(report["duration_seconds"]),
        "realcheck_redis_latency_seconds": float(timings["redis"].get(labels.get("operation", ""), math.nan)),
        "realcheck_postgres_latency_seconds": float(timings["postgres"]["select"]),
    }


def _of_histogram(part: str, seen: float, labels: Mapping[str, str]) -> float:
    """One observation: its sum, its count, and 1 in each bucket that is wide enough."""
    return {"sum": seen, "count": 1.0}.get(part, float(seen <= float(labels.get("le", "nan").replace("+Inf", "inf"))))
