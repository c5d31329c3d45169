"""storage: what the gate writes down will be kept, and the exporter can read it."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from preflight.alerts.keep import kept_without_chat
from preflight.alerts.spool import Spool
from preflight.check import Context
from preflight.config.owners import flaw_of
from preflight.config.settings import Settings
from preflight.config.state_dirs import own_directories
from preflight.message import Message, joined, message
from preflight.model import Mode, Outcome, Status
from preflight.record.foreign_files import look_for_foreign_files

_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StorageCheck:
    """Ledger, spool and textfile directories are writable and have room; others may read the textfile."""

    id: str = "storage"
    proves: str = message(
        "ledger, spool and textfile directories are writable, have room, and the textfile is readable"
    )
    requires: tuple[str, ...] = ()
    timeout: float = 5.0
    network: bool = False
    imports: tuple[str, ...] = ()

    def run(self, ctx: Context) -> Outcome:
        """Write a probe file into each directory, look at the room left and at the modes."""
        settings = ctx.settings
        places = {"ledger": settings.ledger.parent, "spool_dir": settings.spool_dir}
        ledger = settings.ledger.resolve()
        kept = {
            "ledger": (ledger.parent, ledger, ledger.with_name(f"{ledger.name}.lock")),
            "spool_dir": (settings.spool_dir, settings.spool_dir / f".{settings.env}.lock"),
        }
        if ctx.metrics and settings.textfile_dir is not None:
            places["textfile_dir"] = settings.textfile_dir
        for key, directory in places.items():
            made_later = directory in own_directories(settings) and ctx.mode is not Mode.REAL
            problem = _write_probe(key, directory, made_later=made_later)
            problem = problem or _look_at_room(key, directory, ctx)
            problem = problem or _look_at_owners(key, kept.get(key, ()))
            if problem is not None:
                return problem
        if ctx.metrics and settings.textfile_dir is None:
            return Outcome(
                status=Status.ERROR,
                summary=message("textfile_dir is not set, so there is no textfile directory to look at"),
                hint=message("set PREFLIGHT_TEXTFILE_DIR or give --metrics-output DIR"),
            )
        if "textfile_dir" in places:
            problem = _look_at_modes(places["textfile_dir"]) or look_for_foreign_files(places["textfile_dir"])
            if problem is not None:
                return problem
        found = message("{places}: writable, with room", places=", ".join(places))
        waiting = _waiting_note(settings)
        return Outcome(status=Status.PASS, summary=found if waiting is None else joined((found, waiting)))


def _waiting_note(settings: Settings) -> Message | None:
    """Return how many messages wait for a chat that is not configured, and for how long they do; None if none do."""
    waiting = Spool(settings.spool_dir).pending(settings.env.value)
    if settings.telegram.configured or not waiting:
        return None
    return message("{count} P0 wait. {kept}", count=waiting, kept=kept_without_chat())


def _write_probe(key: str, directory: Path, *, made_later: bool) -> Outcome | None:
    """Make a file, have it reach the disk, remove it. Its name is none that an exporter or the spool reads."""
    try:
        if made_later and not directory.exists():
            return None  # a real run makes it before the checks start
        descriptor, name = tempfile.mkstemp(prefix=".preflight-probe-", suffix=".tmp", dir=directory)
        try:
            rest = b"probe" * 1000
            while rest:  # a disk that is nearly full takes a part and says so only when asked to take more
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            Path(name).unlink()
    except OSError as e:
        hints = {
            errno.ENOENT: message(
                "mount it, or create it if this is its first run: mkdir -p {directory}", directory=directory
            ),
            errno.ENOSPC: message("free room on that file system"),
            errno.EDQUOT: message("free room: the quota is used up"),
            errno.EROFS: message("the file system is read-only: remount it, or choose another directory"),
        }
        return Outcome(
            status=Status.FAIL,
            summary=message(
                "{key}: {directory} cannot be written: {strerror}", key=key, directory=directory, strerror=e.strerror
            ),
            hint=hints.get(
                e.errno or 0, message("let the user who runs preflight write there: {directory}", directory=directory)
            ),
            expected="a file can be written",
            actual=errno.errorcode.get(e.errno or 0, str(e.errno)),
        )
    return None


def _look_at_room(key: str, directory: Path, ctx: Context) -> Outcome | None:
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    free = ctx.disk_room(existing).free // _MB
    wanted = ctx.settings.min_free_mb
    if free >= wanted:
        return None
    return Outcome(
        status=Status.FAIL,
        summary=message("{key}: {directory} has only {free} MB left", key=key, directory=directory, free=free),
        hint=message("free room on that file system, or lower min_free_mb"),
        expected=f"at least {wanted} MB",
        actual=f"{free} MB",
    )


def _look_at_owners(key: str, paths: Sequence[Path]) -> Outcome | None:
    """Whoever may write there, or lock a file there, decides whether and what this gate remembers."""
    for path in paths:
        try:
            flaw = flaw_of(path)
        except FileNotFoundError:  # made when it is first needed
            continue
        if flaw is not None:
            return Outcome(
                status=Status.FAIL,
                summary=message("{key}: {problem}", key=key, problem=flaw.problem),
                hint=flaw.hint,
                expected=flaw.expected,
                actual=flaw.problem,
            )
    return None


def _look_at_modes(directory: Path) -> Outcome | None:
    """Node_exporter runs as another user: it must get to the directory, reach into it and read the files."""
    for parent in sorted({*directory.parents, *directory.resolve().parents}):  # from the root on
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            return Outcome(
                status=Status.FAIL,
                summary=message(
                    "textfile_dir: others cannot get to {directory}: {parent} cannot be searched by others",
                    directory=directory,
                    parent=parent,
                ),
                hint=message("chmod o+x {parent}, or choose a textfile_dir that is not below it", parent=parent),
                expected="o+x",
                actual=f"{stat.S_IMODE(mode):04o}",
            )
    needed = stat.S_IROTH | stat.S_IXOTH
    if directory.stat().st_mode & needed != needed:
        return Outcome(
            status=Status.FAIL,
            summary=message(
                "textfile_dir: others cannot read {directory}, so node_exporter sees nothing", directory=directory
            ),
            hint=message("chmod o+rx {directory}", directory=directory),
            expected="o+rx",
            actual=f"{stat.S_IMODE(directory.stat().st_mode):04o}",
        )
    for path in sorted(directory.glob("arbitrage_preflight_*.prom")):
        mode = path.stat().st_mode
        if not mode & stat.S_IROTH:
            return Outcome(
                status=Status.FAIL,
                summary=message("textfile_dir: others cannot read {name}", name=path.name),
                hint=message("chmod 644 {path}", path=path),
                expected="o+r",
                actual=f"{stat.S_IMODE(mode):04o}",
            )
    return None
