"""The seven metrics of the seed, and what is needed to trust them, in Prometheus with this run's own values."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import pytest

from acceptance.probes import PrometheusClient
from acceptance.probes.exposition import parse
from acceptance.proof.committed import differences, read_series, series_of
from acceptance.proof.follow import LAST_RUN, FollowedRun
from acceptance.proof.told import told
from evidence.results import MetricQuery, QuerySample

SEVEN = (
    "arbitrage_preflight_runs_total",
    "arbitrage_preflight_last_success",
    "arbitrage_preflight_duration_seconds",
    "arbitrage_preflight_checks_total",
    "arbitrage_preflight_realcheck_redis_latency_seconds",
    "arbitrage_preflight_realcheck_postgres_latency_seconds",
    "arbitrage_preflight_ready_for_live",
)
HISTOGRAMS = tuple(name for name in SEVEN if name.endswith("_seconds"))

# Every metric that is exported, the seven of the seed among them.
FAMILIES = tuple(line.split()[2] for line in read_series() if line.startswith("# TYPE "))

Labels = frozenset[tuple[str, str]]


def _parts(metric: str) -> tuple[str, ...]:
    return tuple(f"{metric}_{part}" for part in ("count", "sum", "bucket")) if metric in HISTOGRAMS else (metric,)


def _query(metric: str, env: str) -> str:
    """Ask for a metric and for the timestamp of the last run in one query, so that one answer holds both."""
    return f'{{__name__=~"{"|".join((*_parts(metric), LAST_RUN))}", env="{env}"}}'


def wrong_values(seen: FollowedRun, family: str) -> list[str]:
    """Name each series of a metric that is not what the report of its env's first run tells."""
    page = parse(seen.run.prom, origin="the .prom of this run")
    found = {(one.name, frozenset(one.labels.items())): one.value for one in page.samples}
    wrong = []
    for series in (line.replace('"ENV"', f'"{seen.env}"') for line in read_series() if not line.startswith("#")):
        (one,) = parse(f"{series} 0\n", origin="the committed list").samples
        if one.name not in _parts(family):
            continue
        value, expected = found.get((one.name, frozenset(one.labels.items()))), told(series, seen.run.report)
        if value != expected:
            wrong.append(f"{series} is {value}, and the report tells {expected}")
    return wrong


def _own(labels: dict[str, str]) -> Labels:
    """Leave out what Prometheus adds: where the sample was scraped."""
    return frozenset((name, value) for name, value in labels.items() if name not in {"instance", "job"})


@pytest.mark.parametrize("metric", SEVEN)
def test_prometheus_has_what_this_run_reported(
    metric: str, first_run: FollowedRun, prometheus: PrometheusClient, metric_log: Callable[[MetricQuery], None]
) -> None:
    """Every sample of the metric has the value that this run's report says, beside this run's timestamp."""
    asked = time.monotonic()
    result = prometheus.query(_query(metric, first_run.env), time=first_run.at)
    elapsed = first_run.waited + time.monotonic() - asked

    (mark,) = (sample for sample in result.samples if sample.labels["__name__"] == LAST_RUN)
    assert mark.value == first_run.ended_at, f"hop prometheus: {result.query} answers for another run: {result.raw}"
    found = {_own(dict(s.labels)): s for s in result.samples if s.labels["__name__"] != LAST_RUN}
    expected = {
        _own({"__name__": name, **labels}): value
        for name in _parts(metric)
        for labels, value in first_run.samples(name)
    }
    assert expected, f"hop report: this run's report names no sample of {metric}"
    assert {labels: sample.value for labels, sample in found.items()} == expected, (
        f"hop prometheus: {result.query} asked at {first_run.at}, last answer {result.raw}"
    )

    head = _parts(metric)[0]
    chosen = max((s for s in found.values() if s.labels["__name__"] == head), key=lambda sample: sample.value)
    metric_log(
        MetricQuery(
            metric=metric,
            query=result.query,
            url=result.url,
            attempts=first_run.attempts,
            value=chosen.value,
            expected=expected[_own(dict(chosen.labels))],
            last_run_timestamp=mark.value,
            labels={name: value for name, value in chosen.labels.items() if name != "__name__"},
            sample_time=chosen.timestamp,
            samples=tuple(
                QuerySample(
                    metric=s.labels["__name__"],
                    labels={name: value for name, value in s.labels.items() if name != "__name__"},
                    value=s.value,
                    time=s.timestamp,
                )
                for s in result.samples
            ),
            raw=result.raw,
            elapsed_seconds=elapsed,
        )
    )


def test_a_run_exports_exactly_the_committed_series(first_run: FollowedRun) -> None:
    """The file has the metrics, HELP, TYPE, labels and label values of the committed list, and no timestamps."""
    exported = series_of(first_run.run.prom, first_run.env)

    wrong = differences(exported, read_series())

    assert wrong == [], "exported_series.txt: " + "; ".join(wrong)


