from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from acceptance.world.telegram import TelegramStandin
from preflight.alerts.announcer import Announcer, host_name
from preflight.alerts.settle import Announced
from preflight.alerts.telegram import Telegram
from preflight.config.settings import Settings
from preflight.errors import Interrupted, LedgerLockedError, TextfileError
from preflight.model import Report, Status, Verdict
from preflight.record import catalogue
from preflight.record.ledger import Ledger
from tests.preflight.alerts.conftest import CHAT, TOKEN

MakeRun = Callable[..., Report]
Say = Callable[..., Announced]


@pytest.fixture
def settings(make_settings: Callable[..., Settings], telegram: TelegramStandin) -> Settings:
    """With a chat, and no Postgres."""
    return make_settings(
        telegram={"token": TOKEN, "chat_id": CHAT, "url": telegram.url, "timeout": 2.0, "deadline": 2.0},
        postgres={"host": "127.0.0.1", "port": 1, "user": "u", "database": "d", "password": "hunter2-hunter2"},
    )


@pytest.fixture
def say(settings: Settings, make_run: MakeRun) -> Say:
    """Let a run speak: `say(Verdict.NO_GO, {"redis": Status.FAIL}, warn=...)`."""

    def run(verdict: Verdict, statuses: dict[str, Status] | None = None, **given: Any) -> Announced:
        ledger = Ledger(settings.ledger, textfile_dir=settings.textfile_dir)
        options = {key: given.pop(key) for key in ("warn",) if key in given}
        announcer = Announcer(settings=settings, ledger=ledger, **options)
        return announcer.announce(make_run(verdict, statuses, **given))

    return run


def test_k10_a_host_that_is_set_is_the_one_alerts_name(settings: Settings) -> None:
    """A container's own name is new with each run."""
    assert host_name(settings) == socket.gethostname()
    assert host_name(settings.model_copy(update={"host": "trader-1"})) == "trader-1"


def _alerts(spoken: Announced, severity: str, outcome: str) -> float:
    assert spoken.snapshot is not None
    return next(
        s.value
        for s in spoken.snapshot.samples
        if s.name == catalogue.ALERTS and (s.labels["severity"], s.labels["outcome"]) == (severity, outcome)
    )


def _pending(spoken: Announced) -> float:
    assert spoken.snapshot is not None
    return next(sample.value for sample in spoken.snapshot.samples if sample.name == catalogue.ALERTS_PENDING)


def test_outcomes_are_counted(say: Say, telegram: TelegramStandin) -> None:
    """What was sent and what was spooled is in the counters, and the spool's length in the gauge."""
    with telegram.outage():
        first = say(Verdict.NO_GO, {"redis": Status.FAIL}, run_id="r1")
    second = say(Verdict.NO_GO, {"redis": Status.FAIL}, run_id="r2")

    assert (_alerts(first, "P0", "spooled"), _alerts(first, "P0", "sent")) == (1, 0)
    assert (_alerts(second, "P0", "spooled"), _alerts(second, "P0", "sent")) == (1, 2)
    assert (first.summary.pending, second.summary.pending) == (1, 0)
    assert len(telegram.texts) == 2


