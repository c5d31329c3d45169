from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest

from preflight.alerts.spool import Content, Spool
from preflight.errors import LedgerLockedError
from preflight.model import Report, Status, Verdict
from preflight.settings import Settings
from tests.preflight.alerts.world import KilledError, World

MakeRun = Callable[..., Report]
BAD = {"redis": Status.FAIL}
WARN = {"redis": Status.WARN}


@pytest.fixture
def world(make_settings: Callable[..., Settings]) -> World:
    """A world in which everything works."""
    settings = make_settings()
    return World(settings=settings)


def told(dispatched: Any) -> list[tuple[str, str, str, bool]]:
    """Give severity, outcome, row and replayed of each alert."""
    return [(i.severity, i.outcome, i.row, i.replayed) for i in dispatched.summary.items]


def test_p0_is_sent_and_nothing_is_left(world: World, make_run: MakeRun) -> None:
    """A failure is in the chat, its row in the table, the spool empty."""
    done = world.dispatch(make_run(Verdict.NO_GO, BAD))

    assert told(done) == [("P0", "sent", "stored", False)]
    assert dict(done.counts) == {("P0", "sent"): 1}
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
    world.dispatch(make_run(Verdict.NO_GO, BAD, run_id="r1"))

    assert seen == [("r1-P0",)]


def test_what_waits_is_sent_first_by_any_run(world: World, make_run: MakeRun) -> None:
    """Two P0s of an outage go out, oldest first and late, with the next run, though that one is a GO."""
    world.telegram = "down"
    for run_id in ("r1", "r2"):
        assert told(world.dispatch(make_run(Verdict.NO_GO, BAD, run_id=run_id))) == [("P0", "spooled", "stored", False)]
    assert world.rows == {"r1-P0": "spooled", "r2-P0": "spooled"}
    world.telegram = "up"
    done = world.dispatch(make_run(Verdict.GO, run_id="r3"))

    assert told(done)[:2] == [("P0", "sent", "stored", True)] * 2
    assert ["r1" in world.chat[0][1], "r2" in world.chat[1][1], "late" in world.chat[0][1]] == [True] * 3
    assert world.rows == {"r1-P0": "sent", "r2-P0": "sent", "r3-P3": "sent"}
    assert world.waiting == ()


