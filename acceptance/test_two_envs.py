"""Two envs with different numbers at once: no constant and no other env's or slice's number can pass for either."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from acceptance.probes import PrometheusClient
from acceptance.proof.ask_panel import AskPanel
from acceptance.proof.follow import FollowedRun
from acceptance.proof.second_env import DURATION_BOUNDS, ENV, SILENT, SecondEnv
from acceptance.test_dashboard import PANELS, expected_on
from acceptance.test_metrics import FAMILIES, wrong_values
from acceptance.world.alerting import Alerting

pytestmark = pytest.mark.own_stack

SUCCESS = "arbitrage_preflight_last_success_timestamp_seconds"
BEYOND = 25.0  # seconds that a busy machine may take on top of the waiting
STATUSES = ("pass", "fail", "warn", "error", "skip")


@pytest.fixture(scope="module")
def slow(second_env: SecondEnv) -> FollowedRun:
    """The slow run that ended in NO_GO while Telegram was silent."""
    return second_env.slow


@pytest.fixture(scope="module")
def untold(second_env: SecondEnv) -> FollowedRun:
    """The run that could not tell."""
    return second_env.untold


def test_each_status_has_a_number_of_its_own(slow: FollowedRun) -> None:
    """No two statuses are equally frequent in the run that panels are asked about: none can be taken for another."""
    found = [check["status"] for check in slow.run.report["checks"]]
    counts = {status: found.count(status) for status in STATUSES}

    assert sorted(set(counts.values())) == sorted(counts.values()), counts


@pytest.mark.parametrize("title", PANELS)
def test_panel_shows_the_env_that_is_chosen(
    title: str, slow: FollowedRun, first_run: FollowedRun, ask_panel: AskPanel
) -> None:
    """With the other env chosen, the panel shows that env's report and none of the first one's numbers."""
    shown = ask_panel(title, slow, ENV).by_name()

    expected = expected_on(title, slow)
    assert shown == pytest.approx(expected, rel=1e-6), f"panel {title!r} of env {ENV} shows {shown}, not {expected}"
    first = expected_on(title, first_run)
    same = {name for name in expected if expected[name] == first.get(name)}
    # No run can be in a higher bucket than a first one that was beyond them all, as on a machine that stands still.
    beyond = {"P95"} if first.get("P95") == DURATION_BOUNDS[-1] else set()
    assert same <= {"ERROR"} | beyond, f"{title}: {same} is the same in both envs, so this says nothing"


def test_breakdown_counts_what_could_not_tell(untold: FollowedRun, ask_panel: AskPanel) -> None:
    """An ERROR is its own slice: not a FAIL, and not left out."""
    shown = ask_panel("Check Status Breakdown", untold, ENV).by_name()

    assert shown == expected_on("Check Status Breakdown", untold)
    assert (shown["ERROR"], shown["FAIL"]) == (1.0, 0.0)


def test_both_envs_stand_beside_each_other(
    slow: FollowedRun, first_run: FollowedRun, prometheus: PrometheusClient
) -> None:
    """At one moment Prometheus has a success of the first env and none of the second, and each its own last run."""
    success = prometheus.query("arbitrage_preflight_last_success", time=slow.at)
    last = prometheus.query("arbitrage_preflight_last_run_timestamp_seconds", time=slow.at)

    said = {s.labels["env"]: s.value for s in success.samples if s.labels["env"] in {first_run.env, ENV}}
    assert said == {first_run.env: 1.0, ENV: 0.0}
    ended = {s.labels["env"]: s.value for s in last.samples}
    assert ended[ENV] == slow.ended_at > ended[first_run.env] >= first_run.ended_at


def _ending(run: FollowedRun) -> str:
    (line,) = (line for line in run.run.stdout.splitlines() if " (exit " in line)
    return line


def test_a_no_go_says_no_go(slow: FollowedRun) -> None:
    """NO_GO, exit 1, in report, exit code and console alike, and because of the check that failed."""
    report = slow.run.report

    assert (report["verdict"], report["exit_code"], slow.run.exit_code) == ("NO_GO", 1, 1), slow.run.stdout
    assert _ending(slow).startswith("NO_GO: the bot must not go: a check failed (exit 1, ")
    assert slow.run.stdout.splitlines()[2].startswith("  FAIL   storage "), slow.run.stdout
    assert slow.value("arbitrage_preflight_last_success") == 0


def test_a_run_that_cannot_tell_is_unverified(untold: FollowedRun) -> None:
    """A required check could not tell: UNVERIFIED, exit 3, in report, exit code and console alike."""
    report = untold.run.report

    assert (report["verdict"], report["exit_code"], untold.run.exit_code) == ("UNVERIFIED", 3, 3), untold.run.stdout
    assert [check["id"] for check in report["checks"] if check["status"] == "error"] == ["postgres"]
    assert _ending(untold).startswith("UNVERIFIED: the bot must not go: a required check could not tell (exit 3, ")
    assert untold.run.stdout.splitlines()[2].startswith("  ERROR  postgres "), untold.run.stdout
    assert untold.value("arbitrage_preflight_last_success") == 0


def test_a_go_says_go(first_run: FollowedRun) -> None:
    """GO, exit 0, in report, exit code and console alike."""
    report = first_run.run.report

    assert (report["verdict"], report["exit_code"], first_run.run.exit_code) == ("GO", 0, 0), first_run.run.stdout
    assert _ending(first_run).startswith("GO: the bot may go (exit 0, ")


def test_a_silent_telegram_delivers_nothing(second_env: SecondEnv, slow: FollowedRun) -> None:
    """Telegram said nothing to a P0, so it waits: it is neither sent nor lost, and the chat has none of it."""
    alerts = slow.run.report["alerts"]

    assert [(item["severity"], item["outcome"]) for item in alerts["items"]] == [("P0", "spooled")], alerts
    assert alerts["pending"] == 1
    assert slow.value("arbitrage_preflight_alerts_pending") == 1
    assert slow.value("arbitrage_preflight_alerts_total", severity="P0", outcome="spooled") == 1
    assert slow.value("arbitrage_preflight_alerts_total", severity="P0", outcome="sent") == 0
    assert second_env.slow_texts == ()


def test_a_silent_telegram_is_waited_for_so_long_and_no_longer(second_env: SecondEnv, alerting: Alerting) -> None:
    """The run waits for Telegram's silence as long as it may, says that it met it, and then ends."""
    report, patience = second_env.slow.run.report, second_env.patience
    (channel,) = (check for check in report["checks"] if check["id"] == "alert_channel")

    assert (channel["status"], channel["origin"]) == ("warn", "error")
    assert patience <= channel["duration_seconds"] <= report["duration_seconds"] < patience + BEYOND, channel
    assert report["alerts"]["items"][0]["reason"].startswith("Telegram: no answer within ")
    assert alerting.telegram.met("timeout-before") >= len(SILENT)