def test_a_bug_in_there_is_seen(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error is told by its type, in the report and at once; its text may hold anything."""

    def broken(*_: Any) -> None:
        raise ValueError(f"https://x/bot{TOKEN}/sendMessage")

    monkeypatch.setattr("preflight.alerts.announcer.Announcer._take_steps", broken)
    said: list[str] = []
    spoken = say(Verdict.NO_GO, {"redis": Status.FAIL}, warn=said.append)

    assert spoken.broken == "alerting broke (ValueError); please report it"
    assert spoken.summary.troubles[0] == spoken.broken
    assert said == list(spoken.summary.troubles)


@pytest.mark.parametrize(
    "error",
    [ImportError("x"), SystemExit(0), KeyboardInterrupt(), Interrupted("SIGTERM")],
    ids=lambda e: type(e).__name__,
)
def test_a_p0_is_never_silently_in_the_spool(
    error: BaseException, say: Say, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends the sending, it is said where the P0 is: on stderr, in the report, in the counter and the gauge."""

    def end(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("preflight.alerts.telegram.Telegram.send", end)
    said: list[str] = []
    spoken = say(Verdict.NO_GO, {"redis": Status.FAIL}, warn=said.append, run_id="r1")

    (waiting,) = settings.spool_dir.glob("p0-paper-*-r1-P0.json")
    assert [(item.id, item.outcome) for item in spoken.summary.items] == [("r1-P0", "spooled")]
    assert any(str(waiting) in line and type(error).__name__ in line for line in said)
    assert spoken.summary.enabled
    assert spoken.broken is not None
    assert _alerts(spoken, "P0", "spooled") == 1
    assert _pending(spoken) == 1


def test_what_was_sent_before_the_interrupt_is_counted(
    say: Say, telegram: TelegramStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two P0s that waited the first is sent, the second is interrupted: one is `sent`, the own one is `spooled`."""
    with telegram.outage():
        say(Verdict.NO_GO, {"redis": Status.FAIL}, run_id="r1")
    send = Telegram.send

    def once(self: Telegram, *args: Any, **kwargs: Any) -> Any:
        if telegram.texts:
            raise Interrupted("SIGTERM")
        return send(self, *args, **kwargs)

    monkeypatch.setattr(Telegram, "send", once)
    spoken = say(Verdict.NO_GO, {"redis": Status.FAIL}, run_id="r2")

    assert [(item.id, item.outcome) for item in spoken.summary.items] == [("r1-P0", "sent"), ("r2-P0", "spooled")]
    assert (_alerts(spoken, "P0", "sent"), _alerts(spoken, "P0", "spooled"), _pending(spoken)) == (1, 2, 1)


def test_what_another_run_sent_is_not_kept_again(
    settings: Settings, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after another run took what was reserved, it is not put into the spool once more."""
    report = make_run(Verdict.NO_GO, {"redis": Status.FAIL})
    ledger = Ledger(settings.ledger, textfile_dir=None)
    announcer = Announcer(settings=settings, ledger=ledger)
    announcer.keep(report)
    assert announcer.reserved is not None
    announcer.reserved.delete()

    def end(*_: Any, **__: Any) -> None:
        raise Interrupted("SIGTERM")

    monkeypatch.setattr("preflight.alerts.announcer.Announcer._take_steps", end)
    spoken = announcer.announce(report)

    assert [(item.outcome, item.reason) for item in spoken.summary.items] == [("sent", "another run sent it")]
    assert list(settings.spool_dir.glob("p0-*")) == []
    assert _alerts(spoken, "P0", "sent") == 0


def test_lost_is_said_where_nothing_can_be_kept(say: Say, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted with a spool that takes nothing: the one way to lose a P0 is loud."""

    def end(*_: Any, **__: Any) -> None:
        raise Interrupted("SIGTERM")

    settings.spool_dir.rmdir()
    settings.spool_dir.write_text("no directory")
    monkeypatch.setattr("preflight.alerts.telegram.Telegram.send", end)
    spoken = say(Verdict.NO_GO, {"redis": Status.FAIL}, run_id="r1")

    assert [item.outcome for item in spoken.summary.items] == ["failed"]
    assert any("r1-P0 is lost" in line for line in spoken.summary.troubles)


def test_counters_that_cannot_be_written(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.prom` that cannot be written is handed back; a ledger that is locked is a trouble."""

    def refuse(error: Exception) -> Callable[..., None]:
        def raise_it(*_: Any, **__: Any) -> None:
            raise error

        return raise_it

    monkeypatch.setattr(Ledger, "record_alerts", refuse(TextfileError("no room")))
    assert say(Verdict.GO, run_id="r1").unpublished == "no room"
    monkeypatch.setattr(Ledger, "record_alerts", refuse(LedgerLockedError("process 1 holds it")))
    spoken = say(Verdict.GO, run_id="r2")
    assert spoken.unpublished is None
    assert any("process 1 holds it" in line for line in spoken.summary.troubles)


def test_no_secret_leaves(say: Say, settings: Settings, telegram: TelegramStandin, make_run: MakeRun) -> None:
    """A secret in a reason of the verdict is in no message, row, summary or file."""
    report = make_run(Verdict.UNVERIFIED, {"redis": Status.ERROR})
    decision = type(report.decision)(
        verdict=Verdict.UNVERIFIED,
        exit_code=3,
        reasons=("the gate itself broke: hunter2-hunter2",),
        ready_for_live=False,
    )
    spoken = say(Verdict.UNVERIFIED, {"redis": Status.ERROR}, decision=decision)
    files = b"".join(path.read_bytes() for path in settings.spool_dir.rglob("*") if path.is_file())

    assert "[secret]" in telegram.texts[0]
    for secret in ("hunter2-hunter2", TOKEN, CHAT):
        assert secret not in f"{spoken}{telegram.texts}"
        assert secret.encode() not in files


def test_a_go_asks_nobody(say: Say, telegram: TelegramStandin) -> None:
    """A GO that was told within the hour opens no connection."""
    say(Verdict.GO, run_id="r1")
    spoken = say(Verdict.GO, run_id="r2", duration_seconds=0.5)

    assert telegram.asked == []
    assert _alerts(spoken, "P3", "throttled") == 1
