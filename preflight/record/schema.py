"""The ledger's tables: made, migrated, verified, read and written. No files, no locks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from preflight.errors import LedgerError
from preflight.message import message
from preflight.record import catalogue
from preflight.record.state import Key, State

# One tuple of statements per version, oldest first; version n is what the first n of them give. Only ever
# append: a ledger in the field is brought up to date by the ones it has not seen.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # `labels`: the label values besides env, in the order of the contract, one blank between them.
        """
        CREATE TABLE series (
          env TEXT NOT NULL,
          name TEXT NOT NULL,
          labels TEXT NOT NULL,
          value REAL NOT NULL CHECK (typeof(value) = 'real'),
          PRIMARY KEY (env, name, labels)
        ) WITHOUT ROWID
        """,
        # The configured checks of each env, in their order.
        """
        CREATE TABLE configured (
          env TEXT NOT NULL,
          position INTEGER NOT NULL,
          check_id TEXT NOT NULL,
          PRIMARY KEY (env, position)
        ) WITHOUT ROWID
        """,
        # One row about the file itself: how many damaged ledgers lay beside it when it was made.
        "CREATE TABLE life (resets INTEGER NOT NULL CHECK (resets >= 0))",
        "INSERT INTO life (resets) VALUES (0)",
    ),
    (
        # When an alert with this fingerprint was last accepted (Unix seconds), and how many were held back since.
        """
        CREATE TABLE throttle (
          env TEXT NOT NULL,
          fingerprint TEXT NOT NULL,
          at REAL NOT NULL CHECK (typeof(at) = 'real'),
          held_back INTEGER NOT NULL CHECK (typeof(held_back) = 'integer' AND held_back >= 0),
          PRIMARY KEY (env, fingerprint)
        ) WITHOUT ROWID
        """,
    ),
    (
        # Made anew, which opens every window once: what ALTER leaves as a definition depends on SQLite's version.
        "DROP TABLE throttle",
        # When an alert with this fingerprint was last accepted: in Unix seconds, and by the clock that nobody can set,
        # as the boot of the machine and the seconds that it had been up.
        """
        CREATE TABLE throttle (
          env TEXT NOT NULL,
          fingerprint TEXT NOT NULL,
          at REAL NOT NULL CHECK (typeof(at) = 'real'),
          boot TEXT NOT NULL,
          up REAL NOT NULL CHECK (typeof(up) = 'real'),
          PRIMARY KEY (env, fingerprint)
        ) WITHOUT ROWID
        """,
        # Alerts, not fingerprints: one run with three warnings that is held back is one.
        """
        CREATE TABLE held_back (
          env TEXT NOT NULL PRIMARY KEY,
          alerts INTEGER NOT NULL CHECK (typeof(alerts) = 'integer' AND alerts >= 0)
        ) WITHOUT ROWID
        """,
    ),
)

_APPLICATION_ID = 0x41525046  # "ARPF": tells a ledger from any other SQLite file


class DamagedError(Exception):
    """The database is not what a ledger can be; it has to be set aside. Never leaves this package."""


def create(db: sqlite3.Connection, *, resets: int) -> None:
    """Make the tables in an empty database, in one transaction."""
    _settle(db)
    db.execute("BEGIN IMMEDIATE")
    db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    migrate(db, 0)
    db.execute("UPDATE life SET resets = ?", (resets,))
    db.execute("COMMIT")


def verify(db: sqlite3.Connection, path: Path) -> int:
    """Prove that the database is a ledger, whole, and not from the future; give its schema version.

    Args:
        db: A connection to it, in autocommit mode.
        path: Its path, for messages.

    Raises:
        DamagedError: It is not whole, or is no ledger.
        LedgerError: It is a newer version's, or another program's: it must be left alone.
        sqlite3.Error: It cannot be read.
    """
    marked = _pragma(db, "application_id") == _APPLICATION_ID
    version = _pragma(db, "user_version")
    if marked and version > len(MIGRATIONS):
        raise LedgerError(
            message(
                "the ledger {path} has schema version {version}, this program knows {count}: run the "
                "newer program that made it, or point PREFLIGHT_LEDGER to another file",
                path=path,
                version=version,
                count=len(MIGRATIONS),
            )
        )
    tables = _tables(db)
    if not marked and tables and not tables & _tables_of(len(MIGRATIONS)):
        raise LedgerError(
            message(
                "{path} is a SQLite database of another program: point PREFLIGHT_LEDGER to a file of its own", path=path
            )
        )
    if not marked or not 1 <= version <= len(MIGRATIONS):
        raise DamagedError(
            message("its mark is right, its schema version {version}", version=version)
            if marked
            else message("its mark is missing, its schema version {version}", version=version)
        )
    if tables != _tables_of(version):
        raise DamagedError(message("its tables are not those of schema version {version}", version=version))
    _settle(db)
    found = "; ".join(row[0] for row in db.execute("PRAGMA quick_check(3)"))
    if found != "ok":
        raise DamagedError(found.replace("\n", " "))
    return version


def migrate(db: sqlite3.Connection, version: int) -> None:
    """Bring the tables from `version` up to date; inside the caller's transaction."""
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            db.execute(statement)
    if version < len(MIGRATIONS):
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def load(db: sqlite3.Connection, env: str) -> State:
    """Read the numbers of one env.

    Raises:
        DamagedError: What is stored cannot have been written by a ledger.
    """
    rows = db.execute("SELECT check_id FROM configured WHERE env = ? ORDER BY position", (env,))
    state = State(env, tuple(row[0] for row in rows))
    life = db.execute("SELECT resets FROM life").fetchall()
    if len(life) != 1:
        raise DamagedError(message("table life has {count} rows", count=len(life)))
    try:
        for check_id in state.checks:
            catalogue.label_value("check", check_id)
        for name, labels, value in db.execute("SELECT name, labels, value FROM series WHERE env = ?", (env,)):
            state.set(name, value, *labels.split())
    except ValueError as e:
        raise DamagedError(str(e)) from e
    state.set(catalogue.LEDGER_RESETS, life[0][0])
    return state


