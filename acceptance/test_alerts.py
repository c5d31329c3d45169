"""Alerts on real servers: each P0 arrives, a warning is said once a window, and nothing is lost in an outage.

They run in env `test`, whose throttle and counters are its own, after the runs that count from zero.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from acceptance.alerting import Alerting
from acceptance.follow import Seen
from acceptance.stack.base import PreflightRun, Stack
from acceptance.stack.wait import Answer, wait_until

pytestmark = pytest.mark.own_stack

ENV = "test"
WINDOW = 4.0  # seconds of throttle for the runs here
BAD = {"PREFLIGHT_REDIS__PORT": "1"}  # nobody listens there: FAIL
SLOW = {"PREFLIGHT_REDIS__SLOW_AFTER": "0.0000001"}  # any answer is a WARN
IMPATIENT = {"PREFLIGHT_TELEGRAM__DEADLINE": "0.5"}

Run = Callable[..., PreflightRun]


@pytest.fixture(scope="module")
def run(stack: Stack, alerting: Alerting, variables: Mapping[str, str], third_run: Seen) -> Iterator[Run]:
    """Run preflight in env `test`, without what takes long and has no part in this: `run({...}, "alerts", "flush")`."""
    assert third_run.run.report["env"] != ENV
    quick = {
        **variables,
        **alerting.variables,
        "PREFLIGHT_EXCHANGES__UPBIT__ENABLED": "false",
        "PREFLIGHT_EXCHANGES__BINANCE__ENABLED": "false",
        "PREFLIGHT_ALERTS__P1_WINDOW": str(WINDOW),
        "PREFLIGHT_ALERTS__LANG": "en",
    }

    def start(changed: Mapping[str, str] | None = None, *args: str) -> PreflightRun:
        return stack.run_preflight(*args, "--env", ENV, env={**quick, **(changed or {})})

    yield start
    # The last run of this env is what the rules look at: it must not go on saying that something is wrong.
    assert start().exit_code == 0


@pytest.fixture
def texts(alerting: Alerting) -> Callable[[], list[str]]:
    """What came into the chat since the test began."""
    before = len(alerting.texts)
    return lambda: alerting.texts[before:]


@contextmanager
def _outage(alerting: Alerting) -> Iterator[None]:
    """Let Telegram answer every message with a server error."""
    alerting.telegram.fault("500", times=10**6)
    try:
        yield
    finally:
        with alerting.telegram.state.lock:
            alerting.telegram.state.faults.clear()


def _items(run: PreflightRun) -> list[tuple[str, str, bool]]:
    assert run.report, f"{run.stdout}{run.stderr}"
    return [(item["severity"], item["outcome"], item["replayed"]) for item in run.report["alerts"]["items"]]


def _total(run: PreflightRun, **labels: str) -> float:
    """Give the sum of `alerts_total` over what has these labels, as the run's report says it was written."""
    return sum(
        float(sample["value"])
        for sample in run.report["metrics"]
        if sample["name"] == "arbitrage_preflight_alerts_total" and labels.items() <= sample["labels"].items()
    )


def _pending(run: PreflightRun) -> float:
    return next(float(s["value"]) for s in run.report["metrics"] if s["name"] == "arbitrage_preflight_alerts_pending")


def _history(run: Run) -> dict[str, dict[str, Any]]:
    """Give the rows in Postgres by the id of the alert."""
    done = run(None, "alerts", "history")
    assert done.exit_code == 0, done.stderr
    return {row["alert_id"]: row for row in done.report["alerts"]}


def test_a_failure_is_one_p0_within_three_seconds(run: Run, texts: Callable[[], list[str]], alerting: Alerting) -> None:
    """What fails is in the chat within 3 s of the verdict, with what to do and the run's id; Postgres has its row."""
    failed = run(BAD)

    assert (failed.exit_code, failed.report["verdict"]) == (1, "NO_GO")
    (text,) = texts()
    run_id = failed.report["run_id"]
    for part in ("P0 NO_GO", ENV, "redis", "FAIL", "refuses connections", "PREFLIGHT_REDIS__HOST", run_id):
        assert part in text
    assert alerting.evidence()["chat"][-1]["at"] - failed.report["ended_at"] < 3
    assert _items(failed) == [("P0", "sent", False)]
    row = _history(run)[f"{run_id}-P0"]
    assert (row["outcome"], row["severity"], row["env"]) == ("sent", "P0", ENV)
    assert row["at"] == pytest.approx(failed.report["ended_at"], abs=1e-3)
    assert f"{ENV}/redis/fail" in row["fingerprint"]


def test_ten_failures_are_ten_p0(run: Run, texts: Callable[[], list[str]]) -> None:
    """A P0 is never throttled: ten runs that fail are ten messages, each of its own run."""
    ids = [run(BAD).report["run_id"] for _ in range(10)]

    assert [run_id in text for run_id, text in zip(ids, texts(), strict=True)] == [True] * 10


def test_a_warning_is_said_once_a_window(run: Run, texts: Callable[[], list[str]]) -> None:
    """The same warning is sent, held back, and sent again after the window, saying how many were held back."""
    first = run(SLOW)
    second = run(SLOW)
    opens = first.report["ended_at"] + WINDOW + 1

    def probe() -> Answer[None]:
        return Answer(done=time.time() > opens, said="the window is not over")

    wait_until(probe, asked="the clock", timeout=WINDOW + 5)
    third = run(SLOW)

    assert [(r.exit_code, _items(r)) for r in (first, second, third)] == [
        (0, [("P1", "sent", False)]),
        (0, [("P1", "throttled", False)]),
        (0, [("P1", "sent", False)]),
    ], first.stdout + first.stderr
    assert ["redis</b> WARN" in text for text in texts()] == [True, True]
    assert "held back" not in texts()[0]
    assert "held back" in texts()[1]


