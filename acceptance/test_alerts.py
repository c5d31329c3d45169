"""Alerts on real servers: each P0 arrives, a warning is said once a window, and nothing is lost in an outage.

They run in env `test`, whose throttle and counters are its own, after the runs that count from zero.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from acceptance.probes import PrometheusClient
from acceptance.probes.exposition import parse
from acceptance.proof.follow import LAST_RUN, FollowedRun
from acceptance.stack.interface import PreflightRun, Stack
from acceptance.stack.wait import Observation, wait_until
from acceptance.world.alerting import CHAT_FILE, Alerting
from evidence.bundle import Bundle
from evidence.machine import MachinePaths

pytestmark = pytest.mark.own_stack

ENV = "test"
TOTAL, PENDING = "arbitrage_preflight_alerts_total", "arbitrage_preflight_alerts_pending"
BAD = {"PREFLIGHT_REDIS__PORT": "1"}  # nobody listens there: FAIL
SLOW = {"PREFLIGHT_REDIS__SLOW_AFTER": "0.0000001"}  # any answer is a WARN
IMPATIENT = {"PREFLIGHT_TELEGRAM__DEADLINE": "1", "PREFLIGHT_TELEGRAM__TIMEOUT": "0.5"}
# A gate that does not know them cannot blot them out of what it shows.
UNKNOWING = {"PREFLIGHT_TELEGRAM__TOKEN_FILE": "", "PREFLIGHT_TELEGRAM__CHAT_ID_FILE": ""}
SHORT_WINDOW = 1.0  # seconds of throttle for the one run that waits for the end of a window
LATE = 3.0  # seconds; for the run that has to call older messages late

Run = Callable[..., PreflightRun]


@pytest.fixture(scope="module")
def run(stack: Stack, alerting: Alerting, variables: Mapping[str, str], third_run: FollowedRun) -> Iterator[Run]:
    """Run preflight in env `test`, without what takes long and has no part in this: `run({...}, "alerts", "flush")`."""
    assert third_run.run.report["env"] != ENV
    quick = {
        **variables,
        **alerting.variables,
        "PREFLIGHT_EXCHANGES__UPBIT__ENABLED": "false",
        "PREFLIGHT_EXCHANGES__BINANCE__ENABLED": "false",
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


def _wait_until_after(moment: float) -> None:
    def probe() -> Observation[None]:
        return Observation(done=time.time() > moment, said="it is too early")

    wait_until(probe, asked="the clock", timeout=max(0.0, moment - time.time()) + 5)


def _items(run: PreflightRun) -> list[tuple[str, str, bool]]:
    assert run.report, f"{run.stdout}{run.stderr}"
    return [(item["severity"], item["outcome"], item["replayed"]) for item in run.report["alerts"]["items"]]


def _total(run: PreflightRun, **labels: str) -> float:
    """Give the sum of `alerts_total` over what has these labels, as the run's report says it was written."""
    return sum(
        float(sample["value"])
        for sample in run.report["metrics"]
        if sample["name"] == TOTAL and labels.items() <= sample["labels"].items()
    )


def _pending(run: PreflightRun) -> float:
    return next(float(s["value"]) for s in run.report["metrics"] if s["name"] == PENDING)


