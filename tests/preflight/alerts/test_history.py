from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from preflight.alerts.history import History, Row, row_from_json
from preflight.alerts.migrate import Migration, migrate, packaged
from preflight.clients import open_postgres
from preflight.errors import DatabaseError
from preflight.sections import PostgresSection

ROW = Row(
    alert_id="r1-P0",
    at=1_800_000_000.25,
    env="paper",
    run_id="r1",
    severity="P0",
    fingerprint="paper/redis/fail",
    outcome="spooled",
    message="redis\0 is down 🔴",
)


@pytest.fixture
def empty(postgres: PostgresSection) -> Iterator[PostgresSection]:
    """A database without the tables."""
    _run(postgres, "DROP TABLE IF EXISTS arbitrage_preflight_alerts, arbitrage_preflight_migrations")
    yield postgres
    _run(postgres, "DROP TABLE IF EXISTS arbitrage_preflight_alerts, arbitrage_preflight_migrations")


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
    assert history.store([ROW, ROW]) is None
    assert history.store([replace(ROW, outcome="sent")]) is None
    assert history.store([ROW]) is None

    (row,) = history.newest("paper", 10)
    assert row == replace(ROW, outcome="sent", message="redis\ufffd is down 🔴")
    assert history.newest("live", 10) == ()


def test_a_missing_table_says_what_to_do(empty: PostgresSection) -> None:
    """Neither writing nor reading raises anything but the one sentence."""
    assert "preflight db migrate" in str(History(settings=empty).store([ROW]))
    with pytest.raises(DatabaseError, match="preflight db migrate"):
        History(settings=empty).newest("paper", 1)


def test_postgres_that_is_not_there_is_a_reason(postgres: PostgresSection) -> None:
    """A closed port and no address are sentences, not exceptions."""
    assert "refused" in str(History(settings=postgres.model_copy(update={"port": 1})).store([ROW]))
    assert "PREFLIGHT_POSTGRES__HOST" in str(History(settings=PostgresSection()).store([ROW]))
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
        reason = History(settings=empty.model_copy(update={"timeout": 0.5})).store([ROW])
        assert time.monotonic() - began < 1.5
        assert reason is not None
    finally:
        holder.close()


def test_a_row_survives_the_spool() -> None:
    """What is read back is what was written."""
    assert row_from_json(ROW.to_json()) == ROW
