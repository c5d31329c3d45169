"""What the gate's transaction leaves behind on a real server: nothing, whatever becomes of gate and server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE
from typing import Any

import psutil
import psycopg2
import pytest

from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.wait import Observation, wait_until
from preflight.alerts.history import History
from preflight.alerts.migrate import Migration, migrate, packaged
from preflight.check import Context
from preflight.checks.open_positions import OpenPositionsCheck
from preflight.checks.postgres import PostgresCheck
from preflight.config.sections import PostgresSection
from preflight.errors import DatabaseError
from preflight.model import Status
from preflight.servers.clients import open_postgres
from preflight.servers.postgres_session import one_row, transaction
from tests.preflight.pooler import connect
from tests.preflight.servers.test_pgbouncer import ROW

ROOT = Path(__file__).parents[3]

_OURS = "arbitrage_preflight_alerts, arbitrage_preflight_migrations, arbitrage_preflight_probe"
_ALL = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'arbitrage-preflight' AND wait_event_type = 'Lock'"
)
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
            {**section.model_dump(), "user": "postgres", "password": password, "timeout": 5.0}
        )


def does(section: PostgresSection, *statements: str) -> None:
    with closing(connect(section)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def asked(section: PostgresSection, query: str) -> Any:
    with closing(connect(section)) as connection, connection.cursor() as cursor:
        return one_row(cursor, query, kinds=(object,))[0]


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
        lambda: Observation(done=asked(database, "SHOW synchronous_standby_names") == "gone", said="not yet"),
        asked="the setting",
        timeout=5,
    )
    yield database
    does(database, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")


@pytest.fixture
def check(make_settings: Callable[..., Any], make_context: Callable[..., Context]) -> Callable[..., Any]:
    """Run `postgres` against a server: `check(section, table=...)`."""

    def run(section: PostgresSection, table: str = "bot_positions", env: str = "paper") -> Any:
        # What live decides by itself must not be given.
        reach = {name: value for name, value in section.model_dump().items() if name != "require_proof"}
        settings = make_settings(env=env, postgres=reach, positions={"table": table})
        return PostgresCheck().run(make_context(settings=settings))

    return run


@pytest.fixture
def trusting(database: PostgresSection) -> Iterator[PostgresSection]:
    """A server that believes everybody's name."""
    path = Path(asked(database, "SHOW hba_file"))
    before = path.read_text(encoding="utf-8")
    path.write_text("host all all 127.0.0.1/32 trust\n", encoding="utf-8")
    does(database, "SELECT pg_reload_conf()")
    stranger = database.model_copy(update={"password": None})
    wait_until(lambda: _lets_in(stranger), asked="a login without a password", timeout=5)
    yield database
    path.write_text(before, encoding="utf-8")
    does(database, "SELECT pg_reload_conf()")
    wait_until(
        lambda: Observation(done=not _lets_in(stranger).done, said="lets in"),
        asked="a login without a password",
        timeout=5,
    )


def _lets_in(section: PostgresSection) -> Observation[None]:
    try:
        with closing(connect(section)):
            return Observation(done=True, said="let in")
    except psycopg2.OperationalError as e:
        return Observation(done=False, said=str(e))


def no_sessions(section: PostgresSection) -> None:
    """Wait until none of ours is left on the server."""
    wait_until(
        lambda: Observation(done=asked(section, _SESSIONS) == 0, said=f"{asked(section, _SESSIONS)} sessions"),
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
        lambda: Observation(done=asked(lonely, _SESSIONS) == 1, said="not there yet"),
        asked="pg_stat_activity",
        timeout=5,
    )
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    no_sessions(lonely)


