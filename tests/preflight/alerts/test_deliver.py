from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from preflight.alerts.alert import Alert, to_json
from preflight.alerts.deliver import Deliverer, Own, Stop
from preflight.alerts.file import Filer
from preflight.alerts.history import AlertRow, Stored
from preflight.alerts.keep import Keeper
from preflight.alerts.message import Text
from preflight.alerts.spool import Content, Entry, Spool
from preflight.alerts.telegram_answer import Delivery
from preflight.config.sections import Language, TelegramSection
from tests.preflight.alerts.conftest import CHAT, TOKEN
from tests.preflight.alerts.test_message import alert


@dataclass
class Places:
    """A chat and a table; what a test wants to fail does."""

    chat: list[str] = field(default_factory=list)
    table: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    refuses: frozenset[str] = frozenset()  # ids of alerts whose rows Postgres cannot take
    telegram_up: bool = True
    postgres_up: bool = True

    def send(self, text: Text, *, budget: float, careful: bool = False) -> Delivery:
        """Be Telegram."""
        assert budget > 0
        assert not careful
        if self.telegram_up:
            self.chat.append(text.plain)
        return Delivery(accepted=self.telegram_up, reason="" if self.telegram_up else "Telegram: 500")

    def store(self, rows: list[AlertRow]) -> Stored:
        """Be Postgres."""
        self.batches.append(len(rows))
        if not self.postgres_up:
            return Stored(problem="Postgres: refused")
        refused = {row.alert_id: "Postgres: bad env" for row in rows if row.alert_id in self.refuses}
        self.table += [row.alert_id for row in rows if row.alert_id not in refused]
        return Stored(refused=refused)


@pytest.fixture
def places() -> Places:
    """Where all is well."""
    return Places()


@pytest.fixture
def troubles() -> list[str]:
    """What was told to go wrong."""
    return []


@pytest.fixture
def keeper(tmp_path: Path, troubles: list[str]) -> Keeper:
    """An empty spool."""
    (tmp_path / "spool").mkdir()
    return Keeper(spool=Spool(tmp_path / "spool"), env="paper", lang=Language.EN, trouble=troubles.append)


@pytest.fixture
def deliverer(keeper: Keeper, places: Places) -> Deliverer:
    """With the chat behind it."""
    telegram = TelegramSection.model_validate({"token": TOKEN, "chat_id": CHAT})
    return Deliverer(keeper=keeper, sender=places, settings=telegram, host="h", now=lambda: alert().at)


@pytest.fixture
def filer(keeper: Keeper, places: Places) -> Filer:
    """With the table behind it."""
    return Filer(keeper=keeper, rows=places)


@pytest.fixture
def drain(deliverer: Deliverer) -> Callable[..., tuple[list[str], Stop]]:
    """Deliver what waits: the ids that were accepted, and why it stopped."""

    def run(budget: float = 5.0, **given: Any) -> tuple[list[str], Stop]:
        sent: list[str] = []
        stop = deliverer.drain(budget, lambda _, one: sent.append(one.id), **given)
        return sent, stop

    return run


Drain = Callable[..., tuple[list[str], Stop]]


def _keep(keeper: Keeper, *ids: str) -> list[Entry]:
    kept = [keeper.keep(alert(id=id_)) for id_ in ids]
    assert None not in kept
    return [entry for entry in kept if entry is not None]


def _refuse(*_: Any, **__: Any) -> Any:
    raise OSError(errno.EROFS, "Read-only file system")


def test_an_empty_spool_asks_nobody(drain: Drain, keeper: Keeper) -> None:
    """Nothing is made and nothing is asked."""
    assert drain() == ([], Stop())
    assert list(keeper.spool.directory.iterdir()) == []


def test_the_first_that_is_not_taken_stops_it(drain: Drain, keeper: Keeper, places: Places) -> None:
    """The order is worth more than the one behind; that Telegram was silent is told apart from other reasons."""
    _keep(keeper, "a", "b")
    places.telegram_up = False
    assert drain() == ([], Stop(reason="Telegram: 500", silence=True))
    places.telegram_up = True
    assert drain() == (["a", "b"], Stop())