def test_two_runs_with_the_same_warning_at_once_send_it_once(run: Run, texts: Callable[[], list[str]]) -> None:
    """Two processes cannot both have the right to say the same."""
    slow = {"PREFLIGHT_POSTGRES__SLOW_AFTER": "0.0000001"}  # not said before in this env
    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = list(pool.map(run, [slow, slow]))

    told = [item[:2] for each in runs for item in _items(each)]
    assert sorted(told) == [("P1", "sent"), ("P1", "throttled")]
    assert len([text for text in texts() if "postgres</b> WARN" in text]) == 1


def test_a_p0_survives_an_outage_of_telegram(run: Run, texts: Callable[[], list[str]], alerting: Alerting) -> None:
    """While Telegram is away P0s are spooled, said on stderr and counted; the next run sends them first, in order."""
    before = run(BAD)
    with _outage(alerting):
        lost = [run({**BAD, **IMPATIENT}) for _ in range(2)]

    assert [_items(each) for each in lost] == [[("P0", "spooled", False)]] * 2
    assert [_pending(each) for each in lost] == [1, 2]
    assert "500" in lost[0].stderr
    assert lost[0].report["run_id"] in lost[0].stderr
    grown = _total(lost[1], severity="P0", outcome="spooled") - _total(before, severity="P0", outcome="spooled")
    assert grown == 2
    after = run(BAD)
    assert _items(after) == [("P0", "sent", True), ("P0", "sent", True), ("P0", "sent", False)]
    assert _pending(after) == 0
    ids = [each.report["run_id"] for each in (before, *lost, after)]
    assert [run_id in text for run_id, text in zip(ids, texts(), strict=True)] == [True] * 4
    assert ["late" in text for text in texts()] == [False, True, True, False]
    assert [_history(run)[f"{run_id}-P0"]["outcome"] for run_id in ids] == ["sent"] * 4


def test_flush_delivers_what_waits(run: Run, texts: Callable[[], list[str]], alerting: Alerting) -> None:
    """`alerts list` shows what waits, `alerts flush` sends it in order with exit 0, then nothing waits."""
    with _outage(alerting):
        lost = [run({**BAD, **IMPATIENT}).report["run_id"] for _ in range(2)]
        listed = run(None, "alerts", "list").report["messages"]
        refused = run(IMPATIENT, "alerts", "flush")
    flushed = run(None, "alerts", "flush")

    assert [message["id"] for message in listed] == [f"{run_id}-P0" for run_id in lost]
    assert (refused.exit_code, flushed.exit_code) == (1, 0)
    assert [message["id"] for message in flushed.report["sent"]] == [f"{run_id}-P0" for run_id in lost]
    assert [run_id in text for run_id, text in zip(lost, texts(), strict=True)] == [True, True]
    assert run(None, "alerts", "list").report["messages"] == []


def test_rows_wait_while_postgres_is_away(run: Run, stack: Stack, texts: Callable[[], list[str]]) -> None:
    """With Postgres down the P0 about that arrives, and its row is written by the next run."""
    stack.stop_service("postgres")
    try:
        down = run()
    finally:
        stack.start_service("postgres")
    assert down.report["verdict"] == "NO_GO"
    assert [item["row"] for item in down.report["alerts"]["items"]] == ["spooled"]
    assert "postgres" in texts()[0]

    run(BAD)

    assert _history(run)[f"{down.report['run_id']}-P0"]["outcome"] == "sent"


def test_migrating_again_changes_nothing(run: Run) -> None:
    """`db migrate` is idempotent."""
    again = run(None, "db", "migrate")

    assert (again.exit_code, again.report["applied"]) == (0, [])


def test_alerts_test_sends_a_message(run: Run, texts: Callable[[], list[str]]) -> None:
    """`alerts test` puts a message into the chat and says under which number."""
    done = run(None, "alerts", "test")

    assert (done.exit_code, done.report["accepted"]) == (0, True), done.stderr
    assert len(texts()) == 1
    assert "test message" in texts()[0]


def test_counters_are_what_the_chat_holds(run: Run, alerting: Alerting) -> None:
    """`alerts_total{outcome="sent"}` of P0 and P1 is the number of messages of this env, the test message apart."""
    last = run(BAD)

    in_chat = [text for text in alerting.texts if f"· {ENV}</b>" in text]
    assert _total(last, severity="P0", outcome="sent") + _total(last, severity="P1", outcome="sent") == len(in_chat)
    assert _total(last, outcome="failed") == 0


def test_the_token_is_nowhere(run: Run, alerting: Alerting) -> None:
    """Neither token nor chat id is in what a run writes, in the chat, or in Postgres, whatever Telegram answers."""
    token, chat_id = alerting.secrets
    alerting.telegram.fault("401")
    failed = run(BAD)
    run(None, "alerts", "flush")

    outputs = (failed.stdout, failed.stderr, failed.prom, json.dumps(failed.report), json.dumps(_history(run)))
    written = "".join((*outputs, *alerting.texts))
    assert "401" in failed.stderr
    assert token not in written
    assert chat_id not in written