@pytest.mark.parametrize("whole", [False, True], ids=["the gate", "the gate and its workers"])
def test_g2_a_killed_run_leaves_no_session(whole: bool, database: PostgresSection, tmp_path: Path) -> None:
    """`kill -9` of a run whose worker waits in the server: each session is gone within the gate's own patience."""
    migrate(database)
    before = asked(database, _ALL)
    assert database.password is not None
    variables = {
        **{f"PREFLIGHT_POSTGRES__{name.upper()}": str(getattr(database, name)) for name in ("host", "port", "user")},
        "PREFLIGHT_POSTGRES__DATABASE": str(database.database),
        "PREFLIGHT_POSTGRES__PASSWORD": database.password.get_secret_value(),
        "PREFLIGHT_POSTGRES__TIMEOUT": "60" if whole else "2",
        "PREFLIGHT_LEDGER": str(tmp_path / "ledger.sqlite"),
        "PREFLIGHT_TEXTFILE_DIR": str(tmp_path),
        "PREFLIGHT_SPOOL_DIR": str(tmp_path),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
    }
    holder = connect(database)
    holder.autocommit = False
    with closing(holder), holder.cursor() as cursor:
        cursor.execute("LOCK arbitrage_preflight_probe")
        command = [sys.executable, "-m", "preflight", "--env", "paper"]
        with subprocess.Popen(command, cwd=tmp_path, env=variables, stdout=PIPE, stderr=PIPE) as gate:
            wait_until(
                lambda: Observation(done=asked(database, _WAITING) == 1, said="none"), asked=_WAITING, timeout=10
            )
            every = [psutil.Process(gate.pid), *(psutil.Process(gate.pid).children(recursive=True) if whole else [])]
            for process in every:
                process.kill()
        no_sessions(database)
    wait_until(
        lambda: Observation(done=asked(database, _ALL) == before, said="others"), asked="pg_stat_activity", timeout=5
    )


def test_g2_a_server_that_freezes_holds_no_migration(database: PostgresSection) -> None:
    """A server that says nothing any more, not even that time is up: one sentence, in time."""
    migrate(database)
    holder = connect(database)
    holder.autocommit = False
    with closing(holder), holder.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute("LOCK arbitrage_preflight_migrations")
        began = time.monotonic()
        migrating = pool.submit(migrate, database.model_copy(update={"timeout": 1.0}), seconds=2)
        wait_until(lambda: Observation(done=asked(database, _WAITING) == 1, said="none"), asked=_WAITING, timeout=2)
        pid = asked(database, "SELECT pid FROM pg_stat_activity WHERE application_name = 'arbitrage-preflight'")
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(DatabaseError, match="gave no answer within 3 s"):
                migrating.result(timeout=10)
            assert time.monotonic() - began < 5
        finally:
            os.kill(pid, signal.SIGCONT)
    no_sessions(database)


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
                assert one_row(cursor, "SELECT current_setting('statement_timeout')", kinds=(str,)) == ("7s",)
        with pytest.raises(psycopg2.errors.UndefinedTable), transaction(connection, seconds=7) as cursor:
            cursor.execute("SELECT * FROM no_such_table")
        with connection.cursor() as cursor:
            settings = "SELECT current_setting('statement_timeout'), current_setting('row_security')"
            assert one_row(cursor, settings, kinds=(str, str)) == ("0", "on")


@contextmanager
def role(database: PostgresSection, *grants: str) -> Iterator[PostgresSection]:
    """A role that may log in, read the bot's table and do what is granted, but make no temporary table."""
    password = "careful-Canary"
    does(
        database,
        "CREATE TABLE bot_positions (status text, note text)",
        f"CREATE ROLE careful LOGIN PASSWORD '{password}'",
        "GRANT SELECT ON bot_positions TO careful",
        "REVOKE TEMPORARY ON DATABASE arbitrage FROM PUBLIC",
        *(f"GRANT {grant} TO careful" for grant in grants),
    )
    try:
        yield PostgresSection.model_validate({**database.model_dump(), "user": "careful", "password": password})
    finally:
        does(database, "DROP OWNED BY careful", "DROP ROLE careful", "GRANT TEMPORARY ON DATABASE arbitrage TO PUBLIC")


