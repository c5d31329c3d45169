"""The file that a report is written to: where it goes is settled before the run, so that nobody can move it meanwhile.

The folder is opened once and stays open. A file is made in it under a new name, for this user alone, and takes the
place of whatever has the name by then: a link that somebody planted is replaced, never followed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from preflight.errors import UsageError
from preflight.message import message
from preflight.record import durable

_FOLDER = durable.FOLDER | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A name in a folder that is held open."""

    folder: int  # descriptor
    name: str

    def write(self, text: str) -> None:
        """Put a file with this text there, mode 0600, whole and on the disk, or not at all.

        Raises:
            OSError: It cannot be written; what was there still is.
        """
        durable.place(self.folder, self.name, text.encode("utf-8"))

    def close(self) -> None:
        """Give the folder back."""
        os.close(self.folder)


def open_output(path: Path, *, owners: Collection[int] | None = None) -> OutputFile:
    """Settle where a report goes. A link that is there now is followed, once.

    Args:
        path: The file.
        owners: User ids whose links count; None: this user's and root's.

    Raises:
        UsageError: It is no place for a report; says why.
    """
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.stat()  # a symbolic link that leads to itself: from Python 3.13 on only this one minds
        if path.is_dir():
            raise UsageError(message("--output {path}: is a directory; name a file", path=path))
        if path.exists() and not path.is_file():  # the report replaces it: root would lose its /dev/null
            raise UsageError(
                message("--output {path}: is no regular file; name one, or take --format json on stdout", path=path)
            )
        target = path.resolve()
        trusted = {0, os.geteuid()} if owners is None else owners
        if path.is_symlink() and (owner := path.lstat().st_uid) not in trusted:
            raise UsageError(
                message(
                    "--output {path}: is a link that user {owner} made: remove it, or name another file",
                    path=path,
                    owner=owner,
                )
            )
        if not target.parent.is_dir():
            raise UsageError(message("--output {path}: its directory does not exist; create it first", path=path))
        return OutputFile(os.open(target.parent, _FOLDER), target.name)
    except (OSError, ValueError, RuntimeError) as e:  # RuntimeError: a symbolic link that leads to itself
        raise UsageError(
            message("--output {path}: cannot be reached: {reason}", path=path, reason=getattr(e, "strerror", None) or e)
        ) from e