def store(db: sqlite3.Connection, state: State, checks: tuple[str, ...], values: dict[Key, float]) -> None:
    """Write what changed since `load` gave `checks` and `values`; inside the caller's transaction."""
    gone = [(state.env, key[0], " ".join(key[1:])) for key in values.keys() - state.values.keys()]
    changed = [
        (state.env, key[0], " ".join(key[1:]), value)
        for key, value in state.values.items()
        if values.get(key) != value and key[0] != catalogue.LEDGER_RESETS  # which belongs to the file, not the env
    ]
    db.executemany("DELETE FROM series WHERE env = ? AND name = ? AND labels = ?", gone)
    db.executemany("INSERT OR REPLACE INTO series (env, name, labels, value) VALUES (?, ?, ?, ?)", changed)
    if checks != state.checks:
        db.execute("DELETE FROM configured WHERE env = ?", (state.env,))
        rows = [(state.env, position, check_id) for position, check_id in enumerate(state.checks)]
        db.executemany("INSERT INTO configured (env, position, check_id) VALUES (?, ?, ?)", rows)


def _settle(db: sqlite3.Connection) -> None:
    """Choose how the database commits: with a rollback journal, everything synced before COMMIT returns."""
    db.execute("PRAGMA journal_mode = DELETE").fetchall()
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA cell_size_check = ON")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


def _tables(db: sqlite3.Connection) -> frozenset[tuple[str, str, str]]:
    """Give type, name and definition of all that the database holds; SQLite's own tables left out."""
    rows = db.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'")
    return frozenset((str(kind), str(name), str(sql)) for kind, name, sql in rows)


def _tables_of(version: int) -> frozenset[tuple[str, str, str]]:
    """Give what `_tables` gives for a sound ledger of `version`, by making one in memory."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                db.execute(statement)
        return _tables(db)
    finally:
        db.close()
