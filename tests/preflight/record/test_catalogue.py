from __future__ import annotations

import pytest

from preflight.model import Env, Status
from preflight.record import catalogue
from preflight.record.catalogue import CATALOGUE, MetricKind

# The metrics contract, written down once more by hand: name, type, labels, buckets.
CONTRACT = {
    "arbitrage_preflight_runs_total": ("counter", ("env",), ()),
    "arbitrage_preflight_last_success": ("gauge", ("env",), ()),
    "arbitrage_preflight_duration_seconds": ("histogram", ("env",), (0.1, 0.5, 1, 2, 5, 10)),
    "arbitrage_preflight_checks_total": ("counter", ("env", "check", "status"), ()),
    "arbitrage_preflight_realcheck_redis_latency_seconds": (
        "histogram",
        ("env", "operation"),
        (0.001, 0.005, 0.01, 0.05, 0.1, 0.5),
    ),
    "arbitrage_preflight_realcheck_postgres_latency_seconds": ("histogram", ("env",), (0.01, 0.05, 0.1, 0.5, 1)),
    "arbitrage_preflight_ready_for_live": ("gauge", ("env",), ()),
    "arbitrage_preflight_last_run_timestamp_seconds": ("gauge", ("env",), ()),
    "arbitrage_preflight_last_start_timestamp_seconds": ("gauge", ("env",), ()),
    "arbitrage_preflight_last_success_timestamp_seconds": ("gauge", ("env",), ()),
    "arbitrage_preflight_check_status": ("gauge", ("env", "check"), ()),
    "arbitrage_preflight_alerts_total": ("counter", ("env", "severity", "outcome"), ()),
    "arbitrage_preflight_alerts_pending": ("gauge", ("env",), ()),
    "arbitrage_preflight_ledger_resets_total": ("counter", ("env",), ()),
}


def test_catalogue_is_the_contract() -> None:
    """Names, types, labels and buckets are those that dashboards and rules rely on."""
    assert {s.name: (s.kind.value, s.labels, s.buckets) for s in CATALOGUE} == CONTRACT


def test_help_is_one_line() -> None:
    """Every metric has a HELP of one line, which the text format can carry as it is."""
    assert all(spec.help and "\n" not in spec.help and "\\" not in spec.help for spec in CATALOGUE)


def test_histograms_ascend() -> None:
    """Buckets ascend, and only histograms have them."""
    for spec in CATALOGUE:
        assert list(spec.buckets) == sorted(set(spec.buckets))
        assert bool(spec.buckets) == (spec.kind is MetricKind.HISTOGRAM)


def test_status_codes_are_fixed() -> None:
    """The number of each status is the one that rules and dashboards know, and no status lacks one."""
    assert dict(catalogue.STATUS_CODE) == {"pass": 0, "warn": 1, "fail": 2, "error": 3, "skip": 4}
    assert set(catalogue.STATUS_CODE) == {status.value for status in Status}


@pytest.mark.parametrize("checks", [0, 1, 4, 13, 100])
def test_series_are_bounded(checks: int) -> None:
    """One env never has more than 80 + 6 x checks series, buckets included."""
    assert catalogue.series_bound(checks) <= 80 + 6 * checks


@pytest.mark.parametrize(
    ("label", "value"),
    [
        pytest.param("env", "RuntimeEnv.PAPER", id="repr of an enum"),
        pytest.param("env", Env.PAPER, id="an enum"),
        pytest.param("status", Status.PASS, id="an enum of the model"),
        pytest.param("env", "prod", id="unknown env"),
        pytest.param("env", "", id="empty"),
        pytest.param("status", "PASS", id="upper case"),
        pytest.param("operation", "del", id="unknown operation"),
        pytest.param("severity", "P4", id="unknown severity"),
        pytest.param("outcome", None, id="none"),
        pytest.param("check", 'redis"} 1\nevil 1', id="injection"),
        pytest.param("check", "redis\n", id="line break at the end"),
        pytest.param("check", "a" * 64, id="too long"),
        pytest.param("check", "Redis", id="not an id"),
    ],
)
def test_label_values_are_closed(label: str, value: object) -> None:
    """What is not a plain string of the closed set cannot become a label."""
    with pytest.raises(ValueError, match=f"label {label} takes"):
        catalogue.label_value(label, value)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        pytest.param("arbitrage_preflight_nothing", (), id="unknown name"),
        pytest.param(catalogue.DURATION, (), id="a histogram's bare name"),
        pytest.param(catalogue.CHECKS, ("redis",), id="a label missing"),
        pytest.param(catalogue.RUNS, ("redis",), id="a label too many"),
        pytest.param(f"{catalogue.DURATION}_bucket", ("0.3",), id="unknown bucket"),
        pytest.param(f"{catalogue.DURATION}_bucket", ("+Inf",), id="the bucket that is the count"),
    ],
)
def test_series_are_closed(name: str, values: tuple[str, ...]) -> None:
    """A series outside the contract is refused."""
    with pytest.raises(ValueError, match="series"):
        catalogue.must_be_series(name, values)


def test_every_measure_is_a_series() -> None:
    """What a row of the table leads to is in the contract, and no two rows lead to the same."""
    for row in catalogue.MEASURES:
        assert row.metric in {spec.name for spec in catalogue.CATALOGUE if spec.kind is catalogue.MetricKind.HISTOGRAM}
        assert tuple(row.labels) == catalogue.series_labels(f"{row.metric}_count")
        catalogue.must_be_series(f"{row.metric}_count", tuple(row.labels.values()))
    assert len({(row.metric, *row.labels.values()) for row in catalogue.MEASURES}) == len(catalogue.MEASURES)
