"""What an operator sees when Redis goes away, and when it is back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from acceptance.probes import PrometheusClient
from acceptance.proof.follow import FollowedRun
from acceptance.proof.outage import Outage
from acceptance.proof.sweep import PanelOutcome

pytestmark = pytest.mark.own_stack

AskPanel = Callable[[str, FollowedRun], PanelOutcome]
LAST_SUCCESS = 'arbitrage_preflight_last_success{env="paper"}'


@pytest.fixture(scope="module")
def without_redis(outage: Outage) -> FollowedRun:
    """The run while Redis was stopped; what was seen of it can be asked for afterwards."""
    return outage.run


def _last_success(seen: FollowedRun, prometheus: PrometheusClient, ask_panel: AskPanel) -> tuple[float, set[str]]:
    """Return what Prometheus says of a run, and what the Last Success panel displays."""
    in_prometheus = prometheus.query(LAST_SUCCESS, time=seen.at).one().value
    outcome = ask_panel("Preflight Last Success", seen)
    return in_prometheus, {text for shown in outcome.displayed.values() for text in shown.texts()}


def test_redis_stopped_is_no_go(without_redis: FollowedRun) -> None:
    """The redis check FAILs, no other check that blocks does, and the gate exits 1."""
    report = without_redis.run.report

    assert (without_redis.run.exit_code, report["verdict"]) == (1, "NO_GO"), without_redis.run.stdout
    assert [check["id"] for check in report["checks"] if check["status"] == "fail"] == ["redis"]
    assert any("redis" in reason for reason in report["reasons"])


def test_redis_stopped_is_seen_everywhere(
    without_redis: FollowedRun, prometheus: PrometheusClient, ask_panel: AskPanel
) -> None:
    """`last_success` is 0 in Prometheus and in the Last Success panel, with this run's timestamp."""
    assert _last_success(without_redis, prometheus, ask_panel) == (0.0, {"0 · NOT GO / 실패"})


def test_redis_stopped_shows_in_the_breakdown(without_redis: FollowedRun, ask_panel: AskPanel) -> None:
    """The Check Status Breakdown counts one FAIL, on every Grafana."""
    outcome = ask_panel("Check Status Breakdown", without_redis)

    assert outcome.displayed
    assert all("FAIL: 1" in shown.texts() for shown in outcome.displayed.values()), outcome.displayed


def test_redis_back_is_go_again(recovery: FollowedRun, prometheus: PrometheusClient, ask_panel: AskPanel) -> None:
    """Once Redis is back the gate says GO, and `last_success` is 1 again in both places."""
    assert recovery.run.exit_code == 0, recovery.run.stdout
    assert _last_success(recovery, prometheus, ask_panel) == (1.0, {"1 · GO / 성공"})
