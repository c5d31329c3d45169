"""One transaction in Postgres, and nothing that outlives it.

The server's session may be somebody else's in a moment: behind a pooler such as pgbouncer the bot gets the one that the
gate has used. So every setting is `SET LOCAL`, which ends with the transaction, and what was only tried is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 - a class under a small name
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

NO_TRANSACTION = "the session was ended at BEGIN"

# How long a dead gate may go unnoticed by a server that works for it. From Postgres 14 on; earlier ones lack it.
_LOCAL = "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS given(name, value)"
_WHERE_KNOWN = " WHERE EXISTS (SELECT FROM pg_catalog.pg_settings AS known WHERE known.name = given.name)"


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
            cursor.execute(_LOCAL + _WHERE_KNOWN, (list(local), list(local.values())))
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


def one_row(cursor: Any, query: Any, values: tuple[Any, ...] = ()) -> tuple[Any, ...]:
    """Ask for one row.

    Args:
        cursor: In a transaction.
        query: Text, or what `psycopg2.sql` made.
        values: For its placeholders.

    Raises:
        psycopg2.Error: The server refuses.
    """
    cursor.execute(query, values)
    row: tuple[Any, ...] = cursor.fetchone()
    return row
