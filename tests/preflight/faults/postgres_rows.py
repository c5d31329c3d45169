"""Faults of Postgres, and of the table of positions in it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

import psycopg2

from tests.preflight.faults.proxy import Trouble
from tests.preflight.faults.redis_rows import unknown_name
from tests.preflight.faults.rig import Rig
from tests.preflight.faults.row import Change, FaultRow, error, fail, warn


@contextlib.contextmanager
def role_set(rig: Rig, name: str, value: str) -> Iterator[Change]:
    """A role with another setting of its own."""
    rig.sql(f"ALTER ROLE CURRENT_USER SET {name} = {value}")
    try:
        yield Change()
    finally:
        rig.sql("SET default_transaction_read_only = off", f"ALTER ROLE CURRENT_USER RESET {name}")


@contextlib.contextmanager
def no_connection_left(rig: Rig) -> Iterator[Change]:
    """Connections, opened until the real server refuses one."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(psycopg2.OperationalError):
            while True:
                stack.enter_context(contextlib.closing(rig.connect()))
        yield Change()


@contextlib.contextmanager
def table(rig: Rig, name: str, *rows: str, column: str = "status") -> Iterator[Change]:
    """A table of positions in the real database, one row for each status."""
    rig.sql(
        f"CREATE TABLE {name} ({column} text)",
        *(f"INSERT INTO {name} VALUES ('{row}')" for row in rows),  # noqa: S608 - literals of this file
    )
    try:
        yield Change(env={"PREFLIGHT_POSITIONS__TABLE": name, "PREFLIGHT_POSITIONS__POLICY": "fail"})
    finally:
        rig.sql(f"DROP TABLE {name}")


