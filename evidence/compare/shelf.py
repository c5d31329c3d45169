"""The folder of all bundles: what is there, and what may go."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidence import manifest
from evidence.attest.statement import signed_by
from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.bundle.writer import LATEST
from evidence.errors import BundleIncompleteError, BundleMissingError, DocumentError, EvidenceError

_NAME: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-z]+(-\d+)?")
_RUNNING: Final = 24 * 3600.0  # seconds: a younger bundle that is not sealed may still be written to


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfEntry:
    """One bundle, as its manifest tells it; nothing is verified."""

    path: Path
    result: str  # INCOMPLETE if it was never sealed
    scope: str
    signed: bool
    size: int  # bytes


def entries(root: Path) -> tuple[ShelfEntry, ...]:
    """List the bundles below a folder, the oldest first; links and other folders are passed over.

    Raises:
        BundleMissingError: there is no such folder.
    """
    if not root.is_dir():
        raise BundleMissingError(f"there is no folder {root}: run `make acceptance` first, or name one by --dir")
    found = [path for path in root.iterdir() if _NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]
    return tuple(_entry(path) for path in sorted(found))


def prune(root: Path, *, keep: int, clock: Callable[[], float] = time.time) -> tuple[Path, ...]:
    """Delete all but the newest bundles. One that a run may still write to stays, and so does what `latest` names.

    Args:
        root: the folder of all bundles.
        keep: how many stay.
        clock: returns Unix seconds.

    Returns:
        What was deleted.

    Raises:
        BundleMissingError: there is no such folder.
        EvidenceError: one of them cannot be deleted.
    """
    latest = (root / LATEST).resolve()
    everything = entries(root)
    gone = []
    for entry in everything[: max(0, len(everything) - keep)]:
        running = entry.result == "INCOMPLETE" and clock() - entry.path.stat().st_mtime < _RUNNING
        if running or entry.path.resolve() == latest:
            continue
        try:
            shutil.rmtree(entry.path)
        except OSError as error:
            message = f"{entry.path} cannot be deleted: {error.strerror}"
            raise EvidenceError(message) from error
        gone.append(entry.path)
    return tuple(gone)


def _entry(path: Path) -> ShelfEntry:
    size = sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())
    try:
        document = manifest.read(path)
    except BundleIncompleteError:
        return ShelfEntry(path=path, result="INCOMPLETE", scope="never sealed", signed=False, size=size)
    except DocumentError as error:
        return ShelfEntry(path=path, result="UNREADABLE", scope=str(error), signed=False, size=size)
    statement = path / layout.STATEMENT
    regular = statement.is_file() and not statement.is_symlink()
    files = {layout.STATEMENT: statement.read_bytes()} if regular else {}
    signed = bool(signed_by(Snapshot(name=path.name, files=files)))
    return ShelfEntry(path=path, result=document["result"], scope=document["scope"], signed=signed, size=size)
