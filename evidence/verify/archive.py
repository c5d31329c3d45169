"""Reads a bundle out of a tar or zip file into memory: nothing is unpacked onto a disk."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from evidence.bundle.snapshot import MAX_BYTES, MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES, Snapshot, read_folder
from evidence.errors import BundleMissingError, BundleRefusedError

_BROKEN: Final = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError,
    NotImplementedError, UnicodeError, OverflowError,
)  # fmt: skip
_PACKED: Final = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}
_TAR_HEADERS: Final = 4 * 512 * MAX_FILES  # bytes beside the files themselves
_MEMBERS: Final = 2 * MAX_FILES  # files, and the folders that they lie in
_ZIP_ENTRY: Final = b"PK\x01\x02"  # begins each entry of a zip file's directory
_WRITES_FOR_UNIX: Final = 3  # zip's "made by": only then are the upper bits of external_attr a Unix mode


def read_bundle(path: Path) -> Snapshot:
    """Read a bundle: a folder, or a tar (plain, gz, bz2, xz) or zip file that holds one folder.

    Raises:
        BundleMissingError: there is nothing at `path`.
        BundleRefusedError: it is not a bundle's container, damaged, larger than any bundle, or hostile.
    """
    if path.is_dir():
        return read_folder(path)
    data = _file(path)
    try:
        zipped = data[:4] in {b"PK\x03\x04", b"PK\x05\x06"}
        return _collect(path.name, _zip(data) if zipped else _tar(_decompressed(data)))
    except BundleRefusedError:
        raise
    except _BROKEN as error:
        message = f"{path.name} is not a folder, tar or zip file that can be read: {error}"
        raise BundleRefusedError(message) from error


def _file(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise BundleRefusedError(f"{path.name} is neither a folder nor a regular file")
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        message = f"no bundle at {path}: name a bundle's folder, or a tar or zip file of it"
        raise BundleMissingError(message) from error
    except OSError as error:
        message = f"{path.name} cannot be read: {error.strerror}"
        raise BundleRefusedError(message) from error
    if len(data) > MAX_BYTES:
        raise BundleRefusedError(f"{path.name} is larger than a bundle may be ({MAX_BYTES} bytes)")
    return data


def _decompressed(data: bytes) -> bytes:
    """Undo gzip, bzip2 or xz, up to what a bundle may hold: a bomb ends there."""
    kind = next((kind for magic, kind in _PACKED.items() if data.startswith(magic)), None)
    limit = MAX_BYTES + _TAR_HEADERS
    packed = io.BytesIO(data)
    match kind:
        case None:
            return data
        case "gz":
            with gzip.GzipFile(fileobj=packed) as stream:
                found = stream.read(limit + 1)
        case "bz2":
            with bz2.BZ2File(packed) as stream:
                found = stream.read(limit + 1)
        case _:
            with lzma.LZMAFile(packed) as stream:
                found = stream.read(limit + 1)
    if len(found) > limit:
        raise BundleRefusedError(f"it unpacks to more than a bundle may hold ({MAX_BYTES} bytes)")
    return found


def _tar(data: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for number, member in enumerate(archive):
            if number >= _MEMBERS:
                raise BundleRefusedError(f"it lists more than a bundle may hold ({MAX_FILES} files)")
            if member.isdir():
                _parts(member.name)
                continue
            if not member.isreg() or member.issparse():
                raise BundleRefusedError(
                    f"{member.name} is a link, a device or a pipe: only files belong into a bundle"
                )
            if member.size > MAX_FILE_BYTES:
                raise BundleRefusedError(
                    f"{member.name} is larger than a file of a bundle may be ({MAX_FILE_BYTES} bytes)"
                )
            stream = archive.extractfile(member)
            yield member.name, b"" if stream is None else stream.read(MAX_FILE_BYTES)


def _zip(data: bytes) -> Iterator[tuple[str, bytes]]:
    # Before the directory is read, which would make an object of each of a million entries.
    if data.count(_ZIP_ENTRY) > _MEMBERS:
        raise BundleRefusedError(f"it lists more than a bundle may hold ({MAX_FILES} files)")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            mode = member.external_attr >> 16 if member.create_system == _WRITES_FOR_UNIX else 0
            if member.is_dir():
                _parts(member.filename.rstrip("/"))
                continue
            if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
                raise BundleRefusedError(f"{member.filename} is a link or a device: only files belong into a bundle")
            if member.flag_bits & 0x1:
                raise BundleRefusedError(f"{member.filename} is encrypted")
            # What the directory says of the size is not believed.
            with archive.open(member) as stream:
                content = stream.read(MAX_FILE_BYTES + 1)
            if len(content) > MAX_FILE_BYTES:
                raise BundleRefusedError(
                    f"{member.filename} is larger than a file of a bundle may be ({MAX_FILE_BYTES} bytes)"
                )
            yield member.filename, content


def _collect(name: str, members: Iterator[tuple[str, bytes]]) -> Snapshot:
    files: dict[str, bytes] = {}
    tops: set[str] = set()
    total = 0
    for path, data in members:
        top, *inside = _parts(path)
        if not inside:
            raise BundleRefusedError(
                f"{path} lies beside the bundle's folder: the archive must hold one folder and no more"
            )
        tops.add(top)
        if len(tops) > 1:
            raise BundleRefusedError(f"{name} holds more than one folder: the archive must hold the bundle's alone")
        total += len(data)
        if len(files) >= MAX_FILES or total > MAX_BYTES:
            raise BundleRefusedError(f"{name} holds more than a bundle may ({MAX_FILES} files, {MAX_BYTES} bytes)")
        if "/".join(inside) in files:
            raise BundleRefusedError(f"{path} is in the archive twice")
        files["/".join(inside)] = data
    if not tops:
        raise BundleRefusedError(f"{name} holds no file: the archive must hold the bundle's folder")
    return Snapshot(name=tops.pop(), files=files)


def _parts(path: str) -> list[str]:
    """Split a member's name; refuse one that leads out of the bundle."""
    parts = path.removeprefix("./").split("/")
    if any(part in {"", ".", ".."} for part in parts) or {"\\", "\0", ":"} & set(path) or len(parts) > MAX_DEPTH:
        raise BundleRefusedError(f"{path!r} is not a path inside a bundle")
    return parts
