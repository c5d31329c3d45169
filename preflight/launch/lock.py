"""One command at a time: a lock that the command goes on holding once it has taken this process's place."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from preflight.config.owners import flaw_of, make_private
from preflight.errors import NotStartedError
from preflight.message import message
from preflight.record.lock_owner import holder_of


@dataclass(slots=True)
class StartLock:
    """A file that is locked for as long as its descriptor is open, here or in the command."""

    path: Path
    descriptor: int

    def lost(self) -> str | None:
        """Return that the path names another file by now, so that somebody else could lock it; else None."""
        try:
            there = os.stat(self.path, follow_symlinks=False)  # noqa: PTH116 - as in `take`
        except OSError as e:
            return message("the lock {path} is gone: {strerror}", path=self.path, strerror=e.strerror)
        ours = os.fstat(self.descriptor)
        return None if os.path.samestat(there, ours) else message("the lock {path} was replaced", path=self.path)

    def hand_on(self) -> None:
        """Keep the lock across the start of the command."""
        os.set_inheritable(self.descriptor, True)  # noqa: FBT003 - the signature is Python's

    def release(self) -> None:
        """Return it back."""
        with contextlib.suppress(OSError):
            os.close(self.descriptor)


def take(path: Path) -> StartLock:
    """Lock a file, which is made if need be and is this user's alone from then on (mode 0600); does not wait.

    Raises:
        NotStartedError: Another process holds it.
        OSError: It cannot be opened, or others could lock or replace it; a symbolic link is not followed.
    """
    make_private(path)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        lock = StartLock(path, descriptor)
        try:
            _must_be_ours(lock)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            lock.release()
            holder = holder_of(path)
            who = message("another process") if holder is None else message("process {holder}", holder=holder)
            raise NotStartedError(
                message(
                    "exec: {who} holds {path}: another exec is at work, or what it started still runs; nothing ran",
                    who=who,
                    path=path,
                )
            ) from e
        except BaseException:
            lock.release()
            raise
        if lock.lost() is None:
            return lock
        lock.release()  # whoever held it has just removed it


def _must_be_ours(lock: StartLock) -> None:
    """See that nobody else can hold the file, or remove it while the command runs.

    Raises:
        OSError: Somebody can, or it is no regular file.
    """
    found = os.fstat(lock.descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, message("it is no regular file"))
    flaw = flaw_of(lock.path, secret=True, found=found)
    if flaw is not None:
        raise OSError(errno.EPERM, message("{problem}; {hint}", problem=flaw.problem, hint=flaw.hint))
