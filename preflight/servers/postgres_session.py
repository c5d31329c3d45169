"""One transaction in Postgres, and nothing that outlives it.

The server's session may be somebody else's in a moment: behind a pooler such as pgbouncer the bot gets the one that the
gate has used. So every setting is `SET LOCAL`, which ends with the transaction, and what was only tried is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from preflight.message import cleaned
from preflight.redaction import scrub

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 - a class under a small name
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

NO_TRANSACTION = "the session was ended at BEGIN"
NO_SUCH_ROW = "unexpected result from server"
TOO_LONG = "an answer without an end"
_MAX_SAID = 300  # characters

# How often a server looks whether its client is still there. Postgres has it from 14 on, and may refuse it elsewhere.
_LOCAL = """SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS given(name, value)
WHERE name <> 'client_connection_check_interval'
    OR (current_setting(name, true) IS NOT NULL AND version() ~ 'linux')"""


def patience(seconds: float) -> dict[str, Any]:
    """Return libpq's keywords by which a server that vanishes without a word is given up like one that does not answer.

    Args:
        seconds: For connecting, and for each answer.
    """
    return {
        "connect_timeout": max(2, round(seconds)),  # libpq counts whole seconds and takes 1 for 2
        "keepalives_idle": 1,
        "keepalives_interval": 1,
        "keepalives_count": max(1, round(seconds)),
        "tcp_user_timeout": round(seconds * 1000),
    }


def said(error: Exception, secrets: Sequence[str]) -> str:
    """Return the first line of what a server says of an error, cut where it has no end, and without secrets."""

    def short(text: str) -> str:
        line = scrub(text.strip(), secrets).split("\n", 1)[0]
        return line if len(line) <= _MAX_SAID else f"{line[:_MAX_SAID]} ..."

    return cleaned(str(error), short) or type(error).__name__


@contextmanager
def transaction(connection: Connection, *, seconds: float, keep: bool = False, **settings: str) -> Iterator[Cursor]:
    """Open one transaction with limits of its own.

    The server gives up each statement, each wait for a lock and an idle transaction after `seconds`, notices within one
    second that its client is gone, and does not wait for a standby that may never answer.

    Args:
        connection: In autocommit mode, as `clients.open_postgres` gives it.
        seconds: For each statement and each wait.
        keep: Commit at the end. Else everything is rolled back.
        **settings: Further settings of this transaction, such as `row_security="off"`.

    Yields:
        A cursor in the transaction.

    Raises:
        psycopg2.Error: The server refuses something; the transaction is rolled back.
    """
    limit = f"{max(1, round(seconds * 1000))}ms"
    local = {
        # Not at the start of the session: a pooler would leave the name to whoever comes next.
        "application_name": "arbitrage-preflight",
        "statement_timeout": limit,
        "lock_timeout": limit,
        "idle_in_transaction_session_timeout": limit,
        "client_connection_check_interval": "1s",
        "synchronous_commit": "local",
        **settings,
    }
    with connection.cursor() as cursor:
        _begin(cursor)
        try:
            cursor.execute(_LOCAL, (list(local), list(local.values())))
            yield cursor
            cursor.execute("COMMIT" if keep else "ROLLBACK")
        except BaseException:
            with suppress(Exception):  # the connection may be the very thing that broke; the server then rolls back
                cursor.execute("ROLLBACK")
            raise


def _begin(cursor: Cursor) -> None:
    """Begin. pgbouncer in statement pooling mode hangs up at this, without a word of why."""
    from psycopg2 import OperationalError  # noqa: PLC0415 - loaded already by whoever has a cursor

    try:
        cursor.execute("BEGIN")
    except OperationalError as e:
        if e.pgcode is None and cursor.connection.closed:
            raise OperationalError(NO_TRANSACTION) from e
        raise


def one_row(cursor: Any, query: Any, values: tuple[Any, ...] | None = (), *, kinds: tuple[Any, ...]) -> Any:
    """Ask for one row.

    Args:
        cursor: In a transaction.
        query: Text, or what `psycopg2.sql` made.
        values: For its placeholders; None where a % in the query is no placeholder.
        kinds: The type of each of its columns.

    Returns:
        The row, a tuple.

    Raises:
        psycopg2.Error: The server refuses, or answers something that is no such row.
    """
    from psycopg2 import DatabaseError  # noqa: PLC0415 - loaded already by whoever has a cursor

    cursor.execute(query, values)
    rows = cursor.fetchall()
    if len(rows) != 1 or len(rows[0]) != len(kinds) or not all(map(isinstance, rows[0], kinds)):
        raise DatabaseError(NO_SUCH_ROW)
    return rows[0]
