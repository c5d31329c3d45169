"""What an operator sees when Redis goes away, and when it is back."""

from __future__ import annotations

import pytest

from acceptance.dashboards.model import find_panel
from acceptance.probes import PrometheusClient
from acceptance.proof.follow import FollowedRun
from acceptance.proof.outage import Outage
from acceptance.proof.panel_probe import PanelProbe

pytestmark = pytest.mark.own_stack

LAST_SUCCESS = 'arbitrage_preflight_last_success{env="paper"}'


@pytest.fixture(scope="module")
def without_redis(outage: Outage) -> FollowedRun:
    """The run while Redis was stopped; what was seen of it can be asked for afterwards."""
    return outage.run


def _last_success(seen: FollowedRun, prometheus: PrometheusClient, panel_probe: PanelProbe) -> tuple[float, float]:
    """Give what Prometheus and the Last Success panel say of a run."""
    in_prometheus = prometheus.query(LAST_SUCCESS, time=seen.at).one().value
    shown = panel_probe.ask(find_panel(panel_probe.panels(), "Preflight Last Success"), seen)
    return in_prometheus, shown.by_name()["paper"]


def test_redis_stopped_is_no_go(without_redis: FollowedRun) -> None:
    """The redis check FAILs, no other check that blocks does, and the gate exits 1."""
    report = without_redis.run.report

    assert (without_redis.run.exit_code, report["verdict"]) == (1, "NO_GO"), without_redis.run.stdout
    assert [check["id"] for check in report["checks"] if check["status"] == "fail"] == ["redis"]
    assert any("redis" in reason for reason in report["reasons"])


def test_redis_stopped_is_seen_everywhere(
    without_redis: FollowedRun, prometheus: PrometheusClient, panel_probe: PanelProbe
) -> None:
    """`last_success` is 0 in Prometheus and in the Last Success panel, with this run's timestamp."""
    assert _last_success(without_redis, prometheus, panel_probe) == (0.0, 0.0)


def test_redis_stopped_shows_in_the_breakdown(without_redis: FollowedRun, panel_probe: PanelProbe) -> None:
    """The Check Status Breakdown counts one FAIL."""
    shown = panel_probe.ask(find_panel(panel_probe.panels(), "Check Status Breakdown"), without_redis)

    assert shown.by_name()["FAIL"] == 1.0


def test_redis_back_is_go_again(recovery: FollowedRun, prometheus: PrometheusClient, panel_probe: PanelProbe) -> None:
    """Once Redis is back the gate says GO, and `last_success` is 1 again in both places."""
    assert recovery.run.exit_code == 0, recovery.run.stdout
    assert _last_success(recovery, prometheus, panel_probe) == (1.0, 1.0)
