from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from acceptance.world.telegram import TelegramStandin
from preflight.alerts.settle import Announced
from preflight.check import Check, Context
from preflight.conclusion import RunOptions
from preflight.config.settings import Settings
from preflight.errors import Interrupted
from preflight.gate import Gate
from preflight.message import Message
from preflight.model import AlertItem, AlertSummary, Mode, Outcome, Report, Status, Verdict, decide
from preflight.record import catalogue
from preflight.record.ledger import Ledger
from preflight.registry import Registry
from preflight.render.console import render_plain

MakeGate = Callable[..., Gate]

pytestmark = pytest.mark.usefixtures("no_child_left")

ITEM = AlertItem(id="r-P3", severity="P3", outcome="sent", at=1.0)


class Voice:
    """An announcer that writes down what it was told, and does what a test wants."""

    def __init__(self, *does: Any, keeps: Callable[[Report, Ledger], None] = lambda *_: None) -> None:
        self.heard: list[Report] = []
        self._does = list(does)
        self._keeps = keeps
        self._made: dict[str, Any] = {}

    def __call__(self, **made: Any) -> Voice:
        """Be made for a run."""
        assert made.keys() == {"settings", "ledger", "output", "warn", "now"}
        self._made = made
        return self

    def keep(self, report: Report) -> None:
        """Be told before the record."""
        self._keeps(report, self._made["ledger"])

    def announce(self, report: Report) -> Announced:
        """Be told."""
        self.heard.append(report)
        what = self._does.pop(0) if self._does else None
        if isinstance(what, BaseException):
            raise what
        summary = AlertSummary(enabled=True, reason="", items=(ITEM,), pending=0)
        if isinstance(what, str):
            return Announced(summary=summary, snapshot=None, unpublished=what)
        snapshot = self._made["ledger"].record_alerts(report.env.value, {("P3", "sent"): 1}, pending=0)
        return Announced(summary=summary, snapshot=snapshot)

    @property
    def verdicts(self) -> list[Verdict]:
        """Of the reports it was given."""
        return [report.decision.verdict for report in self.heard]


@pytest.fixture
def make_gate(make_check: Callable[..., Check], make_settings: Callable[..., Settings], tmp_path: Path) -> MakeGate:
    """Make a gate on a real ledger: `make_gate(voice, Status.FAIL, options=..., write_report=...)`."""

    def make(voice: Voice | None, status: Status = Status.PASS, **given: Any) -> Gate:
        def does(_: Context) -> Outcome:
            return Outcome(status=status, summary=Message(status.value), hint=Message("h"))

        base: dict[str, Any] = {
            "settings": make_settings(),
            "options": RunOptions(**given.pop("options", {})),
            "registry": Registry((make_check("redis", does),)),
            "environ": {},
            "cwd": tmp_path,
            "make_announcer": voice,
        }
        return Gate(**{**base, **given})

    return make


def test_alerts_are_part_of_the_report(make_gate: MakeGate) -> None:
    """They are sent after the record and before the report, which holds them and the metrics with them in."""
    voice = Voice()
    written: list[Report] = []
    report = make_gate(voice, write_report=written.append).run()

    assert (report.decision.verdict, report.recorded) == (Verdict.GO, True)
    assert voice.heard[0].recorded
    assert report.alerts.items == (ITEM,)
    assert written == [report]
    assert [
        sample.value
        for sample in report.samples
        if sample.name == "arbitrage_preflight_alerts_total" and sample.labels["severity"] == "P3"
    ] == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "options", [{"mode": Mode.DRY_RUN}, {"mode": Mode.PARTIAL, "only": ("redis",)}, {"alerts": False}], ids=str
)
def test_who_sends_nothing(options: dict[str, Any], make_gate: MakeGate) -> None:
    """A dry run, a part of the checks and --no-alerts say nothing, and the report says that."""
    voice = Voice()
    report = make_gate(voice, Status.FAIL, options=options).run()

    assert voice.heard == []
    assert not report.alerts.enabled
    assert report.alerts.reason


@pytest.mark.parametrize(
    "error", [ValueError("x"), SystemExit(0), KeyboardInterrupt(), Interrupted("SIGTERM"), MemoryError()], ids=repr
)
@pytest.mark.parametrize("status", [Status.PASS, Status.WARN, Status.FAIL, Status.ERROR])
def test_what_breaks_in_there_never_helps(error: BaseException, status: Status, make_gate: MakeGate) -> None:
    """Whatever alerting raises, the gate gives a report, the verdict is no better than without it, and never GO."""
    without = make_gate(Voice(), status).run()
    report = make_gate(Voice(error, error), status).run()

    assert report.decision.exit_code != 0
    assert report.decision.exit_code == (without.decision.exit_code if status is Status.FAIL else 5)
    assert not report.recorded


