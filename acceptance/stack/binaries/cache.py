"""The cache of finished components: one folder each, there whole or not at all.

A component is made in a sibling folder whose name starts with a dot and renamed into place when it is whole, under a
file lock per component. Whatever kills a build, nothing that looks finished is left behind, and the next build sweeps
the rest.

What is taken from it is run, with the stack's passwords: it has to belong to this user or root alone, and each program
has to be the very bytes that were made.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from acceptance.stack.binaries.component import ComponentError, Source
from acceptance.stack.processes import StoppedError
from preflight.config.owners import Flaw, flaw_of, trusted_owners

RECORD = "component.json"
LOCK_WAIT_SECONDS = 3600.0  # the slowest cold build seen took a tenth of this
LOCK_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program inside a finished component."""

    binary: str  # relative to the component's folder
    sha256: str  # of its bytes, hexadecimal
    version: str
    home: str | None  # relative to the component's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the JSON file in a finished component says about it."""

    name: str
    source: Source
    pin: str  # sha256 over pin files, flags and platform
    toolchain: str  # what it was made with, e.g. "go1.26.8" or "pip"
    build_seconds: float
    programs: dict[str, Program]  # component name -> program


def cache_root() -> Path:
    """Folder of everything that is kept between runs: `ARBITRAGE_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("ARBITRAGE_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    # The XDG rules say that a relative XDG_CACHE_HOME is to be ignored.
    parent = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return parent / "arbitrage-preflight"


def components_dir() -> Path:
    """Folder that holds one folder per finished component."""
    return cache_root() / "components"


def load(folder: Path) -> Record | None:
    """Read a finished component's record.

    Returns:
        None if the folder is not a finished component: no readable record, a program that is missing, not executable or
        not the one that was made, or a file that somebody else owns or may write.
    """
    try:
        if _flaw_below(folder) is not None:
            return None
        raw: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        programs = {name: Program(**fields) for name, fields in raw.pop("programs").items()}
        record = Record(**raw, programs=programs)
        whole = bool(programs) and all(_is_whole(folder, program) for program in programs.values())
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return record if whole else None


def shelved(folder: Path) -> Record | None:
    """Read the record of a component on the shelf, as `load` does.

    Raises:
        ComponentError: Another user can change the shelf.
    """
    if not folder.exists():
        return None
    refuse_strangers(folder.parent)
    return load(folder)


def _is_whole(folder: Path, program: Program) -> bool:
    binary = folder / program.binary
    home_there = program.home is None or (folder / program.home).is_dir()
    return home_there and os.access(binary, os.X_OK) and digest(binary) == program.sha256


def digest(file: Path) -> str:
    """Return the sha256 of a file, hexadecimal; 100 MB take a few tenths of a second, once a process."""
    found = file.stat()
    return _digest(file, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))


@lru_cache(maxsize=64)
def _digest(file: Path, _state: tuple[int, ...]) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def refuse_strangers(shelf: Path) -> None:
    """Refuse a shelf that another user can change: whatever lay in it would be run.

    Raises:
        ComponentError: It, or a folder above it, belongs to somebody else or may be written by others.
    """
    real = shelf.resolve()
    for folder in (real, *real.parents):
        flaw = flaw_of(folder, sticky=folder != real, owners=_owners())
        if flaw is not None:
            raise ComponentError(
                f"the component cache {shelf} is not used: {flaw.problem}, and it should be {flaw.expected}: "
                f"{flaw.hint}, or set ARBITRAGE_CACHE to a folder of your own"
            )


def _flaw_below(folder: Path) -> Flaw | None:
    """Return the first thing in a tree that is not this user's or root's alone; links within it are not followed."""
    owners = _owners()
    for here, _, files in os.walk(folder):
        for path in (here, *(os.path.join(here, name) for name in files)):  # noqa: PTH118 -- ten thousand files
            found = os.lstat(path)
            alone = found.st_uid in owners and not found.st_mode & 0o022
            if alone or stat.S_ISLNK(found.st_mode):
                continue
            if (flaw := flaw_of(Path(path), owners=owners)) is not None:
                return flaw
    return None


def _owners() -> frozenset[int]:
    # Under sudo the cache may be that of whoever asked: this user can be root in any case.
    asked = os.environ.get("SUDO_UID", "") if os.geteuid() == 0 else ""
    return trusted_owners() | ({int(asked)} if asked.isdecimal() else frozenset())


def obtain(
    key: str, build: Callable[[Path, Path], Record], *, tell: Callable[[str], None], stop: threading.Event
) -> tuple[Path, Record]:
    """Return a finished component, building it if it is not there.

    Args:
        key: Name of its folder, holding the hash of its pins.
        build: Called with a scratch folder and the folder whose content is to be kept; returns the record.
        tell: Told, in a few words, when another build of the same component is being waited for.
        stop: Ends the waiting when set.

    Raises:
        ComponentError: The folder cannot be written, or another build does not end.
        StoppedError: `stop` was set.
    """
    shelf = components_dir()
    folder = shelf / key
    record = shelved(folder)
    if record is not None:
        return folder, record
    try:
        shelf.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        shelf.mkdir(exist_ok=True, mode=0o755)
    except OSError as error:
        raise ComponentError(unwritable(shelf, error)) from error
    refuse_strangers(shelf)
    with _only_builder(shelf, key, tell, stop):
        record = load(folder)  # whoever held the lock before may have finished it
        if record is None:
            sweep(shelf, held=key)
            record = _make(shelf, folder, key, build)
    return folder, record


def _make(shelf: Path, folder: Path, key: str, build: Callable[[Path, Path], Record]) -> Record:
    if folder.exists():  # damaged: `load` refused it
        _remove(folder)
    work = Path(tempfile.mkdtemp(prefix=f".{key}.", dir=shelf))
    try:
        scratch, keep = work / "scratch", work / "keep"
        scratch.mkdir()
        keep.mkdir()
        record = build(scratch, keep)
        (keep / RECORD).write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
        _open_to_readers(keep)
        if load(keep) is None:
            raise ComponentError(f"the build of {record.name} gave no usable program; please report this")
        keep.rename(folder)
    finally:
        _remove(work)
    return record


def sweep(shelf: Path, *, held: str) -> tuple[Path, ...]:
    """Remove what interrupted builds left, but for the folders of builds that are running; return what was removed.

    Args:
        shelf: Folder of the components.
        held: The key whose lock the caller holds: every scratch folder of that key is a leftover.
    """
    removed = []
    for leftover in sorted(shelf.glob(".*.*")):
        key = leftover.name[1:].rpartition(".")[0]
        if not leftover.is_dir() or not key:
            continue
        try:
            with nullcontext() if key == held else FileLock(_lock_path(shelf, key), timeout=0):
                _remove(leftover)
                removed.append(leftover)
        except Timeout:
            continue  # that build is running
    return tuple(removed)


@contextmanager
def _only_builder(shelf: Path, key: str, tell: Callable[[str], None], stop: threading.Event) -> Iterator[None]:
    lock = FileLock(_lock_path(shelf, key))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell("waiting for another build of it")
        _wait(lock, key, stop)
    except OSError as error:
        raise ComponentError(unwritable(shelf, error)) from error
    try:
        yield
    finally:
        lock.release()


def _wait(lock: FileLock, key: str, stop: threading.Event) -> None:
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while time.monotonic() < deadline:
        if stop.is_set():
            raise StoppedError
        try:
            lock.acquire(timeout=LOCK_POLL_SECONDS, poll_interval=LOCK_POLL_SECONDS / 5)
        except Timeout:
            continue
        return
    raise ComponentError(
        f"another process has been building {key} for {LOCK_WAIT_SECONDS:.0f} s: end it, "
        "or set ARBITRAGE_CACHE to another folder"
    )


def _lock_path(shelf: Path, key: str) -> Path:
    return shelf / f"{key}.lock"


def _open_to_readers(tree: Path) -> None:
    """Let other users read the tree, and nobody else write it: servers run unprivileged, nothing in it is secret."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod((mode | 0o444 | (0o111 if path.is_dir() or mode & 0o100 else 0)) & ~0o022)


def _remove(tree: Path) -> None:
    """Remove a tree, folders without write permission (as Go's module cache makes them) included."""
    if not tree.exists():
        return
    for folder, _, _ in os.walk(tree):
        Path(folder).chmod(0o700)
    shutil.rmtree(tree)


def unwritable(folder: Path, error: OSError) -> str:
    """Sentence for a cache folder that cannot be written."""
    reason = error.strerror or type(error).__name__
    return (
        f"cannot write the component cache {folder} ({reason}): make it writable, "
        "or set ARBITRAGE_CACHE to a folder that is"
    )
