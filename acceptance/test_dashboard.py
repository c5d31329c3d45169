"""The four panels of the seed, in the dashboard that Grafana serves, showing this run's numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest

from acceptance.dashboards.model import find_panel
from acceptance.probes.grafana import ServedDashboard
from acceptance.proof.follow import FollowedRun, HopError
from acceptance.proof.panel_probe import PanelProbe
from acceptance.proof.quantile import bucket_quantile
from evidence.results import PanelQuery

ROW = "Preflight Health"
PANELS = {
    "Preflight Last Success": "stat",
    "Preflight Duration P95": "timeseries",
    "Check Status Breakdown": "piechart",
    "Redis/Postgres Latency": "timeseries",
}
# What a quantile over the last hour shows can be told from a report only where all runs are within that hour.
FROM_ZERO = ("Preflight Duration P95", "Redis/Postgres Latency")
P95_TOLERANCE = 1e-6  # relative: Prometheus extrapolates every bucket by one factor, which divides out but for rounding


def _p95(seen: FollowedRun, metric: str) -> float:
    buckets: dict[float, float] = {}
    for labels, value in seen.samples(f"{metric}_bucket"):
        bound = float(labels["le"])
        buckets[bound] = buckets.get(bound, 0.0) + value
    return bucket_quantile(0.95, buckets)


def _expected(title: str, seen: FollowedRun) -> Mapping[str, float]:
    """Work out from this run's report alone what the panel should show: legend -> value."""
    statuses = [check["status"] for check in seen.run.report["checks"]]
    match title:
        case "Preflight Last Success":
            return {"paper": float(seen.run.report["verdict"] == "GO")}
        case "Preflight Duration P95":
            return {"P95": _p95(seen, "arbitrage_preflight_duration_seconds")}
        case "Check Status Breakdown":
            return {s.upper(): float(statuses.count(s)) for s in ("pass", "fail", "warn", "error", "skip")}
        case _:
            return {
                "Redis": _p95(seen, "arbitrage_preflight_realcheck_redis_latency_seconds"),
                "Postgres": _p95(seen, "arbitrage_preflight_realcheck_postgres_latency_seconds"),
            }


def test_grafana_serves_the_row_with_its_four_panels(dashboard: ServedDashboard, panel_probe: PanelProbe) -> None:
    """The dashboard came from git, and its row holds the four panels, each of the designed type."""
    in_row = {panel.title: panel.type for panel in panel_probe.panels() if panel.row == ROW}

    assert in_row == PANELS
    assert (dashboard.uid, dashboard.folder, dashboard.provisioned) == ("d77_system_health", "Arbitrage", True)


@pytest.mark.parametrize(
    "title", [pytest.param(title, marks=pytest.mark.own_stack if title in FROM_ZERO else ()) for title in PANELS]
)
def test_panel_shows_this_runs_value(
    title: str, first_run: FollowedRun, panel_probe: PanelProbe, panel_log: Callable[[PanelQuery], None]
) -> None:
    """The panel's own queries, sent through Grafana, give what this run's report gives, after the first run."""
    panel = find_panel(panel_probe.panels(), title, row=ROW)

    shown = panel_probe.ask(panel, first_run)

    values, expected = shown.by_name(), _expected(title, first_run)
    assert all(math.isfinite(value) for value in expected.values()), f"hop report: no number for {title}: {expected}"
    if values != pytest.approx(expected, rel=P95_TOLERANCE):
        raise HopError(
            f"grafana, {panel.place}",
            asked="; ".join(shown.queries),
            expected=f"{expected} (from the report of run {first_run.run.report['run_id']})",
            last=str(values),
            attempts=1,
        )
    panel_log(
        PanelQuery(
            title=title,
            type=panel.type,
            queries=shown.queries,
            last_value=values if len(values) > 1 else next(iter(values.values())),
            expected=expected if len(expected) > 1 else next(iter(expected.values())),
            last_run_timestamp=shown.last_run_timestamp,
            frames=shown.frames,
        )
    )