@pytest.mark.parametrize(
    "error", [ValueError("x"), ImportError("x"), SystemExit(0), KeyboardInterrupt(), Interrupted("SIGTERM")], ids=repr
)
@pytest.mark.parametrize("status", [Status.PASS, Status.WARN, Status.FAIL, Status.ERROR])
def test_what_breaks_in_the_real_alerting_is_unrecorded_at_best(
    error: BaseException, status: Status, make_gate: MakeGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real `speak`: a dispatcher that breaks or is interrupted costs a GO, and leaves its P0 in the spool."""

    def end(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("preflight.alerts.announcer.Announcer._take_steps", end)
    said: list[str] = []
    gate = make_gate(None, status, warn=said.append)
    report = gate.run()

    assert report.decision.exit_code == (1 if status is Status.FAIL else 5)
    assert not report.recorded
    assert (report.alerts.enabled, report.alerts.reason) == (True, "")
    (waiting,) = gate.settings.spool_dir.glob("p0-*")
    assert any(str(waiting) in line for line in said)
    assert {item.outcome for item in report.alerts.items if item.severity == "P0"} == {"spooled"}
    samples = {sample.name: sample.value for sample in report.samples}
    assert samples["arbitrage_preflight_alerts_pending"] == 1


def test_a_run_killed_after_its_record_leaves_the_true_number(
    make_gate: MakeGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it kept before the record is counted in the `.prom` of the record."""
    monkeypatch.setattr("preflight.alerts.announcer.Announcer.announce", _die)
    gate = make_gate(None, Status.FAIL)
    with pytest.raises(_KilledError):
        gate.run()

    assert 'alerts_pending{env="paper"} 1.0' in _prom(gate.settings)


def test_a_run_killed_before_its_record_is_counted_by_the_next_one(
    make_gate: MakeGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run says how many wait as soon as it begins, though it should die as well."""
    monkeypatch.setattr(Ledger, "record", _die)
    seen = []
    for status in (Status.FAIL, Status.PASS):
        gate = make_gate(None, status)
        with pytest.raises(_KilledError):
            gate.run()
        seen += [line for line in _prom(gate.settings).splitlines() if line.startswith(catalogue.ALERTS_PENDING)]

    assert [line.split()[-1] for line in seen] == ["0.0", "1.0"]


class _KilledError(BaseException):
    """As `kill -9`: nothing catches it."""


def _die(*_: Any, **__: Any) -> Any:
    raise _KilledError


def _prom(settings: Settings) -> str:
    assert settings.textfile_dir is not None
    return (settings.textfile_dir / "arbitrage_preflight_paper.prom").read_text()


def test_a_prom_that_cannot_be_written_after_the_alerts_is_said(make_gate: MakeGate) -> None:
    """A GO that turns out to be UNRECORDED after its alerts is told again as what it is."""
    voice = Voice("cannot write the metrics file")
    report = make_gate(voice).run()

    assert voice.verdicts == [Verdict.GO, Verdict.UNRECORDED]
    assert (report.decision.verdict, report.decision.exit_code) == (Verdict.UNRECORDED, 5)
    assert report.alerts.items == (ITEM, ITEM)


def test_a_lost_report_is_said(make_gate: MakeGate) -> None:
    """A GO whose report cannot be written is UNRECORDED, and somebody is told so; a NO_GO was told already."""

    def lose(_: Report) -> None:
        raise OSError(28, "No space left on device")

    voice = Voice()
    make_gate(voice, write_report=lose).run()
    assert voice.verdicts == [Verdict.GO, Verdict.UNRECORDED]
    voice = Voice()
    make_gate(voice, Status.FAIL, write_report=lose).run()
    assert voice.verdicts == [Verdict.NO_GO]


def test_overridden_endpoints_reach_the_verdict(
    make_gate: MakeGate, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate tells `decide` whether an endpoint is not the original one."""
    seen: list[bool] = []

    def look(*args: Any, **given: Any) -> Any:
        seen.append(given["overridden"])
        return decide(*args, **given)

    monkeypatch.setattr("preflight.conclusion.decide", look)
    make_gate(Voice()).run()
    make_gate(Voice(), settings=make_settings(telegram={"url": "http://127.0.0.1:1"})).run()

    assert (seen[0], seen[-1]) == (False, True)


def test_a_p0_is_kept_before_the_run_is_on_record(make_gate: MakeGate) -> None:
    """When it is kept the ledger does not know the run yet."""
    order: list[str] = []

    def keep(report: Report, ledger: Ledger) -> None:
        samples = {sample.name: sample.value for sample in ledger.start(report.env.value, ["redis"], at=1.0).samples}
        order.append(f"{report.decision.verdict} with {samples['arbitrage_preflight_runs_total']:g} runs")

    make_gate(Voice(keeps=keep), Status.FAIL).run()

    assert order == ["NO_GO with 0 runs"]


@pytest.mark.parametrize("status", [Status.PASS, Status.FAIL])
@pytest.mark.parametrize(
    ("error", "exits"),
    [
        (OSError("full"), {0, 1}),
        (KeyboardInterrupt(), {5, 1}),
        (SystemExit(0), {5, 1}),
        (Interrupted("SIGTERM"), {5, 1}),
    ],
    ids=["error", "ctrl-c", "exit", "sigterm"],
)
def test_what_breaks_while_keeping_is_never_better(
    make_gate: MakeGate, error: BaseException, exits: set[int], status: Status
) -> None:
    """An error there costs nothing, since sending keeps it again; an interrupt makes the run UNRECORDED at best."""

    def keep(*_: Any, **__: Any) -> Any:
        raise error

    report = make_gate(Voice(keeps=keep), status).run()

    assert report.decision.exit_code in exits
    assert (report.decision.exit_code == 1) is (status is Status.FAIL)


TOKEN, CHAT = "1234567890:canary-TOKEN-canary-TOKEN-canary", "-1009876543210"


def test_a_go_that_is_taken_back_is_said(make_gate: MakeGate) -> None:
    """What was announced as a GO is announced once more as what it has become."""
    voice = Voice()
    gate = make_gate(voice)
    taken = gate.reconsider(gate.run(), doubts=(Message("the switch was thrown"),))
    assert taken.decision.verdict is not Verdict.GO
    assert voice.verdicts == [Verdict.GO, taken.decision.verdict]


@pytest.fixture
def closed_chat() -> Iterator[TelegramStandin]:
    """A group whose topics are closed: everything is answered with ok but a message."""
    with TelegramStandin(token=TOKEN, chat_id=CHAT) as standin:
        standin.state.closed_topics = True
        yield standin


@pytest.fixture
def topic(closed_chat: TelegramStandin, make_settings: Callable[..., Settings]) -> Settings:
    """Settings that lead to that chat."""
    telegram = {"token": TOKEN, "chat_id": CHAT, "url": closed_chat.url, "message_thread_id": 42, "plain_http": True}
    return make_settings(telegram=telegram)


@pytest.mark.parametrize(("strict", "verdict"), [(False, Verdict.GO), (True, Verdict.WARNED)])
def test_x5_a_refused_p1_is_a_reason(make_gate: MakeGate, topic: Settings, *, strict: bool, verdict: Verdict) -> None:
    """A P1 that Telegram refuses in this run is among the run's own reasons, on the console and in the report."""
    written: list[Report] = []
    gate = make_gate(None, Status.WARN, settings=topic, options={"strict": strict}, write_report=written.append)
    report = gate.run()

    assert report.decision.verdict is verdict
    (refused,) = [reason for reason in report.decision.reasons if "was not sent" in reason]
    assert refused.startswith(f"{report.run_id}-P1 was not sent: Telegram: 400 (Bad Request: TOPIC_CLOSED)")
    assert refused in render_plain(report)
    assert written == [report]
    assert TOKEN not in refused


@pytest.mark.parametrize(
    ("strict", "verdict", "success"), [(False, Verdict.GO, 1.0), (True, Verdict.WARNED, 0.0)], ids=["lax", "strict"]
)
def test_x5_strict_stops_on_what_telegram_still_refuses(
    make_gate: MakeGate, topic: Settings, *, strict: bool, verdict: Verdict, success: float
) -> None:
    """All checks pass, yet the P0 of an earlier run is refused again: said, and with `--strict` no success."""
    make_gate(None, Status.FAIL, settings=topic).run()
    report = make_gate(None, settings=topic, options={"strict": strict}).run()

    assert report.decision.verdict is verdict
    assert any("still waits" in reason and "TOPIC_CLOSED" in reason for reason in report.decision.reasons)
    assert report.recorded
    samples = {sample.name: sample.value for sample in report.samples}
    assert samples[catalogue.LAST_SUCCESS] == success
    assert f'{catalogue.LAST_SUCCESS}{{env="paper"}} {success}' in _prom(topic)


def test_x5_without_a_chat_nothing_is_refused(make_gate: MakeGate) -> None:
    """Where no Telegram is configured that is `alert_channel`'s to say, and no reason of every run."""
    report = make_gate(None, Status.WARN).run()

    assert report.decision.reasons == ("redis: warn",)
