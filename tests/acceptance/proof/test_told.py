from __future__ import annotations

from typing import Any

import pytest

from acceptance.proof.committed import read_series
from acceptance.proof.told import UntoldError, told

REPORT: dict[str, Any] = {
    "verdict": "NO_GO",
    "ready_for_live": False,
    "started_at": 10.0,
    "ended_at": 13.5,
    "duration_seconds": 3.0,
    "checks": [
        {"id": "redis", "status": "pass", "timings": {"ping": 0.001, "set": 0.2, "get": 0.002}},
        {"id": "postgres", "status": "warn", "timings": {"select": 0.7}},
        {"id": "git", "status": "fail", "timings": {}},
    ],
    "alerts": {"pending": 2, "items": [{"severity": "P0", "outcome": "spooled"}]},
}


@pytest.mark.parametrize(
    ("series", "value"),
    [
        ("runs_total{}", 1.0),
        ("last_success{}", 0.0),
        ("last_run_timestamp_seconds{}", 13.5),
        ("last_start_timestamp_seconds{}", 10.0),
        ('checks_total{check="git",status="fail"}', 1.0),
        ('checks_total{check="git",status="pass"}', 0.0),
        ('check_status{check="postgres"}', 1.0),
        ('alerts_total{severity="P0",outcome="spooled"}', 1.0),
        ('alerts_total{severity="P0",outcome="sent"}', 0.0),
        ("alerts_pending{}", 2.0),
        ("duration_seconds_sum{}", 3.0),
        ("duration_seconds_count{}", 1.0),
        ('duration_seconds_bucket{le="2.0"}', 0.0),
        ('duration_seconds_bucket{le="5.0"}', 1.0),
        ('duration_seconds_bucket{le="+Inf"}', 1.0),
        ('realcheck_redis_latency_seconds_sum{operation="set"}', 0.2),
        ('realcheck_redis_latency_seconds_bucket{operation="get",le="0.001"}', 0.0),
        ('realcheck_postgres_latency_seconds_bucket{le="1.0"}', 1.0),
    ],
)
def test_each_series_follows_from_the_report(series: str, value: float) -> None:
    """From its checks, verdict, times and alerts alone."""
    assert told(f"arbitrage_preflight_{series}", REPORT) == value


@pytest.mark.parametrize("series", ["up{}", "arbitrage_preflight_new_total{}"])
def test_a_series_that_is_not_known_is_an_error(series: str) -> None:
    """A metric that is added has to be told here too, and does not pass for 0."""
    with pytest.raises(UntoldError):
        told(series, REPORT)


def test_every_committed_series_is_known() -> None:
    """None of the list would end as an error; of the checks those that this report has are taken."""
    series = [line for line in read_series() if not line.startswith("#")]
    asked = [line for line in series if 'check="' not in line or 'check="redis"' in line]

    assert all(isinstance(told(line, REPORT), float) for line in asked)
    assert len(asked) == 74
