"""The `.prom` file: written so that a scraper sees the old one or the new one, whole, and can read it.

A run that cannot have the ledger writes here as well, so writers have a lock of their own: on the directory, from
before they read what stands until they have replaced it. One that hangs with it holds up nobody for long. Who takes
over removes its temp file first, so that it cannot come back later with what is old by then: its rename fails, and it
begins again with what stands. That also sweeps what a killed writer left behind.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from preflight.errors import TextfileError
from preflight.message import joined, message
from preflight.record import durable

# Whatever the gate's umask, node_exporter reads it as its own user: the commonest failure is that it cannot.
_MODE = 0o644
_ATTEMPTS = 5  # each that fails means that another writer took over
_PATIENCE = 2.0  # seconds: a writer needs milliseconds
_MAX_BYTES = 1024 * 1024  # the contract bounds ours far below

_REMEDY = message("PREFLIGHT_TEXTFILE_DIR must name the directory that node_exporter reads")
_REASONS = {
    errno.ENOENT: message("the directory does not exist: create it; {remedy}", remedy=_REMEDY),
    errno.ENOTDIR: message("that is not a directory: {remedy}", remedy=_REMEDY),
    errno.EACCES: message("this user may not write there: give it write and search permission on the directory"),
    errno.EPERM: message("this user may not write there: give it write and search permission on the directory"),
    errno.EROFS: message("the file system is read-only: {remedy}", remedy=_REMEDY),
    errno.ENOSPC: message("the disk is full: make room"),
    errno.EDQUOT: message("the disk quota is used up: make room"),
    errno.EFBIG: message("the file size limit of this process is reached: raise it (ulimit -f)"),
    errno.EISDIR: message("a directory has the name of the file: remove it"),
}


class UnsyncedError(TextfileError):
    """The new file is in its place, but the disk did not confirm it: it may be gone after a power loss."""


def path_of(directory: Path, env: str) -> Path:
    """Give the file of an env."""
    return directory / f"arbitrage_preflight_{env}.prom"


def read(directory: Path, env: str) -> bytes | None:
    """Give what stands in the file of an env; None where there is nothing that this program could have written.

    Raises:
        OSError: It is there and cannot be read.
    """
    try:
        fd = os.open(path_of(directory, env), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as e:
        if e.errno in {errno.ENOENT, errno.ELOOP, errno.ENXIO}:  # missing; a link to itself; a socket
            return None
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    with os.fdopen(fd, "rb") as file:
        raw = file.read(_MAX_BYTES + 1)
    return raw if len(raw) <= _MAX_BYTES else None


def publish(directory: Path, env: str, make: Callable[[bytes | None], bytes]) -> Path:
    """Replace the `.prom` file of `env` at once and for good.

    Args:
        directory: What node_exporter's `--collector.textfile.directory` names.
        env: Whose file it is.
        make: Given what stands there (see `read`), gives the whole new content in text exposition format. Called
            again where another writer came first.

    Returns:
        The path of the file, mode 0644.

    Raises:
        UnsyncedError: The file was replaced, but the directory could not be synced.
        TextfileError: It was not replaced: the old file, if any, is as it was.
    """
    target = path_of(directory, env)
    for _ in range(_ATTEMPTS):
        replaced = False
        try:
            with durable.opened(directory) as folder:
                _lock(folder)
                replaced = _replace(folder, target, env, make)
                if replaced:
                    os.fsync(folder)
                    return target
        except OSError as e:
            reason = joined(part for part in (str(e.strerror), _REASONS.get(e.errno or 0)) if part)
            kind = UnsyncedError if replaced else TextfileError
            raise kind(message("cannot write the metrics file {target}: {reason}", target=target, reason=reason)) from e
    raise TextfileError(
        message("cannot write the metrics file {target}: other processes keep replacing it; end them", target=target)
    )


def _replace(folder: int, target: Path, env: str, make: Callable[[bytes | None], bytes]) -> bool:
    """Do it once; False where another writer came first."""
    # The draft's name does not end in `.prom`: node_exporter passes it over.
    with durable.draft(folder, target.name, mode=_MODE) as draft:
        draft.write(make(_standing(target, env)))
        for other in target.parent.glob(f".{target.name}.*tmp"):
            if other.name != draft.temporary:
                other.unlink(missing_ok=True)
        try:
            draft.place()
        except FileNotFoundError:
            return False
    return True


def _lock(folder: int) -> None:
    """Hold the directory until it is closed; go on without where somebody does not let go, or it cannot be locked."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return
            time.sleep(0.002)
        except OSError:  # a network file system
            return
        else:
            return


def _standing(target: Path, env: str) -> bytes | None:
    """Give what stands; one that cannot be read is replaced like one that makes no sense."""
    try:
        return read(target.parent, env)
    except OSError:
        return None
