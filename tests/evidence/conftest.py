"""Bundles to look at: one that is open, and one that is closed and says PASSED."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence import Bundle, Counts, manifest, records
from evidence.results import MetricQuery, PrometheusQueryResult, QuerySample

SHA = "0123456789abcdef0123456789abcdef01234567"
START = 1_767_323_045.25  # 2026-01-02T03:04:05.250Z


@pytest.fixture
def opened(tmp_path: Path) -> Bundle:
    """An open bundle of a clean tree, started at `START`."""
    return Bundle.create(tmp_path / "artifacts", commit=SHA, dirty=False, clock=lambda: START)


def write_records(bundle: Bundle) -> None:
    """What pytest leaves of one test that passed."""
    phases = [
        {"$report_type": "TestReport", "nodeid": "test_a.py::test_x", "when": when, "outcome": "passed"}
        for when in ("setup", "call", "teardown")
    ]
    bundle.add_text(records.REPORT_LOG, "\n".join(json.dumps(phase) for phase in phases) + "\n")
    case = '<testcase classname="test_a" name="test_x" time="0.1"/>'
    bundle.add_text(records.JUNIT, f'<testsuites><testsuite tests="1">{case}</testsuite></testsuites>')
    bundle.add_json(records.COLLECTION, {"schema_version": 1, "selected": ["test_a.py::test_x"], "deselected": []})


def prometheus_result(*, seen: float = START) -> PrometheusQueryResult:
    """One metric as seen in Prometheus beside the timestamp `seen`."""
    labels = {"env": "paper"}
    query = MetricQuery(
        metric="arbitrage_preflight_runs_total",
        query='arbitrage_preflight_runs_total{env="paper"}',
        url="http://127.0.0.1:9090/api/v1/query",
        attempts=2,
        value=1.0,
        expected=1.0,
        last_run_timestamp=seen,
        labels=labels,
        sample_time=START + 1,
        samples=(QuerySample(metric="arbitrage_preflight_runs_total", labels=labels, value=1.0, time=START + 1),),
    )
    return PrometheusQueryResult(
        run_id="r1", last_run_timestamp=START, prometheus="http://127.0.0.1:9090", queries=(query,)
    )


def passed_run() -> manifest.Run:
    """A run of one test that passed."""
    return manifest.Run(
        counts=Counts(collected=1, run=1, passed=1),
        gates=("e2e",),
        command=("pytest", "acceptance"),
        exit_status=0,
        stack="embedded",
        versions={"redis": {"version": "7.0.15", "source": "path"}},
    )


@pytest.fixture
def prometheus() -> Callable[..., PrometheusQueryResult]:
    """Makes `prometheus_result`."""
    return prometheus_result


@pytest.fixture
def sealed(opened: Bundle) -> Path:
    """The folder of a closed bundle that says PASSED."""
    write_records(opened)
    prometheus_result().write(opened)
    opened.add_text("logs/redis.log", "ready\n")
    opened.close(passed_run())
    return opened.path
