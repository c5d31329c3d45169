"""The history of alerts in Postgres: one row each, written once or more often with the same result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from preflight.alerts.alert import BadAlertError
from preflight.alerts.within import LateError, within
from preflight.errors import DatabaseError
from preflight.sections import PostgresSection

if TYPE_CHECKING:
    import psycopg2

_INSERT = """
INSERT INTO arbitrage_preflight_alerts AS known (alert_id, at, env, run_id, severity, fingerprint, outcome, message)
VALUES (%s, to_timestamp(%s), %s, %s, %s, %s, %s, %s)
ON CONFLICT (alert_id) DO UPDATE SET outcome = excluded.outcome, written_at = now() WHERE known.outcome <> 'sent'
"""
_COLUMNS = ("alert_id", "at", "env", "run_id", "severity", "fingerprint", "outcome", "message")
_NEWEST = """
SELECT alert_id, extract(epoch FROM at)::double precision, env, run_id, severity, fingerprint, outcome, message
FROM arbitrage_preflight_alerts WHERE env = %s ORDER BY at DESC LIMIT %s
"""
_NO_TABLE = "42P01"  # undefined_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row."""

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
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)


def row_from_json(text: str) -> Row:
    """Read what `Row.to_json` wrote.

    Raises:
        BadAlertError: It is not a row.
    """
    try:
        return Row(**json.loads(text))
    except (ValueError, TypeError, RecursionError) as e:
        raise BadAlertError(f"{type(e).__name__} while reading it") from e


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The table. Making one does no I/O."""

    settings: PostgresSection

    def store(self, rows: Sequence[Row]) -> str | None:
        """Write rows in one transaction, within the section's timeout.

        Returns:
            None, or why they could not be written and what to do.
        """
        if not rows:
            return None
        if not self.settings.host:
            return "no Postgres address is configured; set PREFLIGHT_POSTGRES__HOST"
        try:
            return within(self.settings.timeout, lambda: self._store(rows))
        except LateError:
            return f"Postgres gave no answer within {self.settings.timeout:g} s"
        except Exception as e:  # noqa: BLE001 - a driver's surprise must not cost the alert
            return f"Postgres: {type(e).__name__}"

    def newest(self, env: str, limit: int) -> tuple[Row, ...]:
        """Give the newest rows of an env, newest first.

        Raises:
            DatabaseError: They cannot be read.
        """
        import psycopg2  # noqa: PLC0415

        from preflight.clients import open_postgres  # noqa: PLC0415

        if not self.settings.host:
            raise DatabaseError("no Postgres address is configured; set PREFLIGHT_POSTGRES__HOST")
        try:
            connection = open_postgres(self.settings)
            try:
                with connection.cursor() as cursor:
                    cursor.execute(_NEWEST, (env, limit))
                    return tuple(Row(**dict(zip(_COLUMNS, row, strict=True))) for row in cursor.fetchall())
            finally:
                connection.close()
        except psycopg2.Error as e:
            raise DatabaseError(_explain(e)) from e

    def _store(self, rows: Sequence[Row]) -> str | None:
        import psycopg2  # noqa: PLC0415 - 44 ms, once an hour

        from preflight.clients import open_postgres  # noqa: PLC0415

        try:
            connection = open_postgres(self.settings)
            try:
                connection.autocommit = False
                with connection.cursor() as cursor:
                    # A connection that is given up on must not hold anything for long.
                    cursor.execute(f"SET statement_timeout = {int(self.settings.timeout * 1000) + 1}")
                    cursor.executemany(_INSERT, [_values(row) for row in rows])
                connection.commit()
            finally:
                connection.close()
        except psycopg2.Error as e:
            return _explain(e)
        return None


def _explain(error: psycopg2.Error) -> str:
    if error.pgcode == _NO_TABLE:
        return "the table of alerts is missing; make it with `preflight db migrate`"
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"Postgres: {said}"


def _values(row: Row) -> tuple[Any, ...]:
    # Postgres' text holds no NUL.
    texts = (row.env, row.run_id, row.severity, row.fingerprint, row.outcome, row.message)
    return (row.alert_id, row.at, *(text.replace("\0", "\N{REPLACEMENT CHARACTER}") for text in texts))
