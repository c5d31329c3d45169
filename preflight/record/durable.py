"""Files that are whole and on the disk before they have their name: after a crash there is the old one or the new one.

Everything is done through a descriptor of the folder, so that a folder that is moved or replaced meanwhile is not
written to by its name. A file is made under a new name, never through a link that is already there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MAX_BYTES = 100  # of the name in that of its draft, which must not become too long for the file system


@dataclass(slots=True)
class Draft:
    """A file that does not have its name yet. Made by `draft` only."""

    folder: int  # descriptor
    name: str  # that it will have
    temporary: str  # that it has: hidden, and ends in `.tmp`
    file: int  # descriptor
    placed: bool = False

    def write(self, data: bytes) -> None:
        """Write all of it; it is on the disk when this returns."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.file, rest) :]
        os.fsync(self.file)

    def place(self) -> None:
        """Give it its name, in place of what has that name.

        Raises:
            FileNotFoundError: Another process removed the draft.
        """
        os.replace(self.temporary, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        self.placed = True


@contextmanager
def draft(folder: int, name: str, *, mode: int = 0o600) -> Iterator[Draft]:
    """Make an empty file under a temporary name; one that is not placed is removed at the end.

    Args:
        folder: Descriptor of its folder.
        name: What it will be called.
        mode: Its permissions, whatever the umask.
    """
    start = os.fsdecode(os.fsencode(name)[:_MAX_BYTES])
    temporary = f".{start}.{token_hex(8)}.tmp"
    file = os.open(temporary, _NEW, mode, dir_fd=folder)
    made = Draft(folder, name, temporary, file)
    try:
        os.fchmod(file, mode)
        yield made
    finally:
        os.close(file)
        if not made.placed:
            with suppress(OSError):  # the error that kept it from its place is the one to report
                os.unlink(temporary, dir_fd=folder)


def place(folder: int, name: str, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file into a folder: whole and on the disk with its name, or not at all.

    Raises:
        OSError: It cannot be written, and what had the name still has it. Only where the very last step fails, the
            syncing of the folder, the new file is there and a power loss could take it back.
    """
    with draft(folder, name, mode=mode) as made:
        made.write(data)
        made.place()
    os.fsync(folder)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Hold a folder open."""
    folder = os.open(path, FOLDER)
    try:
        yield folder
    finally:
        os.close(folder)


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk."""
    with opened(path) as folder:
        os.fsync(folder)
