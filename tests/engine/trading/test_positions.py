from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 (a class under a module's naming)

from engine.database import Database
from engine.errors import DependencyDown, MigrationError
from engine.schema import EngineMigration, migrate, packaged
from engine.settings import Postgres
from engine.trading.portfolio import Position
from engine.trading.positions import PostgresPositions

DAY = 86_400
NOON = 20_000 * DAY + DAY // 2
WANTED = Position(
    id=0,
    symbol="BTC",
    direction="upbit_to_binance",
    quantity=0.0123,
    notional_krw=1_234_567.89,
    opened_at=NOON + 0.25,
    entry_spread_bps=12.5,
)


@pytest.fixture
def store(postgres_settings: Postgres, sql: Connection) -> Iterator[PostgresPositions]:
    del sql  # the tables are dropped before the store makes its own
    one = PostgresPositions(Database(postgres_settings, timeout=2), "paper")
    one.connect(NOON)
    yield one
    one.close()


@pytest.fixture
def database(postgres_settings: Postgres, sql: Connection) -> Iterator[Database]:
    del sql
    one = Database(postgres_settings, timeout=2)
    one.connect()
    yield one
    one.close()


def test_a_position_comes_back_as_it_went(store: PostgresPositions) -> None:
    """What is stored is what is read, with the id the table gave it."""
    stored = store.open(WANTED)
    assert stored is not None
    assert stored.id > 0
    assert dataclasses.replace(stored, id=0) == WANTED
    assert store.open_positions() == (stored,)


def test_a_symbol_has_one_open_position(store: PostgresPositions) -> None:
    """A second opening of a symbol is refused by the table itself, another symbol's is not."""
    assert store.open(WANTED) is not None
    assert store.open(WANTED) is None
    assert store.open(dataclasses.replace(WANTED, symbol="ETH")) is not None


def test_a_position_is_closed_once(store: PostgresPositions) -> None:
    """Closing keeps the row with its result; a second close is refused; the symbol is free again."""
    stored = store.open(WANTED)
    assert stored is not None
    assert store.close_position(stored, now=NOON + 9, exit_spread_bps=-3.5, pnl_krw=900.5)
    assert not store.close_position(stored, now=NOON + 10, exit_spread_bps=0, pnl_krw=0)
    assert store.open_positions() == ()
    assert store.books(NOON + 20).realized_krw == 900.5
    assert store.open(WANTED) is not None


def test_profit_of_the_day_starts_at_midnight_utc(store: PostgresPositions) -> None:
    """A close one second before midnight is in the total, not in the day."""
    for closed_at, profit in ((NOON - DAY // 2 - 1, -100.0), (NOON - DAY // 2, 10.0)):
        stored = store.open(WANTED)
        assert stored is not None
        assert store.close_position(stored, now=closed_at, exit_spread_bps=1, pnl_krw=profit)
    books = store.books(NOON)
    assert (books.realized_krw, books.realized_today_krw) == (-90, 10)


def test_the_table_says_what_a_gate_asks(store: PostgresPositions, sql: Connection) -> None:
    """The env column names the mode, never live, and status tells open from closed."""
    store.open(WANTED)
    with sql.cursor() as cursor:
        cursor.execute("SELECT env, status, closed_at, pnl_krw FROM paper_positions")
        assert cursor.fetchall() == [("paper", "open", None, None)]
        with pytest.raises(psycopg2.errors.CheckViolation):
            cursor.execute("UPDATE paper_positions SET env = 'live'")
        with pytest.raises(psycopg2.errors.CheckViolation):
            cursor.execute("UPDATE paper_positions SET status = 'closed'")


def test_a_vanished_table_is_an_outage_not_a_crash(store: PostgresPositions, sql: Connection) -> None:
    """When somebody drops the table the store is down and says why; connecting again cannot hide it."""
    with sql.cursor() as cursor:
        cursor.execute("DROP TABLE paper_positions")
    with pytest.raises(DependencyDown, match="42P01"):
        store.open_positions()
    assert not store.connected
    with pytest.raises(DependencyDown, match="42P01"):
        store.connect(NOON)


def test_a_new_database_gets_its_tables_on_reconnect(store: PostgresPositions, sql: Connection) -> None:
    """After the database was made anew the tables come back by themselves."""
    with sql.cursor() as cursor:
        cursor.execute("DROP TABLE paper_positions, engine_schema_migrations")
    assert store.connect(NOON).open == ()


def test_migrations_are_applied_once(database: Database) -> None:
    """A second start finds nothing to do and changes nothing."""
    migrate(database)
    first = database.query("SELECT version, name, sha256, applied_at FROM engine_schema_migrations")
    migrate(database)
    assert database.query("SELECT version, name, sha256, applied_at FROM engine_schema_migrations") == first
    assert [row[0] for row in first] == [step.version for step in packaged()]


def test_engines_that_start_together_migrate_once(postgres_settings: Postgres, sql: Connection) -> None:
    """Eight engines on an empty database: one applies, seven wait, none fails."""
    failures: list[Exception] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        one = PostgresPositions(Database(postgres_settings, timeout=5), "paper")
        barrier.wait(5)
        try:
            one.connect(NOON)
        except (DependencyDown, MigrationError) as error:
            failures.append(error)
        one.close()

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failures == []
    with sql.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM engine_schema_migrations")
        assert cursor.fetchone() == (len(packaged()),)


def test_a_failing_migration_leaves_nothing_behind(database: Database, sql: Connection) -> None:
    """All or nothing: a step that fails takes the steps before it with it, and says what is wrong."""
    steps = (*packaged(), EngineMigration(version=len(packaged()) + 1, name="9999_bad.sql", sql="CREATE TABEL x ()"))
    with pytest.raises(MigrationError, match=r"42601.*TABEL"):
        migrate(database, steps)
    with sql.cursor() as cursor:
        cursor.execute("SELECT to_regclass('paper_positions'), to_regclass('engine_schema_migrations')")
        assert cursor.fetchone() == (None, None)


def test_a_newer_database_is_refused(database: Database) -> None:
    """An old engine does not write to tables it does not know."""
    migrate(database)
    database.query("INSERT INTO engine_schema_migrations (version, name, sha256) VALUES (999, 'x', 'x')")
    with pytest.raises(MigrationError, match="schema version 999, this engine knows"):
        migrate(database)


def test_an_edited_migration_is_refused(database: Database) -> None:
    """A step that was changed after it had been applied is noticed."""
    migrate(database)
    database.query("UPDATE engine_schema_migrations SET sha256 = 'other' WHERE version = 1")
    with pytest.raises(MigrationError, match="differs from the one applied"):
        migrate(database)


def test_no_right_to_create_is_fatal_and_says_what_to_do(database: Database) -> None:
    """A server that answers and refuses is not waited for."""
    database.query("SET default_transaction_read_only = on")
    with pytest.raises(MigrationError, match=r"25006.*give the role CREATE"):
        migrate(database)


def test_a_lock_held_too_long_is_waited_for_again(
    database: Database, sql: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another engine's endless migration makes Postgres count as down, not the engine fail."""
    monkeypatch.setattr("engine.schema._TIMEOUT", 0.1)
    with sql.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (0x6172_6269,))
        with pytest.raises(DependencyDown, match=r"no answer within 0\.1 s"):
            migrate(database)
