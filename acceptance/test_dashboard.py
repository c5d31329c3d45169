"""The four panels of the seed, in the dashboard that Grafana serves, showing this run's numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

import pytest

from acceptance.dashboards.model import list_panels
from acceptance.display import Displayed
from acceptance.probes.grafana import ServedDashboard
from acceptance.proof.ask_panel import AskPanel
from acceptance.proof.follow import FollowedRun, HopError
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
DISPLAYED_TOLERANCE = 0.02  # relative: Grafana writes three digits or so
SECONDS: Mapping[str, float] = {"": 1, "s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9, "mins": 60}
P95_TOLERANCE = 1e-6  # relative: Prometheus extrapolates every bucket by one factor, which divides out but for rounding


def _p95(seen: FollowedRun, metric: str) -> float:
    buckets: dict[float, float] = {}
    for labels, value in seen.samples(f"{metric}_bucket"):
        bound = float(labels["le"])
        buckets[bound] = buckets.get(bound, 0.0) + value
    return bucket_quantile(0.95, buckets)


def expected_on(title: str, seen: FollowedRun) -> Mapping[str, float]:
    """Work out from this run's report alone what the panel should show: legend -> value."""
    statuses = [check["status"] for check in seen.run.report["checks"]]
    match title:
        case "Preflight Last Success":
            return {seen.env: float(seen.run.report["verdict"] == "GO")}
        case "Preflight Duration P95":
            return {"P95": _p95(seen, "arbitrage_preflight_duration_seconds")}
        case "Check Status Breakdown":
            return {s.upper(): float(statuses.count(s)) for s in ("pass", "fail", "warn", "error", "skip")}
        case _:
            return {
                "Redis": _p95(seen, "arbitrage_preflight_realcheck_redis_latency_seconds"),
                "Postgres": _p95(seen, "arbitrage_preflight_realcheck_postgres_latency_seconds"),
            }


def _number(text: str) -> float:
    """Read a text as it is displayed, `20.3 ms` or `1 · GO / 성공`, as a number of seconds or of things."""
    found = re.match(r"(-?[\d.]+)\s*(\w*)", text)
    assert found, f"no number is displayed: {text!r}"
    return float(found[1]) * SECONDS.get(found[2], 1)


def _displayed(title: str, shown: Displayed, expected: Mapping[str, float]) -> Mapping[str, float]:
    """Return the name and the number of each thing that a person sees."""
    if title == "Preflight Last Success":  # a single value without a name
        (text,) = shown.texts()
        assert text == ("1 · GO / 성공" if expected["paper"] else "0 · NOT GO / 실패")
        return {"paper": _number(text)}
    return {item.title: _number(item.text) for item in shown.seen}


def test_grafana_serves_the_row_with_its_four_panels(dashboard: ServedDashboard) -> None:
    """The dashboard came from git, and its row holds the four panels, each of the designed type."""
    in_row = {panel.title: panel.type for panel in list_panels(dashboard.dashboard) if panel.row == ROW}

    assert in_row == PANELS
    assert (dashboard.uid, dashboard.folder, dashboard.provisioned) == ("d77_system_health", "Arbitrage", True)


@pytest.mark.parametrize(
    "title", [pytest.param(title, marks=pytest.mark.own_stack if title in FROM_ZERO else ()) for title in PANELS]
)
def test_panel_shows_this_runs_value(
    title: str,
    first_run: FollowedRun,
    ask_panel: AskPanel,
    panel_log: Callable[[PanelQuery], None],
) -> None:
    """The panel's own queries give what this run's report gives, and that is what each Grafana displays."""
    outcome = ask_panel(title, first_run)

    values, expected = outcome.by_name(), expected_on(title, first_run)
    assert all(math.isfinite(value) for value in expected.values()), f"hop report: no number for {title}: {expected}"
    if values != pytest.approx(expected, rel=P95_TOLERANCE):
        raise HopError(
            f"grafana, {outcome.panel.place}",
            asked="; ".join(outcome.queries),
            expected=f"{expected} (from the report of run {first_run.run.report['run_id']})",
            last=str(values),
            attempts=1,
        )
    assert outcome.displayed
    for major, shown in outcome.displayed.items():
        seen = _displayed(title, shown, expected)
        assert seen == pytest.approx(expected, rel=DISPLAYED_TOLERANCE), f"Grafana {major} displays {shown.texts()}"
    assert outcome.last_run_timestamp == first_run.ended_at
    assert outcome.result is not None
    panel_log(
        PanelQuery(
            title=title,
            type=outcome.panel.type,
            queries=outcome.queries,
            last_value=values if len(values) > 1 else next(iter(values.values())),
            expected=expected if len(expected) > 1 else next(iter(expected.values())),
            last_run_timestamp=first_run.ended_at,
            frames=sum(outcome.result.frame_counts[target.ref_id] for target in outcome.panel.targets),
            request=outcome.result.request,
            raw=outcome.result.raw,
            attempts=1,
            elapsed_seconds=outcome.elapsed_seconds,
        )
    )