@pytest.mark.parametrize("migrated", [False, True], ids=["no probe", "probe made by another role"])
@pytest.mark.parametrize(
    ("grant", "status"),
    [
        pytest.param("SELECT ON bot_positions", Status.FAIL, id="may only read"),
        pytest.param("TEMPORARY ON DATABASE arbitrage", Status.FAIL, id="may only read, and make temporary tables"),
        pytest.param("INSERT, UPDATE ON bot_positions", Status.PASS, id="writes to the bot's table"),
        pytest.param("INSERT (note) ON bot_positions", Status.PASS, id="writes to a column of it"),
    ],
)
def test_g4_a_write_is_tried_where_the_bot_writes(
    grant: str, migrated: bool, status: Status, database: PostgresSection, check: Callable[..., Any]
) -> None:
    """A role without TEMPORARY passes if it may write there, and one with SELECT only fails."""
    if migrated:
        migrate(database)
    with role(database, grant) as careful:
        outcome = check(careful)

    assert outcome.status is status, outcome
    assert bool(outcome.hint) is (status is not Status.PASS)


def test_g4_the_table_of_our_own_is_enough(database: PostgresSection, check: Callable[..., Any]) -> None:
    """A role of the gate's own, that may not write to the bot's table, tries it on ours."""
    migrate(database)
    with role(database, "SELECT, INSERT ON arbitrage_preflight_probe") as careful:
        outcome = check(careful)
        elsewhere = check(careful, table="no_such_table")

    assert (outcome.status, elsewhere.status) == (Status.PASS, Status.PASS)
    assert outcome.actual == "1 from SELECT 1, and a written row read back"
    assert asked(database, "SELECT count(*) FROM arbitrage_preflight_probe") == 0


def test_g4_no_table_that_may_be_written_to(database: PostgresSection, check: Callable[..., Any]) -> None:
    """Where the bot's table is not there, ours has to be writable, or a table be made."""
    with role(database) as careful:
        assert check(careful, table="no_such_table").status is Status.FAIL
        migrate(database)
        outcome = check(careful, table="no_such_table")
    assert (outcome.status, "arbitrage_preflight_probe" in outcome.summary) == (Status.FAIL, True)


def test_g4_without_any_table_one_is_made_and_gone(database: PostgresSection, check: Callable[..., Any]) -> None:
    """On a database that has none of the tables yet, what was tried leaves nothing."""
    assert check(database).status is Status.PASS
    assert asked(database, "SELECT to_regclass('arbitrage_preflight_probe') IS NULL") is True


@pytest.mark.parametrize(("env", "status"), [("paper", Status.WARN), ("live", Status.FAIL)])
def test_g8_a_postgres_that_asks_for_no_password(
    env: str, status: Status, trusting: PostgresSection, check: Callable[..., Any]
) -> None:
    """A password is configured and anybody is let in by name alone: said, and no GO in live."""
    outcome = check(trusting, env=env)
    assert (outcome.status, "lets everybody in" in outcome.summary) == (status, True), outcome
    assert outcome.hint


def test_g8_without_a_password_nothing_is_said(trusting: PostgresSection, check: Callable[..., Any]) -> None:
    """Who configured none knows it."""
    assert check(trusting.model_copy(update={"password": None})).status is Status.PASS


