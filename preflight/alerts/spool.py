"""What waits to be delivered: a directory with one file per P0 message and one per row for Postgres.

A file is complete and on the disk before it has its name, and it goes away only after what it holds was accepted. Its
name gives kind, env, a number that orders the files of that kind and env, and the id of the alert: clocks may jump, and
two files never share a name, so that deleting one cannot delete another.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from preflight.config.owners import make_private
from preflight.message import message
from preflight.record import durable

_NAME = re.compile(r"(p0|row)-([a-z]+)-(\d{12})-([A-Za-z0-9-]{1,80})\.json")
_MODE = 0o600
_POLL_SECONDS = 0.02
_TEMP = re.compile(r"\.(p0|row)-[^/]*\.tmp")
_STALE_SECONDS = 3600.0  # a temporary file is there for milliseconds; one this old belongs to a process that died


class Content(StrEnum):
    """What a file of the spool holds."""

    P0 = "p0"  # a message for Telegram
    ROW = "row"  # a row for Postgres


class SpoolBusyError(Exception):
    """Another process is delivering what waits."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that waits."""

    path: Path
    number: int
    id: str  # of the alert

    def read(self) -> str:
        """Give its text.

        Raises:
            OSError: It is gone, or cannot be read.
            UnicodeDecodeError: It is not text.
        """
        return self.path.read_text(encoding="utf-8")

    def waits(self) -> bool:
        """Tell whether it is still there; yes, where that cannot be told."""
        try:
            self.path.lstat()
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    def delete(self) -> None:
        """Remove it: what it holds was accepted. Gone already is fine."""
        self.path.unlink(missing_ok=True)

    def set_aside(self) -> Path:
        """Take a file that cannot be read out of the queue; it stays in the directory."""
        aside = self.path.with_name(f"damaged-{self.path.name}")
        self.path.rename(aside)
        return aside


@dataclass(frozen=True, slots=True)
class Spool:
    """The directory. Making one does no I/O; processes may use it at once."""

    directory: Path

    def put(self, content: Content, env: str, id: str, text: str) -> Entry:  # noqa: A002 - the field is called so
        """Keep something; it is on the disk when this returns.

        Raises:
            OSError: It cannot be kept: the disk is full, or the directory is not there or may not be written.
        """
        number = max((entry.number for entry in self.waiting(content, env)), default=0) + 1
        target = self.directory / f"{content}-{env}-{number:012d}-{id}.json"
        if not _NAME.fullmatch(target.name):
            raise ValueError(message("{name} is no name of a file in the spool", name=target.name))
        self._place(target, text)
        self._sweep()
        return Entry(target, number, id)

    def replace(self, entry: Entry, text: str) -> None:
        """Keep another text in the place of a file, whether that is still there or not. For who is `delivering`.

        Raises:
            OSError: It cannot be kept; what was there still is.
        """
        self._place(entry.path, text)

    def waiting(self, content: Content, env: str) -> tuple[Entry, ...]:
        """Give what waits in an env, oldest first.

        Raises:
            OSError: The directory cannot be read; that it does not exist is no error.
        """
        try:
            names = os.listdir(self.directory)  # noqa: PTH208 - names are all that is needed
        except FileNotFoundError:
            return ()
        found = ((self.directory / name, _NAME.fullmatch(name)) for name in names)
        entries = [
            Entry(path, int(match[3]), match[4])
            for path, match in found
            if match is not None and (match[1], match[2]) == (content, env)
        ]
        return tuple(sorted(entries, key=lambda entry: (entry.number, entry.id)))

    def pending(self, env: str) -> int:
        """Count the messages that wait in an env; a spool that cannot be read counts as one that holds something."""
        try:
            return len(self.waiting(Content.P0, env))
        except OSError:
            return 1  # nobody knows that it holds nothing

    @contextmanager
    def delivering(self, env: str, timeout: float) -> Iterator[None]:
        """Be the only process that delivers what waits in an env.

        Raises:
            SpoolBusyError: Another one did so for longer than `timeout` seconds.
            OSError: The lock cannot be made.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - only where something waits

        path = self.directory / f".{env}.lock"
        lock = FileLock(path, timeout=max(0.0, timeout), mode=_MODE, poll_interval=_POLL_SECONDS)
        try:
            make_private(path)
            lock.acquire()
        except Timeout as e:
            raise SpoolBusyError(
                message("another process is delivering what waits in {directory}", directory=self.directory)
            ) from e
        try:
            yield
        finally:
            lock.release()

    def _place(self, target: Path, text: str) -> None:
        with durable.opened(self.directory) as folder:
            durable.place(folder, target.name, text.encode("utf-8", "backslashreplace"), mode=_MODE)

    def _sweep(self) -> None:
        """Remove what processes left that were killed while they wrote."""
        with suppress(OSError):  # another time, then
            for path in self.directory.iterdir():
                if _TEMP.fullmatch(path.name) and time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    path.unlink()