def _history(run: Run, changed: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Give the rows in Postgres by the id of the alert."""
    done = run(changed, "alerts", "history")
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
    """A P0 is never throttled: ten runs that fail, by twos, are ten messages, each of its own run."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        ids = [each.report["run_id"] for each in pool.map(run, [BAD] * 10)]

    assert len(texts()) == 10
    assert {run_id: sum(run_id in text for text in texts()) for run_id in ids} == dict.fromkeys(ids, 1)
    history = _history(run)
    assert [(history[f"{run_id}-P0"]["severity"], history[f"{run_id}-P0"]["outcome"]) for run_id in ids] == [
        ("P0", "sent")
    ] * 10


def test_a_warning_is_said_once_a_window(run: Run, texts: Callable[[], list[str]]) -> None:
    """The same warning is sent, held back, and sent again after the window, saying how many were held back."""
    first = run(SLOW)
    second = run(SLOW)
    _wait_until_after(second.report["ended_at"] + SHORT_WINDOW)
    third = run({**SLOW, "PREFLIGHT_ALERTS__P1_WINDOW": str(SHORT_WINDOW)})

    assert [(r.exit_code, _items(r)) for r in (first, second, third)] == [
        (0, [("P1", "sent", False)]),
        (0, [("P1", "throttled", False)]),
        (0, [("P1", "sent", False)]),
    ], first.stdout + first.stderr
    assert ["redis</b> WARN" in text for text in texts()] == [True, True]
    assert "held back" not in texts()[0]
    assert "held back since the last message: <code>1</code>" in texts()[1]
    history = _history(run)
    sent = [history[f"{each.report['run_id']}-P1"] for each in (first, third)]
    assert [(row["severity"], row["outcome"]) for row in sent] == [("P1", "sent")] * 2
    assert [f"{ENV}/redis/warn" in row["fingerprint"].split() for row in sent] == [True, True]
    assert f"{second.report['run_id']}-P1" not in history  # it is in the counter, not in the table


def test_two_runs_with_the_same_warning_at_once_send_it_once(run: Run, texts: Callable[[], list[str]]) -> None:
    """Of two processes one says it; that no moment is too close is tested in tests/preflight/test_ledger_processes."""
    slow = {"PREFLIGHT_POSTGRES__SLOW_AFTER": "0.0000001"}  # not said before in this env
    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = list(pool.map(run, [slow, slow]))

    told = [item[:2] for each in runs for item in _items(each)]
    assert sorted(told) == [("P1", "sent"), ("P1", "throttled")]
    assert len([text for text in texts() if "postgres</b> WARN" in text]) == 1


def test_a_p0_survives_an_outage_of_telegram(run: Run, texts: Callable[[], list[str]], alerting: Alerting) -> None:
    """While Telegram is away P0s are spooled, said on stderr and counted; the next run sends them first, in order."""
    before = run(BAD)
    with alerting.telegram.outage("500"):
        lost = [run({**BAD, **IMPATIENT}) for _ in range(2)]

    assert [_items(each) for each in lost] == [[("P0", "spooled", False)]] * 2
    assert [_pending(each) for each in lost] == [1, 2]
    assert "Telegram: 500" in lost[0].stderr
    assert lost[0].report["run_id"] in lost[0].stderr
    grown = _total(lost[1], severity="P0", outcome="spooled") - _total(before, severity="P0", outcome="spooled")
    assert grown == 2
    _wait_until_after(lost[-1].report["ended_at"] + LATE)
    after = run({**BAD, "PREFLIGHT_TELEGRAM__DEADLINE": str(LATE)})
    assert _items(after) == [("P0", "sent", True), ("P0", "sent", True), ("P0", "sent", False)]
    assert _pending(after) == 0
    ids = [each.report["run_id"] for each in (before, *lost, after)]
    assert [run_id in text for run_id, text in zip(ids, texts(), strict=True)] == [True] * 4
    assert ["late" in text for text in texts()] == [False, True, True, False]
    history = _history(run)
    assert [history[f"{run_id}-P0"]["outcome"] for run_id in ids] == ["sent"] * 4


def test_flush_delivers_what_waits(run: Run, texts: Callable[[], list[str]], alerting: Alerting) -> None:
    """`alerts list` shows what waits, `alerts flush` sends it in order with exit 0, then nothing waits."""
    with alerting.telegram.outage("500"):
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


def test_counters_are_what_the_chat_holds(run: Run, alerting: Alerting, prometheus: PrometheusClient) -> None:
    """`alerts_total{outcome="sent"}` of P0 and P1 is the number of messages of this env, the test message apart.

    It is in the report, in the `.prom`, and in Prometheus; so is the length of the spool, which is 0.
    """
    last = run(BAD)

    in_chat = len([text for text in alerting.texts if f"· {ENV}</b>" in text])
    assert _total(last, severity="P0", outcome="sent") + _total(last, severity="P1", outcome="sent") == in_chat
    assert _total(last, outcome="failed") == 0
    prom = parse(last.prom, origin="the .prom of this run")
    written = [prom.value(TOTAL, env=ENV, severity=severity, outcome="sent") for severity in ("P0", "P1")]
    assert sum(value or 0.0 for value in written) == in_chat
    assert prom.value(PENDING, env=ENV) == 0

    wanted = {TOTAL: in_chat, PENDING: 0.0, LAST_RUN: last.report["ended_at"]}
    names = "|".join(wanted)
    query = f'sum by (__name__) ({{__name__=~"{names}", env="{ENV}", outcome=~"sent|", severity=~"P0|P1|"}})'

    def probe() -> Observation[None]:
        result = prometheus.query(query)
        found = {sample.labels["__name__"]: sample.value for sample in result.samples}
        return Observation(done=found == wanted, said=f"{found}, wanted {wanted}")

    wait_until(probe, asked=query, timeout=60)


# One of each kind of answer; every single fault is met by a real process in tests/preflight/alerts/test_killed.py.
@pytest.mark.parametrize("fault", ["400", "401", "500", "garbage", "timeout-after"])
def test_the_token_is_nowhere(fault: str, run: Run, alerting: Alerting) -> None:
    """Whatever Telegram does, neither token nor chat id is in what a run writes, the spool, or the chat."""
    before = alerting.telegram.met(fault)
    with alerting.telegram.outage(fault, retry_after=0.1):
        failed = run({**BAD, **IMPATIENT})
        listed = run(UNKNOWING, "alerts", "list")
    assert listed.exit_code == 0, listed.stderr
    assert alerting.telegram.met(fault) > before, failed.stderr
    flushed = run(None, "alerts", "flush")
    assert flushed.exit_code == 0, flushed.stderr

    documents = [failed.report, listed.report, flushed.report]
    outputs = [text for each in (failed, listed, flushed) for text in (each.stdout, each.stderr, each.prom)]
    written = "".join((*outputs, *map(json.dumps, documents), *alerting.texts))
    assert f"{failed.report['run_id']}-P0" in written
    for secret in alerting.secrets:
        assert secret not in written


@pytest.fixture(scope="module")
def last(run: Run) -> PreflightRun:
    """A NO_GO after all of the above."""
    return run(BAD)


def test_the_token_is_in_no_row(run: Run, last: PreflightRun, alerting: Alerting) -> None:
    """Nor did any of that get into Postgres: neither token nor chat id is in a row."""
    rows = json.dumps(_history(run, UNKNOWING))
    assert f"{last.report['run_id']}-P0" in rows
    for secret in alerting.secrets:
        assert secret not in rows


def test_the_chat_is_in_the_evidence(last: PreflightRun, alerting: Alerting, bundle: Bundle) -> None:
    """What came into the chat can be read in the bundle: P0 and P1, without a secret."""
    alerting.record(bundle)

    document = json.loads(bundle.where(CHAT_FILE).read_text(encoding="utf-8"))
    texts = [message["text"] for message in document["chat"]]
    assert texts == [MachinePaths().hide(text.encode()).decode() for text in alerting.texts]
    assert f"P0 NO_GO · {ENV}" in texts[-1]
    assert last.report["run_id"] in texts[-1]
    assert any(f"P1 GO · {ENV}" in text for text in texts)
    for secret in alerting.secrets:
        assert secret not in json.dumps(document)