@pytest.mark.own_stack
@pytest.mark.parametrize("family", FAMILIES)
def test_each_series_is_what_the_report_tells(family: str, first_run: FollowedRun) -> None:
    """The file's numbers follow from the report's checks, verdict, times and alerts, and not only from its samples."""
    wrong = wrong_values(first_run, family)

    assert wrong == [], "; ".join(wrong)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_committed_series_is_in_prometheus(
    family: str, first_run: FollowedRun, prometheus: PrometheusClient
) -> None:
    """Prometheus has each of them once, scraped from node_exporter, with this run's value and no label more."""
    names = family if family not in HISTOGRAMS else f"{family}_(bucket|count|sum)"
    result = prometheus.query(f'{{__name__=~"{names}", env="{first_run.env}"}}', time=first_run.at)

    found = {frozenset(sample.labels.items()): sample.value for sample in result.samples}
    scraped = dict(prometheus.query('up{job="node-exporter"}', time=first_run.at).one().labels)
    del scraped["__name__"]
    expected = {
        frozenset({"__name__": name, **labels, **scraped}.items()): value
        for name in _parts(family)
        for labels, value in first_run.samples(name)
    }
    assert expected, f"hop report: this run's report names no sample of {family}"
    wrong = [
        *(f"only in the report: {dict(labels)}" for labels in expected if labels not in found),
        *(f"only in Prometheus: {dict(labels)}" for labels in found if labels not in expected),
        *(
            f"{dict(labels)} is {found[labels]}, not {value}"
            for labels, value in expected.items()
            if found.get(labels, value) != value
        ),
    ]
    assert wrong == [], f"hop prometheus, {family}: " + "; ".join(wrong)


@pytest.mark.own_stack
def test_a_first_run_on_a_healthy_stack_is_go(first_run: FollowedRun) -> None:
    """The gate says GO with exit 0, the run counts as one, and paper is never ready for live."""
    report = first_run.run.report

    assert (first_run.run.exit_code, report["verdict"], report["recorded"]) == (0, "GO", True), first_run.run.stdout
    assert first_run.value("arbitrage_preflight_runs_total") == 1
    assert first_run.value("arbitrage_preflight_duration_seconds_sum") == pytest.approx(report["duration_seconds"])
    assert first_run.value("arbitrage_preflight_last_success") == 1
    assert first_run.value("arbitrage_preflight_ready_for_live") == 0


@pytest.mark.own_stack
def test_the_seeds_own_query_answers(first_run: FollowedRun, prometheus: PrometheusClient) -> None:
    """`query=arbitrage_preflight_runs_total`, as the seed types it, gives the runs so far."""
    assert prometheus.query("arbitrage_preflight_runs_total", time=first_run.at).one(env="paper").value == 1


@pytest.mark.own_stack
def test_labels_are_values_not_reprs(first_run: FollowedRun, prometheus: PrometheusClient) -> None:
    """`env` is `paper`, never an enum's repr: the original's dashboards were empty because of that."""
    result = prometheus.query('group by (env) ({__name__=~"arbitrage_preflight_.+"})', time=first_run.at)

    assert [sample.labels for sample in result.samples] == [{"env": "paper"}]


@pytest.mark.own_stack
def test_runs_add_up_across_processes(third_run: FollowedRun, prometheus: PrometheusClient) -> None:
    """After three runs `runs_total` is 3 and every histogram has counted three of each, here and in Prometheus."""
    counters = "|".join(("arbitrage_preflight_runs_total", *(f"{name}_count" for name in HISTOGRAMS)))
    result = prometheus.query(f'{{__name__=~"{counters}", env="paper"}}', time=third_run.at)

    assert {_own(dict(sample.labels)): sample.value for sample in result.samples} == {
        _own({"__name__": name, "env": "paper", **labels}): 3.0
        for name, labels in (
            ("arbitrage_preflight_runs_total", {}),
            ("arbitrage_preflight_duration_seconds_count", {}),
            ("arbitrage_preflight_realcheck_postgres_latency_seconds_count", {}),
            *(
                ("arbitrage_preflight_realcheck_redis_latency_seconds_count", {"operation": operation})
                for operation in ("ping", "set", "get")
            ),
        )
    }


def test_durations_add_up_across_processes(
    first_run: FollowedRun, third_run: FollowedRun, prometheus: PrometheusClient
) -> None:
    """The sum of the duration histogram grows by what the later runs took: nothing is lost between processes."""
    metric = "arbitrage_preflight_duration_seconds_sum"
    grown = third_run.value(metric) - first_run.value(metric)

    assert grown > third_run.run.report["duration_seconds"] > 0, f"{metric} grew by {grown}"
    assert prometheus.query(f'{metric}{{env="paper"}}', time=third_run.at).one().value == third_run.value(metric)
    assert math.isfinite(grown)
