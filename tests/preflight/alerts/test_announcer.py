from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from preflight.alerts.alert import Alert
from preflight.alerts.decide import classify, compose
from preflight.alerts.history import AlertRow, Stored
from preflight.alerts.settle import Announced
from preflight.alerts.spool import Content, Spool
from preflight.config.sections import AlertsSection
from preflight.config.settings import Settings
from preflight.errors import LedgerLockedError
from preflight.model import Report, Status, Verdict
from preflight.record import catalogue
from tests.preflight.alerts.conftest import CHAT, TOKEN
from tests.preflight.alerts.world import KilledError, World

MakeRun = Callable[..., Report]
BAD = {"redis": Status.FAIL}
WARN = {"redis": Status.WARN}


@pytest.fixture
def world(make_settings: Callable[..., Settings]) -> World:
    """A world in which everything works."""
    return World(settings=make_settings(telegram={"token": TOKEN, "chat_id": CHAT}))


def told(announced: Any) -> list[tuple[str, str, str, bool]]:
    """Give severity, outcome, row and replayed of each alert."""
    return [(i.severity, i.outcome, i.row, i.replayed) for i in announced.summary.items]


def _counted(done: Announced) -> dict[tuple[str, str], float]:
    """Return the counters of alerts that are not 0."""
    assert done.broken is None
    assert done.snapshot is not None
    return {
        (sample.labels["severity"], sample.labels["outcome"]): sample.value
        for sample in done.snapshot.samples
        if sample.name == catalogue.ALERTS and sample.value
    }


