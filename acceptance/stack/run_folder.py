"""The private folder in which one stack lives, and the removal of folders whose owners died.

Layout: ``data/<service>`` (0700), ``conf``, ``logs``, ``bin`` and ``textfile`` (0755, read by node_exporter),
``ledger`` and ``spool`` (preflight's).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from acceptance.stack.interface import StackError
from acceptance.stack.run_as import User, can_traverse
from preflight.system.process_id import birth, is_running

PREFIX = "arbitrage-stack-"
_MARKER = ".births.json"
_ANYBODY = User(name="other than this one", uid=-1, gid=-1)  # has the rights of others only


def create(user: User | None) -> Path:
    """Make the folder where others can reach it, below TMPDIR, ``/tmp`` or ``/var/tmp``.

    Also where no other user runs a server: preflight calls a textfile directory that others cannot get to a FAIL.

    Args:
        user: Who else than the caller runs servers in it; None for nobody.

    Returns:
        Its path, 0711: what is private in it has a folder of its own.

    Raises:
        StackError: There is no such place, or it cannot be written.
    """
    walker = user or _ANYBODY
    problems = []
    for base in dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))):  # noqa: S108 - mkdtemp makes a private folder there
        if not can_traverse(base, walker):
            problems.append(f"{base} cannot be entered by user {walker.name}")
            continue
        try:
            if user is not None and os.statvfs(base).f_flag & os.ST_NOEXEC:  # that user's programs may be copied there
                problems.append(f"{base} is mounted noexec")
                continue
            sweep(base)
            path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base)).resolve()
        except OSError as error:
            problems.append(f"{base}: {error.strerror}")
            continue
        own(path)
        path.chmod(0o711)
        return path
    message = (
        f"no place for the stack's data ({'; '.join(problems)}); set TMPDIR to a folder open to all users and programs"
    )
    raise StackError(message)


def own(path: Path) -> None:
    """Add this process to the owners of the folder; it is swept only when all of them are gone."""
    _put_owners(path, [*_owners(path), [os.getpid(), birth(os.getpid()), _namespace()]])


def own_by_file(path: Path, file: Path) -> None:
    """Let the folder be kept, although no process owns it any more, as long as ``file`` names it."""
    _put_owners(path, [*_owners(path), str(file)])


def remove(path: Path) -> None:
    """Remove the folder if it is one of ours; one that is gone already is fine."""
    if (path / _MARKER).is_file():
        shutil.rmtree(path, ignore_errors=True)


def sweep(base: Path) -> list[Path]:
    """Remove folders in ``base`` that this user owns and whose owners are all dead (after a ``kill -9``).

    The folder of ``make up`` is its state file's as well: `make down` of that project removes it, nobody else's start.

    Returns:
        What was removed.
    """
    removed = []
    for path in base.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            stat = path.lstat()
            if stat.st_uid != os.getuid() or path.is_symlink():
                continue
            owners = _owners(path)
            if owners and not any(_lives(owner, path) for owner in owners):
                remove(path)
                removed.append(path)
    return removed


def _lives(owner: object, path: Path) -> bool:
    """Whether an owner lives, as far as can be told: a container that shares this folder has process ids of its own."""
    match owner:
        case str(file):
            return _is_named_in(Path(file), path)
        case [int(pid), str(born), namespace]:
            return namespace != _namespace() or is_running(pid, born)
        case _:  # another version's way of writing it down
            return True


def _is_named_in(file: Path, path: Path) -> bool:
    try:
        return path.name in file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


def _namespace() -> int:
    """Give the number of the set of process ids in which this process has its own; 0 where that is not told."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def _put_owners(path: Path, owners: list[Any]) -> None:
    marker = path / _MARKER
    fresh = marker.with_suffix(".new")
    fresh.write_text(json.dumps(owners), encoding="utf-8")
    fresh.chmod(0o600)
    fresh.replace(marker)


def _owners(path: Path) -> list[Any]:
    try:
        raw = json.loads((path / _MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return raw if isinstance(raw, list) else []
