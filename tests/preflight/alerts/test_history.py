from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from preflight.alerts.documents import BadDocumentError
from preflight.alerts.history import AlertRow, History, Stored, row_from_json
from preflight.alerts.migrate import Migration, migrate, packaged
from preflight.config.sections import PostgresSection
from preflight.errors import DatabaseError
from preflight.servers.clients import open_postgres

ROW = AlertRow(
    alert_id="r1-P0",
    at=1_800_000_000.25,
    env="paper",
    run_id="r1",
    severity="P0",
    fingerprint="paper/redis/fail",
    outcome="spooled",
    message="redis\0 is down 🔴",
)


_DROP = "DROP TABLE IF EXISTS arbitrage_preflight_alerts, arbitrage_preflight_migrations, arbitrage_preflight_probe"


@pytest.fixture
def empty(postgres: PostgresSection) -> Iterator[PostgresSection]:
    """A database without the tables."""
    _run(postgres, _DROP)
    yield postgres
    _run(postgres, _DROP)


def _run(settings: PostgresSection, sql: str) -> None:
    connection = open_postgres(settings)
    with connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()


def test_migrate_makes_the_table_once(empty: PostgresSection) -> None:
    """The first time makes it, the second does nothing."""
    assert migrate(empty) == tuple(step.name for step in packaged())
    assert migrate(empty) == ()


def test_migrating_at_once_is_fine(empty: PostgresSection) -> None:
    """Of four that migrate at the same time one does it, and all succeed."""
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: migrate(empty), range(4)))

    assert sorted(map(len, done)) == [0, 0, 0, len(packaged())]


def test_a_migration_that_breaks_changes_nothing(empty: PostgresSection) -> None:
    """All steps or none."""
    broken = Migration(version=2, name="0002_broken.sql", sql="NONSENSE")
    with pytest.raises(DatabaseError, match=r"syntax error.*nothing was changed"):
        migrate(empty, (*packaged()[:1], broken))
    assert len(migrate(empty)) == len(packaged())


