"""A refactoring renamed metrics. Everything still runs and is scraped, under names that nobody asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from acceptance.sabotage.base import Sabotage, replace_in

_SEVEN = (
    "runs_total",
    "last_success",
    "duration_seconds",
    "checks_total",
    "realcheck_redis_latency_seconds",
    "realcheck_postgres_latency_seconds",
    "ready_for_live",
)


_MARK = "last_run_timestamp_seconds"  # by which a run is followed


def _rename(checkout: Path, names: Sequence[str]) -> None:
    catalogue = checkout / "preflight" / "catalogue.py"
    for name in names:
        replace_in(catalogue, f'{{_PREFIX}}_{name}"', f'{{_PREFIX}}_renamed_{name}"')


RENAMED_METRICS = Sabotage(
    name="renamed-metrics",
    story="the seven metrics were renamed",
    suite="acceptance/test_metrics.py",
    caught_by=tuple(f"test_prometheus_has_what_this_run_reported[arbitrage_preflight_{name}]" for name in _SEVEN),
    because=tuple(f"hop report: this run's report names no sample of arbitrage_preflight_{name}" for name in _SEVEN),
    apply=lambda checkout: _rename(checkout, _SEVEN),
)

RENAMED_MARK = Sabotage(
    name="renamed-mark",
    story="the metric was renamed by which a run is followed",
    suite="acceptance/test_metrics.py",
    caught_by=("test_the_seeds_own_query_answers", "test_runs_add_up_across_processes"),
    because=("hop textfile: this run's value did not arrive", f"arbitrage_preflight_{_MARK}"),
    apply=lambda checkout: _rename(checkout, (_MARK,)),
)