def test_g16_an_error_of_300_kb_is_cut_and_shown(database: PostgresSection, check: Callable[..., Any]) -> None:
    """What a trigger of the server's says at length is a line of a sentence, and tells no secret."""
    migrate(database)
    assert database.password is not None
    secret = database.password.get_secret_value()
    says = f"repeat('x', 280) || '{secret}' || repeat('y', 300000)"  # across the place where it is cut
    does(
        database,
        f"CREATE FUNCTION talkative() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', {says}; END $$",
        *(
            f"CREATE TRIGGER talk BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION talkative()"
            for table in ("arbitrage_preflight_probe", "arbitrage_preflight_alerts", "arbitrage_preflight_migrations")
        ),
    )
    more = Migration(version=len(packaged()) + 1, name="9999_more.sql", sql="SELECT 1")
    try:
        problem = str(History(settings=database).store([ROW]).problem)
        with pytest.raises(DatabaseError, match="nothing was changed") as refused:
            migrate(database, (*packaged(), more))
        outcome = check(database)
    finally:
        does(database, f"DROP TABLE {_OURS}", "DROP FUNCTION talkative")

    assert outcome.status is Status.ERROR
    assert "xxxxx" in outcome.summary
    for told in (problem, str(refused.value)):
        assert "xxxxx" in told
        assert len(told) < 500
        assert secret[:8] not in told


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "EUC_KR", "LATIN1"])
def test_g16_a_database_in_another_encoding(
    encoding: str, database: PostgresSection, make_settings: Callable[..., Any], make_context: Callable[..., Context]
) -> None:
    """It is migrated, counted and written to; what it has no letter for is a question mark or a sentence."""
    does(
        database,
        "DROP DATABASE IF EXISTS other",
        f"CREATE DATABASE other ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0",
    )
    other = database.model_copy(update={"database": "other"})
    positions = {"table": "bot_positions", "open_values": "열림, open", "closed_values": "닫힘"}
    ctx = make_context(settings=make_settings(postgres=other.model_dump(), positions=positions))
    try:
        migrate(other)
        with closing(open_postgres(other)) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bot_positions (status text)")
            if encoding != "LATIN1":
                cursor.execute("INSERT INTO bot_positions VALUES ('열림'), ('닫힘')")
        counted = OpenPositionsCheck().run(ctx)
        written = PostgresCheck().run(ctx)
        history = History(settings=other)
        stored = history.store([replace(ROW, message="레디스 \U0001f534")])
        (row,) = history.newest("paper", 1)
        if encoding == "SQL_ASCII":
            does(other, "INSERT INTO bot_positions VALUES (E'\\xbf\\xad')")
        spoilt = OpenPositionsCheck().run(ctx)
    finally:
        does(database, "DROP DATABASE other WITH (FORCE)")

    assert written.status is Status.PASS
    assert (stored.problem, stored.refused) == (None, {})
    assert row.message == {"SQL_ASCII": "레디스 \U0001f534", "EUC_KR": "레디스 ?", "LATIN1": "??? ?"}[encoding]
    assert counted.status is (Status.ERROR if encoding == "LATIN1" else Status.FAIL), counted
    assert spoilt.status is (Status.FAIL if encoding == "EUC_KR" else Status.ERROR), spoilt
    assert "cannot be read" in spoilt.summary or "1 open" in spoilt.summary


def test_g4_a_rule_that_swallows_the_row(database: PostgresSection, check: Callable[..., Any]) -> None:
    """The server says yes to the INSERT and keeps nothing: FAIL that says where to look."""
    migrate(database)
    does(database, "CREATE RULE nothing AS ON INSERT TO arbitrage_preflight_probe DO INSTEAD NOTHING")
    outcome = check(database)
    assert (outcome.status, "did not return what was written" in outcome.summary) == (Status.FAIL, True), outcome
    assert "rules and triggers of arbitrage_preflight_probe" in outcome.hint


@pytest.mark.parametrize(
    ("statement", "meaning"),
    [
        ("ALTER ROLE careful SET search_path = nowhere", "has no schema for this role"),
        ("CREATE TABLE arbitrage_preflight_probe (other text)", "`preflight db migrate` did not make"),
        ("CREATE TABLE arbitrage_preflight_probe (run_id int)", "`preflight db migrate` did not make"),
    ],
    ids=["search_path", "column", "type"],
)
def test_g14_a_place_that_does_not_fit(
    statement: str, meaning: str, database: PostgresSection, check: Callable[..., Any]
) -> None:
    """No schema to write in, or a table of that name and another shape: FAIL with words of its own."""
    with role(database, "CREATE ON SCHEMA public") as careful:
        does(database, statement)
        if "TABLE" in statement:
            does(database, "GRANT SELECT, INSERT ON arbitrage_preflight_probe TO careful")
        outcome = check(careful, table="no_such_table")
    assert (outcome.status, meaning in outcome.summary) == (Status.FAIL, True), outcome
