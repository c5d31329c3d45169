from __future__ import annotations

import pytest

from acceptance.dashboards.lint.catalogue import FOREIGN, arbitrage_metrics
from bench.panels import must_show_the_day, series_of, value_of


def test_the_day_has_every_metric_that_we_know() -> None:
    """Each metric has series with all of its labels, so that no panel is quick for want of data."""
    for metric in (*arbitrage_metrics().values(), *FOREIGN.values()):
        series = list(series_of(metric))

        assert len(set(series)) == len(series) > 0, metric.name
        assert {pair.split("=")[0] for pair in series[0].split(",")} == metric.labels


def test_buckets_go_up_to_infinity() -> None:
    """A histogram is whole: quantiles over it are numbers."""
    metric = arbitrage_metrics()["arbitrage_preflight_duration_seconds_bucket"]
    series = list(series_of(metric))

    assert [one.rpartition("le=")[2] for one in series] == [
        '"0.1"',
        '"0.5"',
        '"1.0"',
        '"2.0"',
        '"5.0"',
        '"10.0"',
        '"+Inf"',
    ]
    assert value_of(metric, series[0], 10, 0.0) < value_of(metric, series[-1], 10, 0.0)


def test_timestamps_are_those_of_the_scrape() -> None:
    """An age that a panel works out from the made day is a small one."""
    metric = arbitrage_metrics()["arbitrage_engine_heartbeat_timestamp_seconds"]

    assert value_of(metric, "", 1, 1_795_580_208.0) == 1_795_580_208.0


def test_panels_without_data_are_not_measured() -> None:
    """Nothing is found quickly, and says nothing."""
    must_show_the_day(89, 89)
    with pytest.raises(RuntimeError, match="only 88 of 89"):
        must_show_the_day(88, 89)