def test_a_run_that_cannot_tell_is_a_p0(second_env: SecondEnv, slow: FollowedRun, untold: FollowedRun) -> None:
    """UNVERIFIED is as urgent as NO_GO: it is sent, after what had waited since the silence."""
    items = untold.run.report["alerts"]["items"]

    assert [(item["id"], item["outcome"], item["replayed"]) for item in items] == [
        (f"{slow.run.report['run_id']}-P0", "sent", True),
        (f"{untold.run.report['run_id']}-P0", "sent", False),
    ]
    assert [
        f"P0 {verdict} · {ENV}" in text
        for verdict, text in zip(("NO_GO", "UNVERIFIED"), second_env.untold_texts, strict=True)
    ] == [True, True]
    assert untold.value("arbitrage_preflight_alerts_pending") == 0


def test_the_duration_is_that_of_the_whole_run(slow: FollowedRun) -> None:
    """Not of one check, and not without the waiting: it is what lies between start and end."""
    report = slow.run.report
    began = slow.value("arbitrage_preflight_last_start_timestamp_seconds")

    assert report["duration_seconds"] == pytest.approx(report["ended_at"] - report["started_at"], abs=0.05)
    recorded = slow.value("arbitrage_preflight_duration_seconds_sum")
    assert recorded == pytest.approx(report["duration_seconds"]), "the recorded duration is not that of the run"
    assert began == pytest.approx(report["started_at"], abs=0.05)
    assert report["duration_seconds"] > max(check["duration_seconds"] for check in report["checks"])


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != SUCCESS])
def test_each_series_is_what_the_report_tells(family: str, slow: FollowedRun) -> None:
    """The numbers of a run that is slow, fails and warns follow from its report; of a success it says nothing."""
    wrong = wrong_values(slow, family)

    assert wrong == [], "; ".join(wrong)
    assert SUCCESS not in slow.run.prom


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
    title: str, metric: str, slow: FollowedRun, ask_panel: AskPanel
) -> None:
    """The stat panels of the detail row show what the run's report says was written, under the env's name."""
    shown = ask_panel(title, slow, ENV).by_name()

    expected: Mapping[str, float] = {ENV: slow.value(metric)}
    assert shown == expected, f"panel {title!r} shows {shown}, and the report says {expected}"