def _no_room(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def compose_run(report: Report) -> Alert:
    """Make the alert of a run."""
    draft = classify(report, AlertsSection())
    assert draft is not None
    return compose(draft, report, host="h", output=None)


def test_p0_is_sent_and_nothing_is_left(world: World, make_run: MakeRun) -> None:
    """A failure is in the chat, its row in the table, the spool empty."""
    done = world.announce(make_run(Verdict.NO_GO, BAD))

    assert told(done) == [("P0", "sent", "stored", False)]
    assert _counted(done) == {("P0", "sent"): 1}
    assert (done.summary.pending, done.summary.rows_pending, done.summary.troubles) == (0, 0, ())
    assert len(world.chat) == 1


def test_p0_is_on_the_disk_before_it_is_sent(world: World, make_run: MakeRun) -> None:
    """When Telegram is asked, the file is there."""
    seen: list[tuple[str, ...]] = []
    send = world.send

    def look(*args: Any, **kwargs: Any) -> Any:
        seen.append(world.waiting)
        return send(*args, **kwargs)

    world.send = look  # type: ignore[method-assign]
    world.announce(make_run(Verdict.NO_GO, BAD, run_id="r1"))

    assert seen == [("r1-P0",)]


def test_what_waits_is_sent_first_by_any_run(world: World, make_run: MakeRun) -> None:
    """Two P0s of an outage go out, oldest first and late, with the next run, though that one is a GO."""
    world.telegram = "down"
    for run_id in ("r1", "r2"):
        assert told(world.announce(make_run(Verdict.NO_GO, BAD, run_id=run_id))) == [("P0", "spooled", "stored", False)]
    assert world.rows == {"r1-P0": "spooled", "r2-P0": "spooled"}
    world.telegram = "up"
    done = world.announce(make_run(Verdict.GO, run_id="r3"))

    assert told(done)[:2] == [("P0", "sent", "stored", True)] * 2
    assert ["r1" in world.chat[0][1], "r2" in world.chat[1][1], "late" in world.chat[0][1]] == [True] * 3
    assert world.rows == {"r1-P0": "sent", "r2-P0": "sent", "r3-P3": "sent"}
    assert world.waiting == ()


def test_p0_that_cannot_be_kept_is_sent_anyway(
    world: World, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a full disk it goes out at once, and that is said."""
    monkeypatch.setattr("preflight.record.durable.place", _no_room)
    said: list[str] = []
    done = world.announce(make_run(Verdict.NO_GO, BAD), warn=said.append)

    assert told(done) == [("P0", "sent", "stored", False)]
    assert len(world.chat) == 1
    assert any("No space left" in line for line in said)


def test_a_p0_that_may_have_arrived_waits(world: World, make_run: MakeRun) -> None:
    """Without an answer it counts as not sent, in its item and its row, and the next run sends it again."""
    world.telegram = "lost"
    assert told(world.announce(make_run(Verdict.NO_GO, BAD, run_id="r1"))) == [("P0", "spooled", "stored", False)]
    assert (world.waiting, world.rows) == (("r1-P0",), {"r1-P0": "spooled"})
    world.telegram = "up"
    assert told(world.announce(make_run(Verdict.GO, run_id="r2")))[0] == ("P0", "sent", "stored", True)
    assert world.waiting == ()


@pytest.mark.parametrize("telegram", ["down", "lost"])
@pytest.mark.parametrize(("postgres_up", "row", "rows"), [(False, "failed", {}), (True, "stored", {"r1-P0": "failed"})])
def test_p0_that_can_be_neither_kept_nor_sent_is_failed(
    telegram: str,
    *,
    postgres_up: bool,
    row: str,
    rows: dict[str, str],
    world: World,
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one way to lose a P0 is loud: `failed`, in its row as well, and a sentence that says so."""
    monkeypatch.setattr("preflight.record.durable.place", _no_room)
    world.telegram, world.postgres_up = telegram, postgres_up
    done = world.announce(make_run(Verdict.NO_GO, BAD, run_id="r1"))

    assert told(done) == [("P0", "failed", row, False)]
    assert world.rows == rows
    assert any("is lost" in line for line in done.summary.troubles)


def test_warnings_are_throttled_and_counted(world: World, make_run: MakeRun) -> None:
    """0:00 sent, 4:59 held back, 5:01 sent with one held back."""
    outcomes = []
    for seconds in (0, 299, 301):
        world.passes(seconds - world.true)
        done = world.announce(make_run(Verdict.GO, WARN, run_id=f"r{seconds}"))
        outcomes += [outcome for _, outcome, _, _ in told(done)]

    assert outcomes == ["sent", "throttled", "sent"]
    assert ["held back" in text for _, text in world.chat] == [False, True]
    assert set(world.rows) == {"r0-P1", "r301-P1"}


def test_what_was_held_back_has_no_row(world: World, make_run: MakeRun) -> None:
    """Nothing is said to be stored of what was not sent."""
    world.announce(make_run(Verdict.GO, WARN, run_id="r0"))
    ((_, outcome, row, _),) = told(world.announce(make_run(Verdict.GO, WARN, run_id="r1")))
    assert (outcome, row) == ("throttled", "none")


def test_a_clock_set_back_silences_no_longer_than_a_window(world: World, make_run: MakeRun) -> None:
    """Set back again and again, so that it never says that a window is over: the time that really went by counts."""
    said = []
    for minute in range(11):
        done = world.announce(make_run(Verdict.GO, WARN, run_id=f"r{minute}"))
        said += [minute] if told(done)[0][1] == "sent" else []
        world.passes(60)
        world.now -= 59

    assert said == [0, 5, 10]


def test_one_message_lists_all_that_are_open(world: World, make_run: MakeRun) -> None:
    """What was said lately is left out, what is new is in."""
    world.announce(make_run(Verdict.GO, WARN, run_id="r1"))
    world.announce(make_run(Verdict.GO, {**WARN, "clock": Status.WARN, "git": Status.WARN}, run_id="r2"))

    text = world.chat[1][1]
    assert ("clock WARN" in text, "git WARN" in text, "redis WARN" in text) == (True, True, False)


def test_a_refused_warning_may_be_said_at_once(world: World, make_run: MakeRun) -> None:
    """A P1 that certainly did not arrive closes no window."""
    world.telegram = "down"
    assert told(world.announce(make_run(Verdict.GO, WARN, run_id="r1")))[0][1] == "failed"
    world.telegram = "up"
    assert told(world.announce(make_run(Verdict.GO, WARN, run_id="r2")))[0][1] == "sent"
    assert world.rows == {"r1-P1": "failed", "r2-P1": "sent"}


def test_a_warning_that_may_have_arrived_is_not_repeated(world: World, make_run: MakeRun) -> None:
    """No answer to a P1: it is not sent again within its window, since it may be in the chat."""
    world.telegram = "lost"
    assert told(world.announce(make_run(Verdict.GO, WARN, run_id="r1")))[0][1] == "failed"
    world.telegram = "up"
    world.passes(299)
    assert told(world.announce(make_run(Verdict.GO, WARN, run_id="r2")))[0][1] == "throttled"
    world.passes(2)
    assert told(world.announce(make_run(Verdict.GO, WARN, run_id="r3")))[0][1] == "sent"


def test_a_throttle_that_cannot_be_read_means_send(
    world: World, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the ledger locked every warning is said."""

    def locked(*_: Any, **__: Any) -> None:
        raise LedgerLockedError("the ledger is locked")

    monkeypatch.setattr("preflight.alerts.throttle.Throttle.claim", locked)
    for run_id in ("r1", "r2"):
        done = world.announce(make_run(Verdict.GO, WARN, run_id=run_id))
        assert told(done)[0][1] == "sent"
        assert any("nothing is held back" in line for line in done.summary.troubles)


@pytest.mark.parametrize(("seconds", "severity", "window"), [(9.0, "P2", 1800), (1.0, "P3", 3600)])
def test_quiet_rows(world: World, make_run: MakeRun, seconds: float, severity: str, window: int) -> None:
    """P2 and P3 are rows, one a window, and never a message."""
    outcomes = []
    for at in (0, window - 1, window):
        world.passes(at - world.true)
        done = world.announce(make_run(Verdict.GO, run_id=f"r{at}", duration_seconds=seconds))
        outcomes += [item[:2] for item in told(done)]

    assert outcomes == [(severity, "sent"), (severity, "throttled"), (severity, "sent")]
    assert set(world.rows) == {f"r0-{severity}", f"r{window}-{severity}"}
    assert world.chat == []


@pytest.mark.parametrize(("seconds", "severity"), [(9.0, "P2"), (1.0, "P3")])
def test_a_quiet_row_that_is_lost_may_be_said_at_once(
    seconds: float, severity: str, world: World, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that neither the spool nor Postgres took has failed, and closes no window."""
    world.postgres_up = False
    with monkeypatch.context() as patched:
        patched.setattr("preflight.record.durable.place", _no_room)
        done = world.announce(make_run(Verdict.GO, run_id="r1", duration_seconds=seconds))
    assert told(done) == [(severity, "failed", "failed", False)]
    world.postgres_up = True
    done = world.announce(make_run(Verdict.GO, run_id="r2", duration_seconds=seconds))
    assert told(done) == [(severity, "sent", "stored", False)]
    assert world.rows == {f"r2-{severity}": "sent"}


def test_rows_wait_while_postgres_is_down(world: World, make_run: MakeRun) -> None:
    """A row that cannot be written waits, and is written by the next run."""
    world.postgres_up = False
    done = world.announce(make_run(Verdict.NO_GO, BAD, run_id="r1"))
    assert told(done) == [("P0", "sent", "spooled", False)]
    assert (done.summary.pending, done.summary.rows_pending) == (0, 1)
    world.postgres_up = True
    world.announce(make_run(Verdict.NO_GO, BAD, run_id="r2"))
    assert world.rows == {"r1-P0": "sent", "r2-P0": "sent"}


def test_a_postgres_that_was_just_found_down_is_not_asked(world: World, make_run: MakeRun) -> None:
    """The run whose postgres check failed does not wait for Postgres once more."""
    world.store = None  # type: ignore[method-assign,assignment]
    done = world.announce(make_run(Verdict.NO_GO, {"postgres": Status.FAIL}))

    assert told(done) == [("P0", "sent", "spooled", False)]


def test_a_postgres_that_only_warns_is_asked(world: World, make_run: MakeRun) -> None:
    """A warning about Postgres is no reason to let the rows wait."""
    assert told(world.announce(make_run(Verdict.GO, {"postgres": Status.WARN}))) == [("P1", "sent", "stored", False)]


def test_a_damaged_file_is_told_and_blocks_nobody(world: World, make_run: MakeRun) -> None:
    """Where an alert cannot be read any more, a P0 says that there was one; those behind it arrive."""
    spool = Spool(world.settings.spool_dir)
    spool.put(Content.P0, "paper", "r1-P0", "nonsense")
    spool.put(Content.ROW, "paper", "r1-P0", "nonsense")
    done = world.announce(make_run(Verdict.NO_GO, BAD, run_id="r2"))

    assert sorted(item.id for item in done.summary.items) == ["r1-P0", "r2-P0"]
    assert any("is damaged" in text for _, text in world.chat)
    assert len(list(spool.directory.glob("damaged-*"))) == 2
    assert (done.summary.pending, done.summary.rows_pending) == (0, 0)


def test_an_alert_of_other_types_blocks_nobody(world: World, make_run: MakeRun) -> None:
    """JSON that this program would not write is damage like any other: what is behind it arrives, the run's own too."""
    spool = Spool(world.settings.spool_dir)
    world.telegram = "down"
    world.announce(make_run(Verdict.NO_GO, BAD, run_id="r1"))
    (entry,) = spool.waiting(Content.P0, "paper")
    data = json.loads(entry.read())
    entry.path.write_text(json.dumps({**data, "host": None}))
    (row,) = spool.waiting(Content.ROW, "paper") or (spool.put(Content.ROW, "paper", "x-P0", "{}"),)
    row.path.write_text(json.dumps({"alert_id": "x-P0", "at": "soon"}))
    world.telegram = "up"
    done = world.announce(make_run(Verdict.NO_GO, BAD, run_id="r2"))

    assert [item.id for item in done.summary.items] == ["r1-P0", "r2-P0"]
    assert ["is damaged" in text for _, text in world.chat] == [True, False]
    assert (done.summary.pending, done.summary.rows_pending) == (0, 0)


def test_a_p0_that_another_run_sent_is_not_sent_again(world: World, make_run: MakeRun) -> None:
    """What a run has reserved may be sent by another one before it comes to that: once, and not as a late one."""
    first = make_run(Verdict.NO_GO, BAD, run_id="r1", ended_at=world.now)
    announcer = world.announcer()
    announcer.keep(first)
    other = world.announce(make_run(Verdict.NO_GO, BAD, run_id="r2", ended_at=world.now))
    done = announcer.announce(first)

    assert [item.id for item in other.summary.items] == ["r1-P0", "r2-P0"]
    assert [(item.outcome, item.reason) for item in done.summary.items] == [("sent", "another run sent it")]
    assert _counted(done) == {("P0", "sent"): 2}  # both by the other run
    assert [("r1" in text, "late" in text) for _, text in world.chat] == [(True, False), (False, False)]


def test_what_was_reserved_keeps_its_place(world: World, make_run: MakeRun) -> None:
    """A run that reserved first and ends last is still first in the queue, with what it says in the end."""
    first = make_run(Verdict.UNVERIFIED, {"redis": Status.ERROR}, run_id="r1")
    announcer = world.announcer()
    announcer.keep(first)
    world.telegram = "down"
    world.announce(make_run(Verdict.NO_GO, BAD, run_id="r2"))
    worse = replace(first, decision=replace(first.decision, verdict=Verdict.UNRECORDED))
    done = announcer.announce(worse)

    assert told(done)[0][:2] == ("P0", "spooled")
    assert world.waiting == ("r1-P0", "r2-P0")
    world.telegram = "up"
    world.announce(make_run(Verdict.GO, run_id="r3"))
    assert ["UNRECORDED" in text for _, text in world.chat] == [True, False]


def test_late_is_what_its_own_run_would_have_given_up(world: World, make_run: MakeRun) -> None:
    """A message of another run is late once it is older than the time that a run has for sending."""
    deadline = world.settings.telegram.deadline
    for run_id, age in (("young", deadline), ("old", deadline + 1), ("future", -1)):
        world.announcer().keep(make_run(Verdict.NO_GO, BAD, run_id=run_id, ended_at=world.now - age))
    world.announce(make_run(Verdict.NO_GO, BAD, run_id="own", ended_at=world.now - 10 * deadline))

    assert ["late" in text for _, text in world.chat] == [False, True, True, False]


@pytest.mark.parametrize("telegram", ["up", "down"])
def test_a_verdict_that_got_worse_is_told_again(telegram: str, world: World, make_run: MakeRun) -> None:
    """A run's second P0 takes the place of the first where that still waits, and is a message where it was sent."""
    world.telegram = telegram
    first = make_run(Verdict.UNVERIFIED, {"redis": Status.ERROR}, run_id="r1")
    world.announce(first)
    worse = replace(first, decision=replace(first.decision, verdict=Verdict.UNRECORDED))
    done = world.announcer().announce(worse)

    assert told(done)[0][1:] == ("sent" if telegram == "up" else "spooled", "stored", False)
    assert world.waiting == (() if telegram == "up" else ("r1-P0",))
    world.telegram = "up"
    world.announce(make_run(Verdict.GO, run_id="r2"))
    assert [text.split(" ")[2] for _, text in world.chat] == ["UNVERIFIED", "UNRECORDED"][telegram == "down" :]


def test_what_cannot_be_removed_is_said_and_holds_up_nobody(
    world: World, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A P0 that was accepted and whose file stays is sent; those behind it are, too, and the reason is told."""
    world.telegram = "down"
    world.announce(make_run(Verdict.NO_GO, BAD, run_id="r1"))
    world.telegram = "up"

    def refuse(_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("preflight.alerts.spool.Entry.delete", refuse)
    done = world.announce(make_run(Verdict.NO_GO, BAD, run_id="r2"))

    assert [item.outcome for item in done.summary.items] == ["sent", "sent"]
    assert len(world.chat) == 2
    assert done.summary.pending == 2
    assert any("cannot be removed (Read-only file system)" in line for line in done.summary.troubles)


def test_a_spool_in_use_does_not_silence_a_warning(world: World, make_run: MakeRun) -> None:
    """Another process that delivers what waits keeps this run from doing so, not from its own P1."""
    world.settings = world.settings.model_copy(
        update={"telegram": world.settings.telegram.model_copy(update={"timeout": 0.1})}
    )
    world.announcer().keep(make_run(Verdict.NO_GO, BAD, run_id="r1"))
    with Spool(world.settings.spool_dir).delivering("paper", 1):
        done = world.announce(make_run(Verdict.GO, WARN, run_id="r2"))

    assert told(done)[0][:2] == ("P1", "sent")
    assert any("another process is delivering" in line for line in done.summary.troubles)


def test_what_is_held_back_is_counted_as_alerts(world: World, make_run: MakeRun) -> None:
    """A run with three warnings that is held back is one, in the counter and in the next message; then none is left."""
    three = dict.fromkeys(("redis", "clock", "git"), Status.WARN)
    counted: dict[tuple[str, str], float] = {}
    for run_id, seconds in (("r1", 0), ("r2", 1), ("r3", 1), ("r4", 300), ("r5", 1), ("r6", 300)):
        world.passes(seconds)
        counted = _counted(world.announce(make_run(Verdict.GO, three, run_id=run_id)))

    assert counted["P1", "throttled"] == 3
    held = [re.search(r"held back since the last message: (\d+)", text) for _, text in world.chat]
    assert [None if found is None else int(found[1]) for found in held] == [None, 2, 1]


def test_only_warnings_are_told_as_held_back(world: World, make_run: MakeRun) -> None:
    """A GO that is held back is counted as no warning, and the row of a GO does not tell of warnings."""
    texts: dict[str, str] = {}
    store = world.store

    def keep(rows: Sequence[AlertRow]) -> Stored:
        texts.update({row.alert_id: row.message for row in rows})
        return store(rows)

    world.store = keep  # type: ignore[method-assign]
    for run_id, seconds, statuses, expected in (
        ("r1", 0, WARN, ("P1", "sent")),
        ("r2", 1, WARN, ("P1", "throttled")),
        ("r3", 1, {}, ("P3", "sent")),
        ("r4", 1, {}, ("P3", "throttled")),
        ("r5", 300, WARN, ("P1", "sent")),
    ):
        world.passes(seconds)
        assert told(world.announce(make_run(Verdict.GO, statuses, run_id=run_id)))[0][:2] == expected

    assert "held back" not in texts["r3-P3"]
    assert "held back since the last message: 1" in world.chat[-1][1]


def test_a_row_behind_a_backlog_is_not_called_written(world: World, make_run: MakeRun) -> None:
    """Where older rows take all the time there is, the row of a GO waits, and is said to."""
    keeper = world.keeper()
    for number in range(301):
        alert = compose_run(make_run(Verdict.GO, run_id=f"r{number}"))
        keeper.keep_row(alert, "sent")
    clock = count(step=1.5)
    done = world.announcer(monotonic=lambda: next(clock)).announce(make_run(Verdict.GO))

    assert told(done) == [("P3", "spooled", "spooled", False)]
    assert len(world.rows) == 100


def test_says_nothing_after_a_dry_run(world: World, make_run: MakeRun) -> None:
    """Neither a dry run nor a partial one sends anything, not even what waits."""
    world.telegram = "down"
    world.announce(make_run(Verdict.NO_GO, BAD, run_id="r1"))
    world.telegram = "up"
    for verdict in (Verdict.DRY_RUN, Verdict.PARTIAL):
        assert told(world.announce(make_run(verdict, BAD))) == []
    assert world.chat == []


@pytest.mark.parametrize("kill_at", range(14))
def test_killed_at_any_step_no_p0_is_lost(kill_at: int, world: World, make_run: MakeRun) -> None:
    """Kill it anywhere after the P0 was kept: it is in the chat or in the spool, and the next run delivers it."""
    world.kill_at = kill_at
    try:
        world.announce(make_run(Verdict.NO_GO, BAD, run_id="r1"))
    except KilledError:
        kept = kill_at > 0  # step 0 is before anything was written
        assert kept <= ("r1-P0" in world.waiting or any("r1" in text for _, text in world.chat))
    else:
        kept = True
    world.kill_at = -1
    world.announce(make_run(Verdict.NO_GO, BAD, run_id="r2"))

    assert any("r1" in text for _, text in world.chat) is kept
    assert any("r2" in text for _, text in world.chat)
    assert world.waiting == ()
    assert (world.rows.get("r1-P0") == "sent") is kept


DAY = 86_400.0


def test_without_telegram_messages_do_not_pile_up(make_settings: Callable[..., Settings], make_run: MakeRun) -> None:
    """The newest 50 wait, for 7 days; that older ones are dropped is told, and the run's own is always kept."""
    world = World(settings=make_settings(), telegram="down")
    for number in range(60):
        done = world.announce(make_run(Verdict.NO_GO, BAD, run_id=f"r{number}", ended_at=world.now))
    assert world.waiting == tuple(f"r{number}-P0" for number in range(10, 60))
    assert any("1 older messages are dropped" in line for line in done.summary.troubles)

    world.passes(7 * DAY + 1)
    done = world.announce(make_run(Verdict.NO_GO, BAD, run_id="new", ended_at=world.now))
    assert world.waiting == ("new-P0",)
    assert [item.outcome for item in done.summary.items] == ["spooled"]


def test_with_telegram_nothing_is_ever_dropped(world: World, make_run: MakeRun) -> None:
    """A chat that is configured may come back at any time."""
    world.telegram = "down"
    for number in range(52):
        world.announcer().keep(make_run(Verdict.NO_GO, BAD, run_id=f"r{number}", ended_at=world.now))
    world.passes(30 * DAY)
    world.announce(make_run(Verdict.NO_GO, BAD, run_id="new", ended_at=world.now))
    assert len(world.waiting) == 53
