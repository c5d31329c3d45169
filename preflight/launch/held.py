"""Files that have to be the same when the command starts as they were when the gate began."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from preflight.message import message

_DIGESTED = 256 * 1024 * 1024  # bytes; a larger file is known by its inode and times alone


@dataclass(frozen=True, slots=True)
class HeldFile:
    """One file as it was."""

    path: Path
    identity: tuple[int, ...]  # device, inode, mode, size, times of the last change of content and of inode, ns
    digest: str | None  # SHA-256; None where it is too large, or may be run but not read

    def changed(self, *, digest: bool) -> str | None:
        """Say in a sentence that the file is another one by now, or None.

        Args:
            digest: Whether to read it again, too.
        """
        try:
            now = hold(self.path) if digest else None
            same = now == self if now is not None else _identity(os.stat(self.path)) == self.identity  # noqa: PTH116
        except OSError as e:
            return message("{path} cannot be looked at any more: {strerror}", path=self.path, strerror=e.strerror)
        return None if same else message("{path} is not the file it was when the run began", path=self.path)


def hold(path: Path) -> HeldFile:
    """Take down what a file is; links are followed.

    Raises:
        OSError: It is not there, or cannot be reached.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except PermissionError:
        return HeldFile(path, _identity(os.stat(path)), None)  # noqa: PTH116 - one form for both
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        small = stat.S_ISREG(found.st_mode) and found.st_size <= _DIGESTED
        return HeldFile(path, _identity(found), hashlib.file_digest(file, "sha256").hexdigest() if small else None)


def hold_command(program: str, arguments: Sequence[str]) -> tuple[HeldFile, ...]:
    """Take down the program and the first argument that is a file: where the program is an interpreter, its script.

    Not the others: a log, or the report that this very run writes, may well change.

    Raises:
        OSError: The program is not there, or cannot be reached.
    """
    script = next(_files(arguments), None)
    return (hold(Path(program)), *(() if script is None else (hold(script),)))


def first_change(files: Iterable[HeldFile], *, digest: bool) -> str | None:
    """Return which of the files is another one by now, or None."""
    return next((change for file in files if (change := file.changed(digest=digest)) is not None), None)


def _files(arguments: Sequence[str]) -> Iterator[Path]:
    for argument in arguments:
        try:
            found = os.stat(argument)  # noqa: PTH116 - an argument is seldom a path
            if stat.S_ISREG(found.st_mode) and found.st_size > 0:  # the kernel's own, as in /proc, change by themselves
                yield Path(argument)
        except (OSError, ValueError):  # most arguments are no file
            continue


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