@contextlib.contextmanager
def hidden_rows(rig: Rig) -> Iterator[Change]:
    """A table whose open row a policy hides from the gate's role: counted there, it has none."""
    with table(rig, "fault_hidden", "open") as change:
        rig.sql(
            "ALTER TABLE fault_hidden ENABLE ROW LEVEL SECURITY", "ALTER TABLE fault_hidden FORCE ROW LEVEL SECURITY"
        )
        with contextlib.closing(rig.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM fault_hidden")
            assert cursor.fetchone() == (0,)
        yield change


@contextlib.contextmanager
def forbidden_table(rig: Rig, name: str, right: str) -> Iterator[Change]:
    """A table on which its owner, the gate's role, has taken a right from itself."""
    with table(rig, name) as change:
        rig.sql(f"REVOKE {right} ON {name} FROM CURRENT_USER")
        yield change


def told(**env: str) -> contextlib.nullcontext[Change]:
    """Nothing but other settings."""
    return contextlib.nullcontext(Change(env=env))


ROWS = (
    FaultRow(
        id="postgres-down",
        fault="Postgres is down",
        made="the server is stopped",
        check="postgres",
        **fail(),
        words=("refuses connections",),
        alone=True,
        make=lambda rig: rig.stopped("postgres"),
    ),
    FaultRow(
        id="postgres-down-positions",
        run_of="postgres-down",
        fault="Postgres is down, so that nobody knows about open positions",
        made="the server is stopped",
        check="open_positions",
        status="skip",
        exit_code=1,
        last_success=0.0,
        words=("requires postgres",),
        alone=True,
        make=lambda rig: rig.stopped("postgres"),
    ),
    FaultRow(
        id="postgres-password",
        fault="wrong Postgres password",
        made="another password in the settings",
        check="postgres",
        **fail(),
        words=("refuses the password",),
        make=lambda _: told(PREFLIGHT_POSTGRES__PASSWORD=secrets.token_hex(20)),
    ),
    FaultRow(
        id="postgres-database",
        fault="no such database",
        made="another database in the settings",
        check="postgres",
        **fail(),
        words=("does not know that database",),
        make=lambda _: told(PREFLIGHT_POSTGRES__DATABASE="no_such_database"),
    ),
    FaultRow(
        id="postgres-read-only",
        fault="the role may only read",
        made="ALTER ROLE ... SET default_transaction_read_only = on",
        check="postgres",
        **fail(),
        words=("read-only for this role", "takes no writes"),
        alone=True,
        make=lambda rig: role_set(rig, "default_transaction_read_only", "on"),
    ),
    FaultRow(
        id="postgres-forgets",
        fault="Postgres may lose in a power cut what it has committed",
        made="ALTER ROLE ... SET synchronous_commit = off",
        check="postgres",
        **warn(),
        words=("may lose data in a power cut: synchronous_commit = off",),
        alone=True,
        make=lambda rig: role_set(rig, "synchronous_commit", "off"),
    ),
    FaultRow(
        id="postgres-no-insert",
        fault="the role may read the bot's table, and not write to it",
        made="REVOKE INSERT on the table of positions; no table of `preflight db migrate`",
        check="postgres",
        **fail(),
        words=("does not let this role write to fault_no_insert",),
        make=lambda rig: forbidden_table(rig, "fault_no_insert", "INSERT"),
    ),
    FaultRow(
        id="postgres-connections",
        fault="Postgres has no connection left",
        made="connections are opened until the server refuses one",
        check="postgres",
        **fail(),
        words=("has no connection left",),
        alone=True,
        make=no_connection_left,
    ),
    FaultRow(
        id="postgres-slow",
        fault="Postgres answers, but slowly",
        made="a proxy delays each answer by 0.1 s; slow_after is 0.05 s",
        check="postgres",
        **warn(),
        words=("is slow",),
        make=lambda rig: rig.troubled("postgres", Trouble(delay=0.1), PREFLIGHT_POSTGRES__SLOW_AFTER="0.05"),
    ),
    FaultRow(
        id="postgres-late",
        fault="Postgres takes 2 s for each answer",
        made="a proxy delays each answer by 2 s; timeout is 1 s",
        check="postgres",
        **error(),
        words=("did not answer in time",),
        make=lambda rig: rig.troubled("postgres", Trouble(delay=2.0), PREFLIGHT_POSTGRES__TIMEOUT="1"),
    ),
    FaultRow(
        id="postgres-dropped",
        fault="the connection to Postgres breaks in the middle of an answer",
        made="a proxy hands on 3 bytes of the answer to SELECT 1, then resets the connection",
        check="postgres",
        **error(),
        words=("server closed the connection",),
        make=lambda rig: rig.troubled("postgres", Trouble(cut_on=b"SELECT 1")),
    ),
    FaultRow(
        id="postgres-frozen",
        fault="Postgres takes connections and answers nothing",
        made="the server is frozen (SIGSTOP); timeout is 1 s",
        check="postgres",
        **error(),
        words=("did not answer in time",),
        alone=True,
        make=lambda rig: rig.frozen("postgres", PREFLIGHT_POSTGRES__TIMEOUT="1"),
    ),
    FaultRow(
        id="postgres-name",
        fault="the name of the Postgres host does not resolve (error where the name server itself is silent)",
        made="postgres.invalid in the settings",
        check="postgres",
        **fail(),
        words=("postgres.invalid", "does not resolve"),
        make=lambda _: unknown_name("postgres", also="postgres"),
    ),
    FaultRow(
        id="positions-table",
        fault="the table of positions is missing",
        made="a table in the settings that is not there",
        check="open_positions",
        **warn(origin="error"),
        words=("no_such_table cannot be read", "there is no such table"),
        make=lambda _: told(PREFLIGHT_POSITIONS__TABLE="no_such_table"),
    ),
    FaultRow(
        id="positions-column",
        fault="the table of positions has another status column",
        made="a table without that column",
        check="open_positions",
        **warn(origin="error"),
        words=("has no such status column",),
        make=lambda rig: table(rig, "fault_columns", column="state"),
    ),
    FaultRow(
        id="positions-open",
        fault="positions are open, and the policy is fail",
        made="two open rows and a closed one in the table; the bot writes OPEN",
        check="open_positions",
        **warn(origin="fail"),
        words=("2 open in fault_positions",),
        make=lambda rig: table(rig, "fault_positions", "open", "OPEN", "closed"),
    ),
    FaultRow(
        id="positions-unknown",
        fault="positions have a status that is configured as neither open nor closed",
        made="a closing row and a closed one in the table",
        check="open_positions",
        **warn(origin="error"),
        words=("status is closing: whether they are open",),
        make=lambda rig: table(rig, "fault_unknown", "closing", "closed"),
    ),
    FaultRow(
        id="positions-hidden",
        fault="row-level security hides the rows of the table of positions",
        made="FORCE ROW LEVEL SECURITY on a table with an open row, and no policy that shows it",
        check="open_positions",
        **warn(origin="error"),
        words=("row-level security hides a part of it",),
        make=hidden_rows,
    ),
    FaultRow(
        id="positions-table-live",
        fault="the table of positions is missing, and the bot would go live",
        made="a table in the settings that is not there, env live",
        check="open_positions",
        env="live",
        **error(),
        words=("no_such_table cannot be read", "there is no such table"),
        make=lambda _: told(PREFLIGHT_POSITIONS__TABLE="no_such_table"),
    ),
    FaultRow(
        id="positions-unreadable-live",
        fault="the table of positions may not be read, and the bot would go live",
        made="a table on which the gate's role has no SELECT, env live",
        check="open_positions",
        env="live",
        **error(),
        words=("fault_forbidden cannot be read", "this role may not read it"),
        make=lambda rig: forbidden_table(rig, "fault_forbidden", "SELECT"),
    ),
    FaultRow(
        id="positions-open-live",
        fault="positions are open, the policy is fail, and the bot would go live",
        made="an open row in the table, env live",
        check="open_positions",
        env="live",
        **fail(),
        words=("1 open in fault_positions_live",),
        make=lambda rig: table(rig, "fault_positions_live", "open"),
    ),
    FaultRow(
        id="positions-paper",
        fault="a live run looks at the paper table",
        made="env live with the default table",
        check="open_positions",
        env="live",
        **fail(),
        words=("paper_positions", "table of paper positions"),
        make=lambda _: told(PREFLIGHT_POSITIONS__TABLE="paper_positions"),
    ),
)
