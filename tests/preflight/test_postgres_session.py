"""What the gate's transaction leaves behind on a real server: nothing, whatever becomes of gate and server."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from acceptance.stack.embedded import EmbeddedStack
from acceptance.stack.wait import Answer, wait_until
from preflight.alerts.history import History
from preflight.alerts.migrate import migrate
from preflight.check import Context
from preflight.checks.postgres import PostgresCheck
from preflight.clients import open_postgres
from preflight.errors import DatabaseError
from preflight.model import Status
from preflight.postgres_session import one_row, transaction
from preflight.sections import PostgresSection
from tests.preflight.pooler import connect
from tests.preflight.test_pgbouncer import ROW

_OURS = "arbitrage_preflight_alerts, arbitrage_preflight_migrations, arbitrage_preflight_probe"
_SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'arbitrage-preflight'"


@pytest.fixture(scope="module")
def owner() -> Iterator[PostgresSection]:
    """A server of this module's own, as its superuser: roles and settings of the whole server are changed."""
    # Without senders of its log a server waits for no standby, whatever else it is told.
    senders = {"wal_level": "replica", "max_wal_senders": "2", "synchronous_commit": "on"}
    with EmbeddedStack(services=("postgres",), postgres=senders) as stack:
        section = PostgresSection.model_validate(stack.settings()["postgres"])
        password = stack._secrets.postgres_owner
        yield PostgresSection.model_validate(
            {**section.model_dump(), "user": "postgres", "password": password, "timeout": 1.0}
        )


def does(section: PostgresSection, *statements: str) -> None:
    with closing(connect(section)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def asked(section: PostgresSection, query: str) -> Any:
    with closing(connect(section)) as connection, connection.cursor() as cursor:
        return one_row(cursor, query)[0]


@pytest.fixture
def database(owner: PostgresSection) -> Iterator[PostgresSection]:
    """The server without any table of ours."""
    does(owner, f"DROP TABLE IF EXISTS {_OURS}, bot_positions")
    yield owner
    does(owner, f"DROP TABLE IF EXISTS {_OURS}, bot_positions")


@pytest.fixture
def lonely(database: PostgresSection) -> Iterator[PostgresSection]:
    """A server that waits, at each commit, for a standby that is gone."""
    does(database, "ALTER SYSTEM SET synchronous_standby_names = 'gone'", "SELECT pg_reload_conf()")
    wait_until(
        lambda: Answer(done=asked(database, "SHOW synchronous_standby_names") == "gone", said="not yet"),
        asked="the setting",
        timeout=5,
    )
    yield database
    does(database, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")


@pytest.fixture
def check(make_settings: Callable[..., Any], make_context: Callable[..., Context]) -> Callable[..., Any]:
    """Run `postgres` against a server: `check(section, table=...)`."""

    def run(section: PostgresSection, table: str = "bot_positions") -> Any:
        settings = make_settings(postgres=section.model_dump(), positions={"table": table})
        return PostgresCheck().run(make_context(settings=settings))

    return run


def no_sessions(section: PostgresSection) -> None:
    """Wait until none of ours is left on the server."""
    wait_until(
        lambda: Answer(done=asked(section, _SESSIONS) == 0, said=f"{asked(section, _SESSIONS)} sessions"),
        asked="pg_stat_activity",
        timeout=8,
    )


def test_g2_a_standby_that_is_gone_holds_nothing(lonely: PostgresSection, check: Callable[..., Any]) -> None:
    """Migration, probe and row come back at once, and leave no session that waits for ever."""
    began = time.monotonic()
    assert migrate(lonely) != ()
    assert check(lonely).status is Status.PASS
    assert History(settings=lonely).store([ROW]).problem is None
    assert time.monotonic() - began < 5
    no_sessions(lonely)


def test_g2_a_killed_worker_leaves_no_session(lonely: PostgresSection) -> None:
    """The server notices within a second that nobody is there any more, in the middle of a statement too."""
    pid = os.fork()
    if pid == 0:
        with transaction(open_postgres(lonely), seconds=60) as cursor:
            cursor.execute("SELECT pg_sleep(60)")
        os._exit(0)
    wait_until(
        lambda: Answer(done=asked(lonely, _SESSIONS) == 1, said="not there yet"), asked="pg_stat_activity", timeout=5
    )
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    no_sessions(lonely)


def test_g2_a_migration_has_a_deadline(database: PostgresSection) -> None:
    """Somebody holds what it needs: one sentence within its time, and nothing changed."""
    migrate(database)
    holder = connect(database)
    holder.autocommit = False
    with closing(holder), holder.cursor() as cursor:
        cursor.execute("LOCK arbitrage_preflight_migrations")
        began = time.monotonic()
        with pytest.raises(DatabaseError, match="nothing was changed"):
            migrate(database, seconds=0.5)
        assert time.monotonic() - began < 3


def test_a_setting_ends_with_its_transaction(database: PostgresSection) -> None:
    """Committed or rolled back, whole or broken off: the session is as it was."""
    with closing(open_postgres(database)) as connection:
        for keep in (True, False):
            with transaction(connection, seconds=7, keep=keep, row_security="off") as cursor:
                assert one_row(cursor, "SELECT current_setting('statement_timeout')") == ("7s",)
        with pytest.raises(psycopg2.errors.UndefinedTable), transaction(connection, seconds=7) as cursor:
            cursor.execute("SELECT * FROM no_such_table")
        with connection.cursor() as cursor:
            assert one_row(cursor, "SELECT current_setting('statement_timeout'), current_setting('row_security')") == (
                "0",
                "on",
            )


@pytest.mark.parametrize(
    ("granted", "migrated", "status"),
    [
        pytest.param("SELECT", False, Status.FAIL, id="may only read"),
        pytest.param("SELECT, INSERT, UPDATE", False, Status.PASS, id="writes to the bot's table"),
        pytest.param("SELECT", True, Status.FAIL, id="may only read, probe made by another role"),
        pytest.param("SELECT, INSERT", True, Status.PASS, id="writes to the probe"),
    ],
)
def test_g4_a_write_is_tried_where_the_bot_writes(
    granted: str, migrated: bool, status: Status, database: PostgresSection, check: Callable[..., Any]
) -> None:
    """A role without TEMPORARY passes if it may write there, and one with SELECT only fails."""
    does(database, "CREATE TABLE bot_positions (status text)", "DROP ROLE IF EXISTS careful")
    does(
        database,
        "CREATE ROLE careful LOGIN PASSWORD 'careful-Canary'",
        "REVOKE TEMPORARY ON DATABASE arbitrage FROM PUBLIC",
    )
    if migrated:
        migrate(database)
    does(database, f"GRANT {granted} ON {'arbitrage_preflight_probe' if migrated else 'bot_positions'} TO careful")
    role = PostgresSection.model_validate({**database.model_dump(), "user": "careful", "password": "careful-Canary"})
    try:
        outcome = check(role)
    finally:
        does(database, "DROP OWNED BY careful", "DROP ROLE careful", "GRANT TEMPORARY ON DATABASE arbitrage TO PUBLIC")

    assert outcome.status is status, outcome
    assert bool(outcome.hint) is (status is not Status.PASS)


def test_g4_without_any_table_one_is_made_and_gone(database: PostgresSection, check: Callable[..., Any]) -> None:
    """On a database that has none of the tables yet, what was tried leaves nothing."""
    assert check(database).status is Status.PASS
    assert asked(database, "SELECT to_regclass('arbitrage_preflight_probe') IS NULL") is True