@pytest.mark.parametrize("versions", [(), (2,), (1, 3), (1, 2, 2), (0, 1)])
def test_steps_that_are_missing_are_a_damaged_installation(
    versions: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes with the program is numbered 1, 2, 3, or nothing is applied."""
    (tmp_path / "migrations").mkdir()
    for place, version in enumerate(versions):
        (tmp_path / "migrations" / f"{version:04d}_{place}.sql").write_text("SELECT 1")
    monkeypatch.setattr("preflight.alerts.migrate.resources", SimpleNamespace(files=lambda _: tmp_path))
    with pytest.raises(DatabaseError, match="not complete: install preflight again"):
        packaged()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_steps_that_are_all_there_are_taken(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are."""
    (tmp_path / "migrations").mkdir()
    for version in range(1, number + 1):
        (tmp_path / "migrations" / f"{version:04d}_step.sql").write_text("SELECT 1")
    monkeypatch.setattr("preflight.alerts.migrate.resources", SimpleNamespace(files=lambda _: tmp_path))
    assert [step.version for step in packaged()] == list(range(1, number + 1))


def test_a_changed_step_and_a_newer_database_are_refused(empty: PostgresSection) -> None:
    """What was applied is compared with what is here."""
    more = Migration(version=len(packaged()) + 1, name="9999_more.sql", sql="SELECT 1")
    migrate(empty, (*packaged(), more))
    with pytest.raises(DatabaseError, match="newer preflight"):
        migrate(empty)
    with pytest.raises(DatabaseError, match="another form"):
        migrate(empty, (replace(packaged()[0], sql="SELECT 2"), *packaged()[1:], more))


def test_rows_are_written_once(empty: PostgresSection) -> None:
    """The same row twice is one; a later outcome replaces an earlier one; `sent` stays."""
    migrate(empty)
    history = History(settings=empty)
    assert history.store([ROW, ROW]) == Stored()
    assert history.store([ROW, replace(ROW, outcome="sent"), ROW]) == Stored()
    assert history.store([ROW]) == Stored()
    assert history.store([]) == Stored()

    (row,) = history.newest("paper", 10)
    assert row == replace(ROW, outcome="sent", message="redis\ufffd is down 🔴")
    assert history.newest("live", 10) == ()


@pytest.mark.parametrize("rows", [[(1,)], [7], [()]], ids=repr)
def test_a_strangers_rows_are_none(rows: list[Any], postgres: PostgresSection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of another form are one sentence, whatever is wrong with them."""
    cursor = SimpleNamespace(execute=lambda *_: None, fetchall=lambda: rows)
    monkeypatch.setattr("preflight.alerts.history.transaction", lambda *_, **__: nullcontext(cursor))
    with pytest.raises(DatabaseError, match="no row of alerts"):
        History(settings=postgres).newest("paper", 1)


@pytest.mark.parametrize("rows", [[(1, 2, 3)], [7]], ids=repr)
def test_a_strangers_migrations_are_none(
    rows: list[Any], postgres: PostgresSection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So is a list of migrations that is none."""
    cursor = SimpleNamespace(execute=lambda *_: None, fetchall=lambda: rows)
    monkeypatch.setattr("preflight.alerts.migrate.transaction", lambda *_, **__: nullcontext(cursor))
    with pytest.raises(DatabaseError, match="no list of migrations"):
        migrate(postgres)


def test_a_missing_table_says_what_to_do(empty: PostgresSection) -> None:
    """Neither writing nor reading raises anything but the one sentence."""
    assert "preflight db migrate" in str(History(settings=empty).store([ROW]).problem)
    with pytest.raises(DatabaseError, match="preflight db migrate"):
        History(settings=empty).newest("paper", 1)


def test_postgres_that_is_not_there_is_a_reason(postgres: PostgresSection) -> None:
    """A closed port and no address are sentences, not exceptions."""
    assert "refused" in str(History(settings=postgres.model_copy(update={"port": 1})).store([ROW]).problem)
    assert "PREFLIGHT_POSTGRES__HOST" in str(History(settings=PostgresSection()).store([ROW]).problem)
    with pytest.raises(DatabaseError, match="refused"):
        migrate(postgres.model_copy(update={"port": 1}))


def test_a_locked_table_is_given_up(empty: PostgresSection) -> None:
    """Somebody who holds the table does not hold up a run for longer than the timeout."""
    migrate(empty)
    holder = open_postgres(empty)
    holder.autocommit = False
    try:
        with holder.cursor() as cursor:
            cursor.execute("LOCK TABLE arbitrage_preflight_alerts")
        began = time.monotonic()
        reason = History(settings=empty.model_copy(update={"timeout": 0.5})).store([ROW]).problem
        assert time.monotonic() - began < 1.5
        assert reason is not None
    finally:
        holder.close()


def test_a_row_survives_the_spool() -> None:
    """What is read back is what was written."""
    assert row_from_json(ROW.to_json()) == ROW


@pytest.mark.parametrize("name", ["alert_id", "at", "env", "message"])
@pytest.mark.parametrize("value", [None, 7, True, "x", 1e400, [], {}], ids=repr)
def test_a_row_of_other_types_is_refused(name: str, value: Any) -> None:
    """Whatever stands in a field, it is either of its type, or the file is damaged."""
    text = json.dumps({**json.loads(ROW.to_json()), name: value})
    try:
        read = row_from_json(text)
    except BadDocumentError:
        return
    assert getattr(read, name) == value
    assert type(getattr(read, name)) is type(getattr(ROW, name))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"alert_id": "x"}', ROW.to_json()[:-1] + ', "x": 1}'])
def test_what_is_no_row_is_refused(text: str) -> None:
    """A damaged file raises the one error that the spool expects."""
    with pytest.raises(BadDocumentError):
        row_from_json(text)


@pytest.mark.parametrize(
    "bad", [{"env": "moon"}, {"severity": "P9"}, {"run_id": ""}, {"at": 1e300}], ids=lambda bad: next(iter(bad))
)
def test_a_row_that_postgres_can_never_take_stops_no_other(empty: PostgresSection, bad: dict[str, Any]) -> None:
    """It is named with the reason, and the hundred around it are written."""
    migrate(empty)
    rows = [replace(ROW, alert_id=f"r{number}-P0") for number in range(100)]
    rows[41] = replace(rows[41], **bad)
    stored = History(settings=empty).store(rows)

    assert stored.problem is None
    assert list(stored.refused) == ["r41-P0"]
    assert stored.refused["r41-P0"].startswith("Postgres: ")
    assert len(History(settings=empty).newest("paper", 200)) == 99


def test_text_that_is_no_text_is_written(empty: PostgresSection) -> None:
    """Half a surrogate pair, which JSON can carry, costs the character."""
    migrate(empty)
    assert History(settings=empty).store([replace(ROW, message="a\ud800b")]) == Stored()
    assert History(settings=empty).newest("paper", 1)[0].message == "a\ufffdb"
