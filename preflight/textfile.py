"""The `.prom` file: written so that a scraper sees the old one or the new one, whole, and can read it.

Call it under the ledger's lock: one temp name per env is enough then, and what a killed writer left behind
under that name is swept by the next one.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from preflight.errors import TextfileError

# Whatever the gate's umask, node_exporter reads it as its own user: the commonest failure is that it cannot.
_MODE = 0o644

_REMEDY = "PREFLIGHT_TEXTFILE_DIR must name the directory that node_exporter reads"
_REASONS = {
    errno.ENOENT: f"the directory does not exist: create it; {_REMEDY}",
    errno.ENOTDIR: f"that is not a directory: {_REMEDY}",
    errno.EACCES: "this user may not write there: give it write and search permission on the directory",
    errno.EPERM: "this user may not write there: give it write and search permission on the directory",
    errno.EROFS: f"the file system is read-only: {_REMEDY}",
    errno.ENOSPC: "the disk is full: make room",
    errno.EDQUOT: "the disk quota is used up: make room",
    errno.EFBIG: "the file size limit of this process is reached: raise it (ulimit -f)",
    errno.EISDIR: "a directory has the name of the file: remove it",
}


class UnsyncedError(TextfileError):
    """The new file is in its place, but the disk did not confirm it: it may be gone after a power loss."""


def path_of(directory: Path, env: str) -> Path:
    """Give the file of an env."""
    return directory / f"arbitrage_preflight_{env}.prom"


def publish(directory: Path, env: str, content: bytes) -> Path:
    """Replace the `.prom` file of `env` by `content`, at once and for good.

    Args:
        directory: What node_exporter's `--collector.textfile.directory` names.
        env: Whose file it is.
        content: The whole of it, in text exposition format.

    Returns:
        The path of the file, mode 0644.

    Raises:
        UnsyncedError: The file was replaced, but the directory could not be synced.
        TextfileError: It was not replaced: the old file, if any, is as it was.
    """
    target = path_of(directory, env)
    temp = directory / f".{target.name}.tmp"  # does not end in `.prom`: node_exporter passes it over
    replaced = False
    try:
        folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                _write(temp, content)
                os.replace(temp, target)  # noqa: PTH105 - beside the os calls it belongs to
            except BaseException:
                with suppress(OSError):  # the first error is the one to tell
                    temp.unlink(missing_ok=True)
                raise
            replaced = True
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as e:
        reason = f"{e.strerror}" if e.errno not in _REASONS else f"{e.strerror}; {_REASONS[e.errno]}"
        kind = UnsyncedError if replaced else TextfileError
        raise kind(f"cannot write the metrics file {target}: {reason}") from e
    return target


def _write(temp: Path, content: bytes) -> None:
    """Create `temp` anew with `content`, readable by all and on the disk."""
    temp.unlink(missing_ok=True)
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(fd, _MODE)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(fd, rest) :]
        os.fsync(fd)
    finally:
        os.close(fd)