def test_the_time_is_kept(drain: Drain, keeper: Keeper, deliverer: Deliverer, places: Places) -> None:
    """What is left when the time is up waits, which says nothing about Telegram."""
    _keep(keeper, "a", "b")
    times = iter([0.0, 1.0, 6.0])
    deliverer.monotonic = lambda: next(times)

    assert drain() == (["a"], Stop(reason="the time for sending was up (5 s)"))
    assert len(places.chat) == 1


def test_what_cannot_be_removed_is_sent_once_and_holds_up_nobody(
    drain: Drain, keeper: Keeper, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one process it is not sent again and again, though it is still there; why is told each time."""
    _keep(keeper, "a", "b")
    monkeypatch.setattr(Entry, "delete", _refuse)
    sent, stop = drain()
    again, still = drain()

    assert (sent, again, len(places.chat)) == (["a", "b"], [], 2)
    assert stop == still
    assert "was accepted, but cannot be removed (Read-only file system)" in stop.reason
    assert not stop.silence


def test_what_is_damaged_and_cannot_be_set_aside_is_passed_over(
    drain: Drain, keeper: Keeper, troubles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes no further files, and the one behind it is sent."""
    keeper.spool.put(Content.P0, "paper", "a", "nonsense")
    _keep(keeper, "b")
    monkeypatch.setattr(Entry, "set_aside", _refuse)
    sent, stop = drain()

    assert sent == ["b"]
    assert "cannot be set aside" in stop.reason
    assert len(troubles) == 1
    assert [entry.id for entry in keeper.spool.waiting(Content.P0, "paper")] == ["a"]


def test_the_place_of_what_is_damaged_is_taken(drain: Drain, keeper: Keeper, places: Places) -> None:
    """That there was one is told under its id, where it stood in the queue; the file itself stays."""
    keeper.spool.put(Content.P0, "paper", "a", json.dumps({**json.loads(to_json(alert())), "findings": None}))
    _keep(keeper, "b")

    assert drain()[0] == ["a", "b"]
    assert ["is damaged" in text for text in places.chat] == [True, False]
    assert [path.name for path in keeper.spool.directory.glob("damaged-*")] == ["damaged-p0-paper-000000000001-a.json"]


def test_what_cannot_be_written_as_a_message_is_damage(
    drain: Drain, keeper: Keeper, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in writing one alert does not keep the others from being sent."""
    from preflight.alerts.message import render  # noqa: PLC0415

    def broken(one: Alert, *args: Any, **given: Any) -> Text:
        if one.run_id == "bad":
            raise ZeroDivisionError
        return render(one, *args, **given)

    monkeypatch.setattr("preflight.alerts.deliver.render", broken)
    keeper.keep(alert(id="a", run_id="bad"))
    _keep(keeper, "b")

    assert drain()[0] == ["a", "b"]
    assert "is damaged" in places.chat[0]


def test_the_own_message_says_what_the_run_says_by_now(drain: Drain, keeper: Keeper, places: Places) -> None:
    """What was reserved is brought up to date under its own number, before anything is sent."""
    first, _ = _keep(keeper, "a", "b")
    places.telegram_up = False
    newer = replace(alert(id="a"), verdict="UNRECORDED")
    drain(own=Own(entry=first, alert=newer))

    assert keeper.spool.waiting(Content.P0, "paper")[0] == first
    assert json.loads(first.read())["verdict"] == "UNRECORDED"


def test_the_own_message_that_is_gone_is_not_made_again(drain: Drain, keeper: Keeper, places: Places) -> None:
    """Another run sent it: it must not come back."""
    first, _ = _keep(keeper, "a", "b")
    first.delete()

    assert drain(own=Own(entry=first, alert=alert(id="a", held_back=9)))[0] == ["b"]
    assert len(places.chat) == 1


def test_an_older_text_is_better_than_none(
    drain: Drain, keeper: Keeper, troubles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the newer one cannot be written the reserved one is sent, and that is told."""
    (first,) = _keep(keeper, "a")
    monkeypatch.setattr("preflight.record.durable.place", _refuse)

    assert drain(own=Own(entry=first, alert=alert(id="a", held_back=9)))[0] == ["a"]
    assert "its older text is sent" in troubles[0]


def test_rows_are_written_in_batches_that_stay_written(keeper: Keeper, filer: Filer, places: Places) -> None:
    """A backlog is written hundred by hundred; when the time is up the next run goes on where this one stopped."""
    for number in range(250):
        keeper.keep_row(alert(id=f"r{number}"), "sent")
    times = iter([0.0, 0.0, 1.0, 2.0])
    filer.monotonic = lambda: next(times)

    assert filer.store_rows() is None
    assert places.batches == [100, 100]
    assert places.table == [f"r{number}" for number in range(200)]
    assert keeper.count(Content.ROW) == 50


def test_rows_wait_from_the_first_that_cannot_be_written(keeper: Keeper, filer: Filer, places: Places) -> None:
    """A Postgres that is away is asked once, not for every batch."""
    for number in range(250):
        keeper.keep_row(alert(id=f"r{number}"), "sent")
    places.postgres_up = False

    assert filer.store_rows() == "Postgres: refused"
    assert places.batches == [100]
    assert keeper.count(Content.ROW) == 250


@pytest.mark.parametrize("bad", ["refused", "typed"])
def test_a_row_that_can_never_be_written_is_set_aside(
    bad: str, keeper: Keeper, filer: Filer, places: Places, troubles: list[str]
) -> None:
    """Whether Postgres refuses it or nobody can read it: the others are written, and it is told with its file."""
    for id_ in ("a", "b", "c"):
        keeper.keep_row(alert(id=id_), "sent")
    if bad == "refused":
        places.refuses = frozenset({"b"})
    else:
        entry = keeper.spool.waiting(Content.ROW, "paper")[1]
        entry.path.write_text(json.dumps({**json.loads(entry.read()), "at": None}))

    assert filer.store_rows() is None
    assert places.table == ["a", "c"]
    assert keeper.count(Content.ROW) == 0
    assert [path.name for path in keeper.spool.directory.glob("damaged-*")] == ["damaged-row-paper-000000000002-b.json"]
    assert "b.json" in troubles[0]


def test_a_row_without_a_file_is_written_at_once(
    keeper: Keeper, filer: Filer, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the spool did not take goes to Postgres from memory, before those that wait."""
    monkeypatch.setattr("preflight.record.durable.place", _refuse)
    keeper.keep_row(alert(id="a"), "sent")
    assert (bool(keeper.homeless), keeper.row_state("a")) == (True, "failed")
    assert keeper.row_state("b") == "stored"  # another one's fate is not its own

    assert filer.store_rows() is None
    assert (places.table, keeper.homeless, keeper.row_state("a")) == (["a"], [], "stored")


def test_a_row_without_a_file_that_is_refused_is_told(
    keeper: Keeper, filer: Filer, places: Places, troubles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be kept nowhere, so that it is lost, loudly."""
    monkeypatch.setattr("preflight.record.durable.place", _refuse)
    places.refuses = frozenset({"a"})
    keeper.keep_row(alert(id="a"), "sent")

    assert filer.store_rows() is None
    assert troubles == ["the row of a is lost: it could not be kept, and Postgres: bad env"]


def test_a_row_whose_file_cannot_be_removed_is_told(
    keeper: Keeper, filer: Filer, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in Postgres, where writing it again changes nothing."""
    keeper.keep_row(alert(id="a"), "sent")
    monkeypatch.setattr(Entry, "delete", _refuse)

    assert "is in Postgres, but cannot be removed" in str(filer.store_rows())
    assert places.table == ["a"]


def test_a_waiting_message_is_found_by_its_id(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one under that id; none where there is none, or the spool cannot be read."""
    _, second = _keep(keeper, "a", "b")

    assert keeper.find("b") == second
    assert keeper.find("c") is None
    monkeypatch.setattr(Spool, "waiting", _refuse)
    assert keeper.find("b") is None


def test_the_state_of_a_row(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stored where nothing waits under its id, and has failed where the spool did not take it or cannot tell."""
    keeper.keep_row(alert(id="a"), "sent")
    assert (keeper.row_state("a"), keeper.row_state("b"), keeper.count(Content.ROW)) == ("spooled", "stored", 1)
    monkeypatch.setattr(Spool, "waiting", _refuse)
    assert (keeper.row_state("a"), keeper.count(Content.ROW)) == ("failed", None)
    keeper.keep_row(alert(id="c"), "sent")
    assert ([row.alert_id for row in keeper.homeless], keeper.row_state("c")) == (["c"], "failed")
