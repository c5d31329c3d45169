"""`preflight alerts` against a stand-in for Telegram, without Postgres."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from acceptance.world.telegram import TelegramStandin
from preflight.alerts.alert import to_json
from preflight.alerts.spool import Content, Entry, Spool
from preflight.cli import main
from preflight.record.ledger import Ledger
from tests.preflight.alerts.test_message import alert

TOKEN = "1234567890:canary-TOKEN-canary-TOKEN-canary"
CHAT = "-1009876543210"


@pytest.fixture
def telegram() -> Iterator[TelegramStandin]:
    """A Bot API server that knows one bot and one chat."""
    with TelegramStandin(token=TOKEN, chat_id=CHAT) as standin:
        yield standin


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, telegram: TelegramStandin, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a ledger and a spool, and the variables that lead there and to the stand-in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "textfile").mkdir()
    (tmp_path / "spool").mkdir()
    for name, value in {
        "LEDGER": tmp_path / "ledger.sqlite",
        "SPOOL_DIR": tmp_path / "spool",
        "TEXTFILE_DIR": tmp_path / "textfile",
        "TELEGRAM__TOKEN": TOKEN,
        "TELEGRAM__CHAT_ID": CHAT,
        "TELEGRAM__URL": telegram.url,
        "TELEGRAM__PLAIN_HTTP": "true",
        "TELEGRAM__DEADLINE": 2,
        "ALERTS__LANG": "en",
    }.items():
        monkeypatch.setenv(f"PREFLIGHT_{name}", str(value))
    return tmp_path


@pytest.fixture
def spool(folder: Path) -> Spool:
    """Where alerts wait."""
    return Spool(folder / "spool")


Verb = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def verb(capsys: pytest.CaptureFixture[str]) -> Verb:
    """Run a verb: its exit code, its document, and what it said on stderr. No secret is in what it wrote."""

    def run(*words: str) -> tuple[int, dict[str, Any], str]:
        code = main(["alerts", *words, "--env", "paper", "--format", "json"])
        said = capsys.readouterr()
        assert TOKEN not in said.out + said.err
        assert CHAT not in said.out + said.err
        return code, json.loads(said.out), said.err

    return run


def _put(spool: Spool, *ids: str) -> None:
    for id_ in ids:
        spool.put(Content.P0, "paper", id_, to_json(alert(id=id_)))


def _gauge(folder: Path) -> str:
    prom = (folder / "textfile" / "arbitrage_preflight_paper.prom").read_text()
    return next(line.split()[-1] for line in prom.splitlines() if line.startswith("arbitrage_preflight_alerts_pending"))


def test_list_shows_what_waits_and_sends_nothing(verb: Verb, spool: Spool, telegram: TelegramStandin) -> None:
    """Each with its id and file; one that is damaged is shown as that."""
    _put(spool, "a")
    spool.put(Content.P0, "paper", "b", "nonsense")
    spool.put(Content.ROW, "paper", "b", "nonsense")
    code, document, _ = verb("list")

    assert code == 0
    assert [(message["id"], message["verdict"]) for message in document["messages"]] == [("a", "NO_GO"), ("b", None)]
    assert document["rows"] == 1
    assert telegram.asked == []


def test_flush_sends_in_order_and_counts(verb: Verb, spool: Spool, telegram: TelegramStandin, folder: Path) -> None:
    """What is sent is in the counter, and the gauge is 0; the rows wait, since there is no Postgres: exit 1."""
    _put(spool, "a", "b")
    code, document, said = verb("flush")

    assert [message["id"] for message in document["sent"]] == ["a", "b"]
    assert (code, document["messages"], document["rows"], len(telegram.texts)) == (1, 0, 2, 2)
    assert "PREFLIGHT_POSTGRES__HOST" in said
    assert _gauge(folder) == "0.0"
    prom = (folder / "textfile" / "arbitrage_preflight_paper.prom").read_text()
    assert 'alerts_total{env="paper",outcome="sent",severity="P0"} 2.0' in prom


@pytest.mark.parametrize(
    ("before", "left"),
    [("2027-01-15", ["a", "b"]), ("2027-01-15T09:00+01:00", ["a", "b"]), ("2027-01-15T08:00:01Z", ["b"])],
)
def test_clear_drops_what_is_older(  # noqa: PLR0917 - fixtures
    before: str, left: list[str], verb: Verb, spool: Spool, telegram: TelegramStandin, folder: Path
) -> None:
    """Messages of runs that ended before that moment, and no other; nothing is sent, and the gauge is right."""
    Ledger(folder / "ledger.sqlite", textfile_dir=folder / "textfile").record_alerts("paper", {}, pending=2)
    spool.put(Content.P0, "paper", "a", to_json(alert(id="a")))  # 2027-01-15T08:00:00.25Z
    spool.put(Content.P0, "paper", "b", to_json(alert(id="b", at=1_800_000_002.0)))
    spool.put(Content.ROW, "paper", "a", "a row")
    code, document, _ = verb("clear", "--before", before)

    assert (code, document["cleared"]) == (0, sorted({"a", "b"} - {*left}))
    assert [entry.id for entry in spool.waiting(Content.P0, "paper")] == left
    assert len(spool.waiting(Content.ROW, "paper")) == 1
    assert telegram.asked == []
    assert _gauge(folder) == f"{len(left)}.0"


def test_clear_waits_for_who_is_delivering(verb: Verb, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process is about to send is not taken away under its hands."""
    monkeypatch.setenv("PREFLIGHT_TELEGRAM__TIMEOUT", "0.1")
    _put(spool, "a")
    with spool.delivering("paper", 1):
        code, document, said = verb("clear", "--before", "2099-01-01")

    assert (code, document["cleared"], document["messages"]) == (1, [], 1)
    assert "nothing is dropped: another process is delivering" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["clear"], "`clear` takes --before DATE"),
        (["clear", "--before", "yesterday"], "--before yesterday: give a date"),
        (["flush", "--before", "2026-11-20"], "`clear` takes --before DATE"),
    ],
)
def test_clear_needs_a_date(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without one, or with one that is none, nothing is dropped: exit 2."""
    assert main(["alerts", *words, "--env", "paper"]) == 2
    assert told in capsys.readouterr().err


def test_list_tells_what_becomes_of_messages_without_telegram(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no chat is configured it says how many are kept, and for how long."""
    monkeypatch.delenv("PREFLIGHT_TELEGRAM__TOKEN")
    monkeypatch.delenv("PREFLIGHT_TELEGRAM__CHAT_ID")
    _put(spool, "a")
    assert main(["alerts", "list", "--env", "paper"]) == 0
    assert "the newest 50 messages are kept, each for 7 days" in capsys.readouterr().out


def test_flush_of_nothing_makes_nothing(verb: Verb, folder: Path) -> None:
    """Where preflight never ran there is nothing to correct."""
    assert verb("flush")[0] == 0
    assert not (folder / "ledger.sqlite").exists()


def test_flush_corrects_the_gauge(verb: Verb, folder: Path) -> None:
    """Though it finds nothing to send: somebody else may have emptied the spool."""
    ledger = Ledger(folder / "ledger.sqlite", textfile_dir=folder / "textfile")
    ledger.record_alerts("paper", {}, pending=3)

    assert verb("flush")[0] == 0
    assert _gauge(folder) == "0.0"
    file = folder / "textfile" / "arbitrage_preflight_paper.prom"
    written = file.stat()
    assert verb("flush")[0] == 0
    assert file.stat() == written  # what is written anew and says the same looks like what is not served (M1)


def test_flush_says_why_something_is_left(verb: Verb, spool: Spool, telegram: TelegramStandin, folder: Path) -> None:
    """Telegram's answer is on stderr, and the message stays."""
    _put(spool, "a")
    Ledger(folder / "ledger.sqlite", textfile_dir=folder / "textfile").record_alerts("paper", {}, pending=0)
    with telegram.outage():
        code, document, said = verb("flush")

    assert (code, document["messages"], document["sent"]) == (1, 1, [])
    assert "Telegram: 500" in said
    assert _gauge(folder) == "1.0"


def test_flush_ends_where_what_was_sent_cannot_be_removed(
    verb: Verb, spool: Spool, telegram: TelegramStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is sent once, not for ever; what is wrong with the spool is said, and something is left."""
    _put(spool, "a", "b")

    def refuse(_: Entry) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Entry, "delete", refuse)
    code, document, said = verb("flush")

    assert (code, document["messages"], len(telegram.texts)) == (1, 2, 2)
    assert "was accepted, but cannot be removed (Read-only file system)" in said


def test_flush_with_a_spool_that_cannot_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told which setting names it: exit 2."""
    (folder / "spool").rmdir()
    (folder / "spool").write_text("no directory")

    assert main(["alerts", "flush", "--env", "paper"]) == 2
    assert "spool_dir" in capsys.readouterr().err


def test_test_says_what_telegram_made_of_it(verb: Verb, telegram: TelegramStandin) -> None:
    """The number of the message, or why there is none."""
    code, document, _ = verb("test")
    assert (code, document) == (0, {"env": "paper", "accepted": True, "message_id": 1})
    with telegram.outage("401"):
        code, document, said = verb("test")
    assert (code, document["accepted"]) == (1, False)
    assert "@BotFather" in said


def test_history_needs_postgres(capsys: pytest.CaptureFixture[str]) -> None:
    """Without one it says what to set."""
    assert main(["alerts", "history", "--env", "paper"]) == 3
    assert "PREFLIGHT_POSTGRES__HOST" in capsys.readouterr().err
