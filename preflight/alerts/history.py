"""The history of alerts in Postgres: one row each, written once or more often with the same result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from preflight.alerts.documents import STRICT, read, write
from preflight.alerts.message import writable
from preflight.config.sections import PostgresSection
from preflight.errors import DatabaseError
from preflight.message import message
from preflight.servers.postgres_session import said, transaction
from preflight.system.deadline import LateError, within

if TYPE_CHECKING:
    import psycopg2
    from psycopg2.extensions import connection

_INSERT = """
INSERT INTO arbitrage_preflight_alerts AS known (alert_id, at, env, run_id, severity, fingerprint, outcome, message)
VALUES %s
ON CONFLICT (alert_id) DO UPDATE SET outcome = excluded.outcome, written_at = now() WHERE known.outcome <> 'sent'
"""
_VALUES = "(%s, to_timestamp(%s), %s, %s, %s, %s, %s, %s)"
_COLUMNS = ("alert_id", "at", "env", "run_id", "severity", "fingerprint", "outcome", "message")
_NEWEST = """
SELECT alert_id, extract(epoch FROM at)::double precision, env, run_id, severity, fingerprint, outcome, message
FROM arbitrage_preflight_alerts WHERE env = %s ORDER BY at DESC LIMIT %s
"""
_NO_TABLE = "42P01"  # undefined_table


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One row."""

    __pydantic_config__ = STRICT

    alert_id: str
    at: float  # Unix seconds
    env: str
    run_id: str
    severity: str
    fingerprint: str
    outcome: str  # sent, spooled or failed
    message: str

    def to_json(self) -> str:
        """Write it as a JSON document."""
        return write(asdict(self))


def row_from_json(text: str) -> AlertRow:
    """Read what `AlertRow.to_json` wrote.

    Raises:
        BadDocumentError: It is not a row.
    """
    return read(AlertRow, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What became of rows that were to be written."""

    problem: str | None = None  # why none could be written and what to do; None: all but the refused ones are there
    refused: Mapping[str, str] = field(default_factory=dict)  # alert id -> why Postgres can never take its row


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The table. Making one does no I/O."""

    settings: PostgresSection
    migrate: str = "preflight db migrate"  # the command line that makes the table

    def store(self, rows: Sequence[AlertRow]) -> Stored:
        """Write rows in one transaction, within the section's timeout; of two with one id the one that was sent."""
        if not rows:
            return Stored()
        if not self.settings.host:
            return Stored(problem=message("no Postgres address is configured; set PREFLIGHT_POSTGRES__HOST"))
        try:
            return within(self.settings.timeout, lambda: self._store(_newest_of_each(rows)))
        except LateError:
            return Stored(
                problem=message("Postgres gave no answer within {seconds:g} s", seconds=self.settings.timeout)
            )
        except Exception as e:  # noqa: BLE001 - a driver's surprise must not cost the alert
            return Stored(problem=message("Postgres: {reason}", reason=type(e).__name__))

    def newest(self, env: str, limit: int) -> tuple[AlertRow, ...]:
        """Give the newest rows of an env, newest first.

        Raises:
            DatabaseError: They cannot be read.
        """
        import psycopg2  # noqa: PLC0415

        from preflight.servers.clients import open_postgres  # noqa: PLC0415

        if not self.settings.host:
            raise DatabaseError(message("no Postgres address is configured; set PREFLIGHT_POSTGRES__HOST"))

        def read() -> tuple[AlertRow, ...]:
            connection = open_postgres(self.settings)
            try:
                with transaction(connection, seconds=self.settings.timeout) as cursor:
                    cursor.execute(_NEWEST, (env, limit))
                    return tuple(AlertRow(**dict(zip(_COLUMNS, row, strict=True))) for row in cursor.fetchall())
            finally:
                connection.close()

        try:
            return within(2 * self.settings.timeout, read)  # to connect, and for the answer
        except LateError as e:
            raise DatabaseError(
                message("Postgres gave no answer within {seconds:g} s", seconds=2 * self.settings.timeout)
            ) from e
        except psycopg2.Error as e:
            raise DatabaseError(self._explain(e)) from e
        except (ValueError, TypeError) as e:
            raise DatabaseError(message("Postgres answers something that is no row of alerts")) from e

    def _store(self, rows: Sequence[AlertRow]) -> Stored:
        import psycopg2  # noqa: PLC0415 - 44 ms, once an hour

        from preflight.servers.clients import open_postgres  # noqa: PLC0415

        try:
            connection = open_postgres(self.settings)
            try:
                # A connection that is given up on must not hold anything for long.
                refused = self._insert(connection, rows)
            finally:
                connection.close()
        except psycopg2.Error as e:
            return Stored(problem=self._explain(e))
        return Stored(refused=refused)

    def _insert(self, connection: connection, rows: Sequence[AlertRow]) -> dict[str, str]:
        """Write rows at once; where Postgres refuses one for what it holds, in halves, so that it stops no other.

        Raises:
            psycopg2.Error: None of those that are left can be written.
        """
        import psycopg2  # noqa: PLC0415
        from psycopg2.extras import execute_values  # noqa: PLC0415

        codec = psycopg2.extensions.encodings[connection.encoding]
        values = [_values(row, codec) for row in rows]
        try:
            with transaction(connection, seconds=self.settings.timeout, keep=True) as cursor:
                execute_values(cursor, _INSERT, values, template=_VALUES, page_size=len(rows))
        except (psycopg2.DataError, psycopg2.IntegrityError) as e:
            if len(rows) == 1:
                return {rows[0].alert_id: self._explain(e)}
            middle = len(rows) // 2
            return self._insert(connection, rows[:middle]) | self._insert(connection, rows[middle:])
        return {}

    def _explain(self, error: psycopg2.Error) -> str:
        if error.pgcode == _NO_TABLE:
            return message("the table of alerts is missing; make it with `{command}`", command=self.migrate)
        return message("Postgres: {reason}", reason=said(error, self.settings.secret_values()))


def _newest_of_each(rows: Sequence[AlertRow]) -> list[AlertRow]:
    """Give one row for each id: one statement cannot change a row twice."""
    found: dict[str, AlertRow] = {}
    for row in rows:
        known = found.get(row.alert_id)
        if known is None or known.outcome != "sent":
            found[row.alert_id] = row
    return list(found.values())


def _values(row: AlertRow, codec: str) -> tuple[Any, ...]:
    """Give a row as it is written: a database in another encoding than UTF-8 has not every character."""
    id_, *texts = (
        writable(getattr(row, name)).encode(codec, "replace").decode(codec) for name in _COLUMNS if name != "at"
    )
    return (id_, row.at, *texts)
