"""Brings the engine's own tables up to date, once, whoever comes first."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from importlib import resources
from typing import Final

import psycopg2

from engine.database import Database
from engine.errors import DependencyDown, MigrationError

__all__ = ["EngineMigration", "migrate", "packaged"]

_LOG = logging.getLogger("engine.schema")
_LOCK: Final = 0x6172_6269  # "arbi": any number that no other user of the database takes
_TIMEOUT: Final = 15.0  # seconds for one migration, and for waiting for another engine's
# Classes and codes of SQLSTATE that waiting cures: connection lost, resources, operator intervention (shutting down
# or starting up), serialization and deadlock, lock not available.
_TRANSIENT: Final = ("08", "53", "57", "40", "55P03")
# Not to_regclass(): that may answer from a cache which forgets only at the next lock on a relation, so an engine that
# waited for another's migration would still see no table.
_ABSENT: Final = """
SELECT NOT EXISTS (
    SELECT FROM pg_class WHERE relname = 'engine_schema_migrations' AND relkind = 'r' AND pg_table_is_visible(oid)
)
"""
_TABLE: Final = """
CREATE TABLE engine_schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineMigration:
    """One step of the schema."""

    version: int  # counts from 1 without gaps
    name: str  # file name
    sql: str

    @property
    def sha256(self) -> str:
        """Return the hash by which a step changed after the fact is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def packaged() -> tuple[EngineMigration, ...]:
    """Return the migrations of this package, in order.

    Raises:
        MigrationError: if their numbers do not count from 1 without gaps.
    """
    files = sorted(
        (entry for entry in resources.files("engine").joinpath("migrations").iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    steps = tuple(
        EngineMigration(version=int(entry.name.split("_")[0]), name=entry.name, sql=entry.read_text(encoding="utf-8"))
        for entry in files
    )
    if [step.version for step in steps] != list(range(1, len(steps) + 1)) or not steps:
        message = f"The packaged migrations {[step.name for step in steps]} do not count from 1; reinstall the engine."
        raise MigrationError(message)
    return steps


def _pending(database: Database, steps: tuple[EngineMigration, ...]) -> tuple[EngineMigration, ...]:
    """Compare the table of applied steps with ``steps``; an absent table means that none was applied."""
    if database.query(_ABSENT) == [(True,)]:
        return steps
    applied = dict(database.query("SELECT version, sha256 FROM engine_schema_migrations"))
    newest = max(applied, default=0)
    if newest > len(steps):
        message = f"{database.where} has schema version {newest}, this engine knows {len(steps)}; use a newer engine."
        raise MigrationError(message)
    for step in steps:
        if applied.get(step.version, step.sha256) != step.sha256:
            message = f"Migration {step.name} differs from the one applied to {database.where}; add a new one instead."
            raise MigrationError(message)
    return tuple(step for step in steps if step.version not in applied)


def migrate(database: Database, steps: tuple[EngineMigration, ...] | None = None) -> None:
    """Apply what is missing, all or nothing, under a lock that other engines wait for.

    When nothing is missing, only reads happen, so a role without rights on the schema is enough.

    Raises:
        DependencyDown: if the connection is lost, or the server is busy, starting or stopping.
        MigrationError: if the server refuses for any other reason, or is ahead of this engine.
    """
    steps = packaged() if steps is None else steps
    try:
        if not _pending(database, steps):
            return
        database.query("BEGIN")
        database.query("SELECT pg_advisory_xact_lock(%s)", (_LOCK,), timeout=_TIMEOUT)
        pending = _pending(database, steps)  # another engine may have been faster
        if database.query(_ABSENT) == [(True,)]:
            database.query(_TABLE)
        for step in pending:
            database.query(step.sql, timeout=_TIMEOUT)
            database.query(
                "INSERT INTO engine_schema_migrations (version, name, sha256) VALUES (%s, %s, %s)",
                (step.version, step.name, step.sha256),
            )
            _LOG.info("applied migration %s", step.name)
        database.query("COMMIT")
    except psycopg2.Error as error:
        text = " ".join(str(error).split())
        if (error.pgcode or "").startswith(_TRANSIENT):
            message = f"{database.where}: {text}"
            raise DependencyDown(message) from error
        message = (
            f"{database.where} refused the engine's migrations ({error.pgcode}: {text}); "
            "give the role CREATE on the schema, or repair what the message names."
        )
        raise MigrationError(message) from error
