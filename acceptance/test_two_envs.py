"""Two envs with different numbers at once: no constant and no other env's or slice's number can pass for either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from acceptance.dashboards.model import find_panel
from acceptance.probes import PrometheusClient
from acceptance.proof.follow import FollowedRun
from acceptance.proof.panel_probe import PanelProbe
from acceptance.proof.second_env import ENV, LONGEST, PATIENCE, SILENT, SecondEnv
from acceptance.test_dashboard import PANELS, ROW, expected_on
from acceptance.world.alerting import Alerting

pytestmark = pytest.mark.own_stack

STATUSES = ("pass", "fail", "warn", "error", "skip")


def test_each_status_has_a_number_of_its_own(second_env: SecondEnv) -> None:
    """No two statuses are equally frequent in the run that panels are asked about: none can be taken for another."""
    found = [check["status"] for check in second_env.seen.run.report["checks"]]
    counts = {status: found.count(status) for status in STATUSES}

    assert sorted(set(counts.values())) == sorted(counts.values()), counts
    assert counts["error"] > 0


@pytest.mark.parametrize("title", PANELS)
def test_panel_shows_the_env_that_is_chosen(
    title: str, second_env: SecondEnv, first_run: FollowedRun, panel_probe: PanelProbe
) -> None:
    """With the other env chosen, the panel shows that env's report and none of the first one's numbers."""
    probe = replace(panel_probe, env=ENV)

    shown = probe.ask(find_panel(probe.panels(), title, row=ROW), second_env.seen).by_name()

    expected = expected_on(title, second_env.seen)
    assert shown == pytest.approx(expected, rel=1e-6), f"panel {title!r} of env {ENV} shows {shown}, not {expected}"
    first = expected_on(title, first_run)
    same = {name for name in expected if expected[name] == first.get(name)}
    assert same <= {"FAIL"}, f"{title}: {same} is the same in both envs, so this says nothing"


def test_both_envs_stand_beside_each_other(
    second_env: SecondEnv, first_run: FollowedRun, prometheus: PrometheusClient
) -> None:
    """At one moment Prometheus has a success of the first env and none of the second, and each its own last run."""
    at = second_env.seen.at
    success = prometheus.query("arbitrage_preflight_last_success", time=at)
    last = prometheus.query("arbitrage_preflight_last_run_timestamp_seconds", time=at)

    assert {s.labels["env"]: s.value for s in success.samples if s.labels["env"] in {"paper", ENV}} == {
        "paper": 1.0,
        ENV: 0.0,
    }
    ended = {s.labels["env"]: s.value for s in last.samples}
    assert ended[ENV] == second_env.seen.ended_at > ended["paper"] >= first_run.ended_at


def test_a_run_that_cannot_tell_is_no_go_ahead(second_env: SecondEnv) -> None:
    """A required check could not tell: UNVERIFIED, exit 3, in report and console, and because of that check."""
    run = second_env.seen.run

    assert (run.report["verdict"], run.report["exit_code"], run.exit_code) == ("UNVERIFIED", 3, 3), run.stdout
    errors = [check["id"] for check in run.report["checks"] if check["status"] == "error"]
    assert errors == ["storage"]
    (ending,) = (line for line in run.stdout.splitlines() if " (exit " in line)
    assert ending.startswith("UNVERIFIED: the bot must not go: a required check could not tell (exit 3, ")
    assert "  because storage: " in run.stdout
    assert second_env.seen.value("arbitrage_preflight_last_success") == 0


def test_a_run_that_cannot_tell_is_a_p0(second_env: SecondEnv) -> None:
    """UNVERIFIED is as urgent as NO_GO. Telegram said nothing, so it waits: it is neither sent nor lost."""
    alerts = second_env.seen.run.report["alerts"]

    assert [(item["severity"], item["outcome"]) for item in alerts["items"]] == [("P0", "spooled")], alerts
    assert alerts["pending"] == 1
    assert second_env.seen.value("arbitrage_preflight_alerts_pending") == 1
    assert second_env.texts == ()


def test_a_silent_telegram_is_waited_for_so_long_and_no_longer(second_env: SecondEnv, alerting: Alerting) -> None:
    """The run waits for Telegram's silence as long as it may, says that it met it, and then ends."""
    report = second_env.seen.run.report
    (channel,) = (check for check in report["checks"] if check["id"] == "alert_channel")

    assert (channel["status"], channel["origin"]) == ("warn", "error")
    assert PATIENCE <= channel["duration_seconds"] <= report["duration_seconds"] < LONGEST
    assert report["alerts"]["items"][0]["reason"].startswith("Telegram: no answer within ")
    assert alerting.telegram.met("timeout-before") >= len(SILENT)


def test_the_duration_is_that_of_the_whole_run(second_env: SecondEnv) -> None:
    """Not of one check, and not without the waiting: it is what lies between start and end."""
    seen = second_env.seen
    report = seen.run.report
    began = seen.value("arbitrage_preflight_last_start_timestamp_seconds")

    assert report["duration_seconds"] == pytest.approx(report["ended_at"] - report["started_at"], abs=0.2)
    assert seen.value("arbitrage_preflight_duration_seconds_sum") == pytest.approx(report["duration_seconds"])
    assert began == pytest.approx(report["started_at"], abs=0.2)


@pytest.mark.parametrize(
    ("title", "metric"),
    [
        ("Recorded Runs", "arbitrage_preflight_runs_total"),
        ("Alerts Pending", "arbitrage_preflight_alerts_pending"),
        ("Ready for Live", "arbitrage_preflight_ready_for_live"),
        ("Ledger Resets", "arbitrage_preflight_ledger_resets_total"),
    ],
)
def test_detail_panel_shows_the_number_of_its_env(
    title: str, metric: str, second_env: SecondEnv, panel_probe: PanelProbe
) -> None:
    """The stat panels of the detail row show what the run's report says was written, under the env's name."""
    probe = replace(panel_probe, env=ENV)

    shown = probe.ask(find_panel(probe.panels(), title, row="Preflight Detail"), second_env.seen).by_name()

    expected: Mapping[str, float] = {ENV: second_env.seen.value(metric)}
    assert shown == expected, f"panel {title!r} shows {shown}, and the report says {expected}"
