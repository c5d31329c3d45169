"""The ledger's file: one lock, one SQLite database, and what happens when it is damaged.

Nothing here knows what a run is; it gives a transaction over the numbers of one env. A database that is
damaged is moved aside and counted, never repaired, emptied or overwritten. One that cannot be read, is locked
or newer than this program, or that belongs to another program, is left alone.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from preflight.config.owners import make_private
from preflight.errors import LedgerError, LedgerLockedError
from preflight.message import message
from preflight.record import durable, schema
from preflight.record.lock_owner import holder_of
from preflight.record.state import State

_T = TypeVar("_T")

_MODE = 0o600  # of ledger and lock
_SIDE_FILES = ("-journal", "-wal", "-shm")  # what SQLite keeps beside a database

# Primary result codes, https://www.sqlite.org/rescode.html
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_ADVICE = {
    sqlite3.SQLITE_FULL: message("the disk is full: make room"),
    sqlite3.SQLITE_READONLY: message("this user may not write it: give it permission on the file and its directory"),
    sqlite3.SQLITE_CANTOPEN: message("this user may not open it: give it permission on the file and its directory"),
    sqlite3.SQLITE_PERM: message("this user may not open it: give it permission on the file and its directory"),
    sqlite3.SQLITE_IOERR: message("reading or writing failed: look at the disk, its quota and `ulimit -f`"),
}


class LedgerFile:
    """The ledger while this process holds its lock. Made by `hold` only."""

    def __init__(self, path: Path, deadline: float) -> None:
        self.path = path  # symbolic links resolved, so that all names of a ledger share one lock
        self.set_aside: Path | None = None  # where a damaged ledger was moved to, if it had to be
        self._deadline = deadline  # monotonic seconds, for locks that other programs hold on the database

    def update(self, env: str, change: Callable[[State], None]) -> State:
        """Change the numbers of one env in one transaction, and give what they are now.

        Args:
            env: Whose numbers.
            change: Given the numbers as stored; changes them in place. Called again if the ledger had to be
                replaced by an empty one. If it raises, nothing is written.

        Raises:
            LedgerLockedError: Another program held the database beyond the deadline.
            LedgerError: The database cannot be read or written.
        """

        def work(db: sqlite3.Connection) -> State:
            state = schema.load(db, env)
            before = (state.checks, dict(state.values))
            change(state)
            schema.store(db, state, *before)
            return state

        return self.transact(work)

    def transact(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do something with the database in one transaction, and give what it gives.

        Args:
            work: Called again if the ledger had to be replaced by an empty one. If it raises, nothing is written;
                `schema.DamagedError` says that what it read cannot have been written by a ledger.

        Raises:
            LedgerLockedError: Another program held the database beyond the deadline.
            LedgerError: The database cannot be read or written.
        """
        try:
            return self._transact(work)
        except schema.DamagedError as damage:
            self._move_aside(damage)
        try:
            return self._transact(work)
        except schema.DamagedError as e:
            raise LedgerError(
                message(
                    "the new ledger {path} is damaged at once ({error}): look at its disk and its memory",
                    path=self.path,
                    error=e,
                )
            ) from e

    def _transact(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        if not self.path.exists():
            self._create()
        with self._translated(), closing(self._connect(self.path)) as db:
            version = schema.verify(db, self.path)
            # Closing without COMMIT rolls back: whatever is raised below leaves the numbers as they were.
            db.execute("BEGIN IMMEDIATE")
            schema.migrate(db, version)
            done = work(db)
            db.execute("COMMIT")
            return done

    def _connect(self, path: Path) -> sqlite3.Connection:
        # mode=rw: only `_create` makes what does not exist, so that an empty file is always a truncated one.
        patience = max(0.05, self._deadline - time.monotonic())
        db = sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=patience, isolation_level=None)
        db.text_factory = _text
        return db

    def _create(self) -> None:
        """Make an empty ledger under another name and move it into place when it is whole."""
        new = self.path.with_name(f".{self.path.name}.new")
        with self._translated(), self._os_errors(message("cannot create the ledger")):
            for leftover in (new, *(new.with_name(new.name + suffix) for suffix in _SIDE_FILES)):
                leftover.unlink(missing_ok=True)
            aside = self._damaged_ones()
            if aside:
                # Killed between moving aside and creating, or moved aside just now: the journal must not be
                # replayed into the new ledger, and the reset must not be forgotten.
                self._move_side_files(aside[-1])
                self.set_aside = self.set_aside or aside[-1]
            new.touch(exist_ok=False)
            new.chmod(_MODE)
            with closing(self._connect(new)) as db:
                schema.create(db, resets=len(aside))
            new.rename(self.path)
            durable.sync_folder(self.path.parent)

    def _move_aside(self, damage: Exception) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        aside = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        with self._os_errors(message("cannot move the damaged ledger aside ({damage})", damage=damage)):
            # The database first: a kill in between leaves a journal alone, which `_create` expects.
            self.path.rename(aside)
            self._move_side_files(aside)
            durable.sync_folder(self.path.parent)
        self.set_aside = aside

    def _move_side_files(self, aside: Path) -> None:
        for suffix in _SIDE_FILES:
            side = self.path.with_name(self.path.name + suffix)
            if side.exists():
                side.rename(aside.with_name(aside.name + suffix))

    def _damaged_ones(self) -> list[Path]:
        """Find what was set aside, oldest first: their number outlives every ledger."""
        prefix = f"{self.path.name}.damaged-"
        found = (path for path in self.path.parent.iterdir() if path.name.startswith(prefix))
        return sorted(path for path in found if not path.name.endswith(_SIDE_FILES))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn SQLite's errors into damage, a lock, or a ledger that cannot be used."""
        try:
            yield
        except UnicodeDecodeError as e:
            # Raised by the sqlite3 module itself, when SQLite quotes a damaged name in its message.
            raise schema.DamagedError(message("a name in it is not text")) from e
        except sqlite3.Error as e:
            code = getattr(e, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code in _DAMAGED:
                raise schema.DamagedError(str(e)) from e
            if code in _BUSY:
                raise locked(self.path, self.path) from e
            advice = _ADVICE.get(code, message("this is unexpected: please report it"))
            raise LedgerError(
                message("cannot use the ledger {path}: {error}; {advice}", path=self.path, error=e, advice=advice)
            ) from e

    @contextmanager
    def _os_errors(self, failed: str) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            raise LedgerError(
                message(
                    "{failed}: {path}: {strerror}; give this user write permission on {parent} and look "
                    "whether its disk is full",
                    failed=failed,
                    path=self.path,
                    strerror=e.strerror,
                    parent=self.path.parent,
                )
            ) from e


@contextmanager
def hold(path: Path, timeout: float) -> Iterator[LedgerFile]:
    """Hold the ledger's lock: nobody else changes the ledger or writes its `.prom` files meanwhile.

    Args:
        path: The database; its directory must exist. The lock is the file `<path>.lock` beside it.
        timeout: Seconds to wait for the lock, and then for other programs' locks on the database.

    Raises:
        LedgerLockedError: Another process held it beyond the deadline.
        LedgerError: The lock file cannot be made or opened.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - 60 ms that `--help` should not pay

    deadline = time.monotonic() + timeout
    try:
        path.stat()
    except OSError as e:  # a link that leads to itself: `resolve` minds it up to Python 3.12 only; all else comes below
        if e.errno == errno.ELOOP:
            raise LedgerError(
                message(
                    "cannot reach the ledger {path}: {strerror}; let PREFLIGHT_LEDGER name a file, or a link to one",
                    path=path,
                    strerror=e.strerror,
                )
            ) from e
    real = path.resolve()
    lock = real.with_name(f"{real.name}.lock")
    try:
        if not real.parent.is_dir():  # filelock would make it, and hide that a volume is not mounted
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(real.parent))
        for mine in (real, lock):
            make_private(mine)
        holding = FileLock(lock, timeout=timeout, mode=_MODE, poll_interval=0.005)
        holding.acquire()
    except Timeout as e:
        raise locked(real, lock) from e
    except OSError as e:
        raise LedgerError(
            message(
                "cannot lock the ledger {real}: {strerror}: {filename}; create the directory that "
                "PREFLIGHT_LEDGER names and give this user write permission on it",
                real=real,
                strerror=e.strerror,
                filename=e.filename,
            )
        ) from e
    try:
        yield LedgerFile(real, deadline)
    finally:
        holding.release()


def locked(ledger: Path, held: Path) -> LedgerLockedError:
    """Make the error that says who holds `held`, the lock file or the database itself."""
    pid = holder_of(held)
    who = message("another process") if pid is None else message("process {pid}", pid=pid)
    return LedgerLockedError(
        message(
            "the ledger {ledger} is locked: {who} holds {held} beyond the deadline; wait for it to "
            "end, or end it, and run again",
            ledger=ledger,
            who=who,
            held=held,
        )
    )


def _text(raw: bytes) -> str:
    # Damaged text must reach the check of what was read, not end in an error without a result code.
    return raw.decode("utf-8", "replace")
