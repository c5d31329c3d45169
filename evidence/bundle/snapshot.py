"""A bundle's bytes, read once: what is hashed is what is judged, and nothing outside the bundle is opened."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from evidence import strict_json
from evidence.bundle import layout
from evidence.errors import BundleMissingError, BundleRefusedError, DocumentError

#: What a bundle may hold; a real one is under 5 MB. More is refused before it is read.
MAX_FILES: Final = 5_000
MAX_FILE_BYTES: Final = 32 << 20
MAX_BYTES: Final = 96 << 20
MAX_DEPTH: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All regular files of a bundle, and what is there besides."""

    name: str  # the folder's
    files: Mapping[str, bytes]  # path inside the bundle, with "/"
    odd: Mapping[str, str] = field(default_factory=dict)  # path -> what it is instead of a regular file

    def names(self) -> frozenset[str]:
        """Return what is there, each under its own name, also where sealing has packed it."""
        return frozenset(name.removesuffix(layout.PACKED) for name in self.files)

    def content(self, name: str) -> bytes | None:
        """Return a file, also where sealing has packed it; None where it is missing.

        Raises:
            DocumentError: it is packed, and cannot be unpacked or is larger than a file may be.
        """
        if name in self.files:
            return self.files[name]
        packed = self.files.get(name + layout.PACKED)
        return None if packed is None else _unpacked(packed, name + layout.PACKED)

    def json(self, name: str) -> Any:
        """Return a document, as `content` finds it.

        Raises:
            DocumentError: it is missing, cannot be unpacked, or is not JSON.
        """
        data = self.content(name)
        if data is None:
            raise DocumentError(f"{name} is missing")
        try:
            return strict_json.loads(data)
        except (ValueError, RecursionError) as error:
            message = f"{name} is not JSON: {error}"
            raise DocumentError(message) from error

    def described(self) -> dict[str, dict[str, Any]]:
        """Return path -> sha256 (64 hexadecimal digits) and size (bytes), of what a manifest lists."""
        return {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for name, data in sorted(self.files.items())
            if name not in {layout.MANIFEST, layout.STATEMENT}
        }


def _unpacked(data: bytes, name: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            found = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        message = f"{name} cannot be unpacked: {error}"
        raise DocumentError(message) from error
    if len(found) > MAX_FILE_BYTES:
        raise DocumentError(f"{name} unpacks to more than a file of a bundle may hold ({MAX_FILE_BYTES} bytes)")
    return found


def read_folder(folder: Path) -> Snapshot:
    """Read a bundle's folder. Links are not followed, pipes and devices not opened.

    Raises:
        BundleMissingError: there is no such folder.
        BundleRefusedError: it is larger than any bundle, or cannot be read.
    """
    if not folder.is_dir():
        raise BundleMissingError(f"no bundle at {folder}: run `make acceptance` first, or name a bundle")
    real = folder.resolve()
    files: dict[str, bytes] = {}
    odd: dict[str, str] = {}
    room = MAX_BYTES

    def fail(error: OSError) -> None:
        raise error

    try:
        for parent, folders, names, handle in os.fwalk(real, onerror=fail):
            inside = Path(parent).relative_to(real)
            if len(inside.parts) > MAX_DEPTH:
                raise BundleRefusedError(f"{folder.name} has folders nested deeper than {MAX_DEPTH}")
            for name in (*names, *(one for one in folders if _is_link(one, handle))):
                path = (inside / name).as_posix()
                if len(files) + len(odd) >= MAX_FILES:
                    raise BundleRefusedError(f"{folder.name} holds more than {MAX_FILES} files")
                kind = _kind(name, handle)
                if kind:
                    odd[path] = kind
                    continue
                files[path] = _read(name, handle, path, min(room, MAX_FILE_BYTES))
                room -= len(files[path])
    except OSError as error:
        message = f"{folder.name} cannot be read: {error.strerror}"
        raise BundleRefusedError(message) from error
    return Snapshot(name=real.name, files=files, odd=odd)


def _is_link(name: str, handle: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode)


def _kind(name: str, handle: int) -> str:
    """Say what an entry is if it is not a regular file."""
    mode = os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode
    kinds = ((stat.S_ISLNK, "a link"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return "" if stat.S_ISREG(mode) else next((what for test, what in kinds if test(mode)), "a device")


def _read(name: str, handle: int, path: str, limit: int) -> bytes:
    # Without O_NONBLOCK a pipe put there since the look would hang.
    opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=handle)
    with os.fdopen(opened, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise BundleRefusedError(f"{path} became something else than a file while it was read")
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise BundleRefusedError(f"{path} is larger than a bundle may be ({MAX_BYTES} bytes, {MAX_FILE_BYTES} a file)")
    return data
