"""`preflight db migrate`: the tables that preflight writes to, made and brought up to date, whoever comes first."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from preflight.config.sections import PostgresSection
from preflight.errors import DatabaseError
from preflight.message import message
from preflight.servers.postgres_session import said, transaction
from preflight.system.deadline import LateError, within

_LOCK = 0x61727066  # "arpf": of pg_advisory_xact_lock; any number that no other user of the database takes
_TABLE = """
CREATE TABLE IF NOT EXISTS arbitrage_preflight_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step."""

    version: int  # counts from 1
    name: str  # of its file
    sql: str

    @property
    def sha256(self) -> str:
        """Hash by which a step that was changed afterwards is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def packaged() -> tuple[Migration, ...]:
    """Give the steps that come with this program, in order.

    Raises:
        DatabaseError: They are not numbered 1, 2, 3, ...: the installation is damaged.
    """
    folder = resources.files("preflight.alerts").joinpath("migrations")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    steps = tuple(
        Migration(version=int(file.name[:4]), name=file.name, sql=file.read_text(encoding="utf-8")) for file in files
    )
    if not steps or [step.version for step in steps] != list(range(1, len(steps) + 1)):
        raise DatabaseError(message("the packaged migrations are not complete: install preflight again"))
    return steps


def migrate(
    settings: PostgresSection, steps: tuple[Migration, ...] | None = None, *, seconds: float = _SECONDS
) -> tuple[str, ...]:
    """Apply what is missing, all of it or nothing.

    Args:
        settings: The database.
        steps: What to apply; None for the packaged ones.
        seconds: For all of it once connected, also for whoever else is migrating to be done.

    Returns:
        Names of the steps that were applied; empty where the database was up to date.

    Raises:
        DatabaseError: The database cannot be reached or refuses, is newer, or was made by other steps.
    """
    import psycopg2  # noqa: PLC0415 - heavy

    from preflight.servers.clients import open_postgres  # noqa: PLC0415

    if not settings.host:
        raise DatabaseError(message("no Postgres address is configured; set PREFLIGHT_POSTGRES__HOST"))
    where = message("Postgres at {address}", address=f"{settings.host}:{settings.port}")
    wanted = packaged() if steps is None else steps

    def apply() -> tuple[str, ...]:
        connection = open_postgres(settings)
        try:
            with transaction(connection, seconds=seconds, keep=True) as cursor:
                return _apply(cursor, wanted, where)
        finally:
            connection.close()

    limit = seconds + settings.timeout  # which may go by until there is a connection
    try:
        return within(limit, apply)
    except LateError as e:
        raise DatabaseError(
            message(
                "{where} gave no answer within {limit:g} s; look at it, then run this again", where=where, limit=limit
            )
        ) from e
    except psycopg2.Error as e:
        raise DatabaseError(
            message("{where}: {said}; nothing was changed", where=where, said=said(e, settings.secret_values()))
        ) from e


def _apply(cursor: Any, steps: tuple[Migration, ...], where: str) -> tuple[str, ...]:
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    cursor.execute(_TABLE)
    cursor.execute("SELECT version, sha256 FROM arbitrage_preflight_migrations ORDER BY version")
    try:
        known: dict[int, str] = dict(cursor.fetchall())
    except (ValueError, TypeError) as e:
        raise DatabaseError(message("{where} answers something that is no list of migrations", where=where)) from e
    if len(known) > len(steps):
        raise DatabaseError(message("{where} was migrated by a newer preflight; run that one", where=where))
    applied = []
    for step in steps:
        if step.version not in known:
            cursor.execute(step.sql)
            cursor.execute(
                "INSERT INTO arbitrage_preflight_migrations (version, name, sha256) VALUES (%s, %s, %s)",
                (step.version, step.name, step.sha256),
            )
            applied.append(step.name)
        elif known[step.version] != step.sha256:
            raise DatabaseError(
                message(
                    "{where}: migration {name} was applied in another form; restore that file",
                    where=where,
                    name=step.name,
                )
            )
    return tuple(applied)