def test_p0_that_cannot_be_kept_is_sent_anyway(
    world: World, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a full disk it goes out at once, and that is said."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("preflight.alerts.spool._write", full)
    said: list[str] = []
    done = world.dispatch(make_run(Verdict.NO_GO, BAD), warn=said.append)

    assert told(done) == [("P0", "sent", "stored", False)]
    assert len(world.chat) == 1
    assert any("No space left" in line for line in said)


def test_p0_that_can_be_neither_kept_nor_sent_is_failed(
    world: World, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one way to lose a P0 is loud: `failed`, and a sentence that says so."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("preflight.alerts.spool._write", full)
    world.telegram, world.postgres_up = "down", False
    done = world.dispatch(make_run(Verdict.NO_GO, BAD))

    assert told(done) == [("P0", "failed", "failed", False)]
    assert any("is lost" in line for line in done.summary.troubles)


def test_warnings_are_throttled_and_counted(world: World, make_run: MakeRun) -> None:
    """0:00 sent, 4:59 held back, 5:01 sent with one held back."""
    outcomes = []
    for seconds in (0, 299, 301):
        world.now = 1_000_000.0 + seconds
        done = world.dispatch(make_run(Verdict.GO, WARN, run_id=f"r{seconds}"))
        outcomes += [outcome for _, outcome, _, _ in told(done)]

    assert outcomes == ["sent", "throttled", "sent"]
    assert ["held back" in text for _, text in world.chat] == [False, True]
    assert set(world.rows) == {"r0-P1", "r301-P1"}


def test_one_message_lists_all_that_are_open(world: World, make_run: MakeRun) -> None:
    """What was said lately is left out, what is new is in."""
    world.dispatch(make_run(Verdict.GO, WARN, run_id="r1"))
    world.dispatch(make_run(Verdict.GO, {**WARN, "clock": Status.WARN, "git": Status.WARN}, run_id="r2"))

    text = world.chat[1][1]
    assert ("clock WARN" in text, "git WARN" in text, "redis WARN" in text) == (True, True, False)


def test_a_refused_warning_may_be_said_at_once(world: World, make_run: MakeRun) -> None:
    """A P1 that certainly did not arrive closes no window."""
    world.telegram = "down"
    assert told(world.dispatch(make_run(Verdict.GO, WARN, run_id="r1")))[0][1] == "failed"
    world.telegram = "up"
    assert told(world.dispatch(make_run(Verdict.GO, WARN, run_id="r2")))[0][1] == "sent"


def test_a_warning_that_may_have_arrived_is_not_repeated(world: World, make_run: MakeRun) -> None:
    """No answer to a P1: it is not sent again within its window, since it may be in the chat."""
    world.telegram = "lost"
    assert told(world.dispatch(make_run(Verdict.GO, WARN, run_id="r1")))[0][1] == "failed"
    world.telegram = "up"
    world.now += 299
    assert told(world.dispatch(make_run(Verdict.GO, WARN, run_id="r2")))[0][1] == "throttled"
    world.now += 2
    assert told(world.dispatch(make_run(Verdict.GO, WARN, run_id="r3")))[0][1] == "sent"


def test_a_throttle_that_cannot_be_read_means_send(
    world: World, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the ledger locked every warning is said."""

    def locked(*_: Any, **__: Any) -> None:
        raise LedgerLockedError("the ledger is locked")

    monkeypatch.setattr("preflight.ledger.Ledger.throttle_claim", locked)
    for run_id in ("r1", "r2"):
        done = world.dispatch(make_run(Verdict.GO, WARN, run_id=run_id))
        assert told(done)[0][1] == "sent"
        assert any("nothing is held back" in line for line in done.summary.troubles)


@pytest.mark.parametrize(("seconds", "severity", "window"), [(9.0, "P2", 1800), (1.0, "P3", 3600)])
def test_quiet_rows(world: World, make_run: MakeRun, seconds: float, severity: str, window: int) -> None:
    """P2 and P3 are rows, one a window, and never a message."""
    outcomes = []
    for at in (0, window - 1, window):
        world.now = 1_000_000.0 + at
        done = world.dispatch(make_run(Verdict.GO, run_id=f"r{at}", duration_seconds=seconds))
        outcomes += [item[:2] for item in told(done)]

    assert outcomes == [(severity, "sent"), (severity, "throttled"), (severity, "sent")]
    assert set(world.rows) == {f"r0-{severity}", f"r{window}-{severity}"}
    assert world.chat == []


def test_rows_wait_while_postgres_is_down(world: World, make_run: MakeRun) -> None:
    """A row that cannot be written waits, and is written by the next run."""
    world.postgres_up = False
    done = world.dispatch(make_run(Verdict.NO_GO, BAD, run_id="r1"))
    assert told(done) == [("P0", "sent", "spooled", False)]
    assert (done.summary.pending, done.summary.rows_pending) == (0, 1)
    world.postgres_up = True
    world.dispatch(make_run(Verdict.NO_GO, BAD, run_id="r2"))
    assert world.rows == {"r1-P0": "sent", "r2-P0": "sent"}


def test_a_postgres_that_was_just_found_down_is_not_asked(world: World, make_run: MakeRun) -> None:
    """The run whose postgres check failed does not wait for Postgres once more."""
    world.store = None  # type: ignore[method-assign,assignment]
    done = world.dispatch(make_run(Verdict.NO_GO, {"postgres": Status.FAIL}))

    assert told(done) == [("P0", "sent", "spooled", False)]


def test_a_damaged_file_is_told_and_blocks_nobody(world: World, make_run: MakeRun) -> None:
    """Where an alert cannot be read any more, a P0 says that there was one; those behind it arrive."""
    spool = Spool(world.settings.spool_dir)
    spool.put(Content.P0, "paper", "r1-P0", "nonsense")
    spool.put(Content.ROW, "paper", "r1-P0", "nonsense")
    done = world.dispatch(make_run(Verdict.NO_GO, BAD, run_id="r2"))

    assert sorted(item.id for item in done.summary.items) == ["r1-P0", "r2-P0"]
    assert any("is damaged" in text for _, text in world.chat)
    assert len(list(spool.directory.glob("damaged-*"))) == 2
    assert (done.summary.pending, done.summary.rows_pending) == (0, 0)


def test_says_nothing_after_a_dry_run(world: World, make_run: MakeRun) -> None:
    """Neither a dry run nor a partial one sends anything, not even what waits."""
    world.telegram = "down"
    world.dispatch(make_run(Verdict.NO_GO, BAD, run_id="r1"))
    world.telegram = "up"
    for verdict in (Verdict.DRY_RUN, Verdict.PARTIAL):
        assert told(world.dispatch(make_run(verdict, BAD))) == []
    assert world.chat == []


@pytest.mark.parametrize("kill_at", range(12))
def test_killed_at_any_step_no_p0_is_lost(kill_at: int, world: World, make_run: MakeRun) -> None:
    """Kill it anywhere after the P0 was kept: it is in the chat or in the spool, and the next run delivers it."""
    world.kill_at = kill_at
    try:
        world.dispatch(make_run(Verdict.NO_GO, BAD, run_id="r1"))
    except KilledError:
        kept = kill_at > 0  # step 0 is before anything was written
        assert kept <= ("r1-P0" in world.waiting or any("r1" in text for _, text in world.chat))
    else:
        kept = True
    world.kill_at = -1
    world.dispatch(make_run(Verdict.NO_GO, BAD, run_id="r2"))

    assert any("r1" in text for _, text in world.chat) is kept
    assert any("r2" in text for _, text in world.chat)
    assert world.waiting == ()
    assert (world.rows.get("r1-P0") == "sent") is kept
