"""Which files may give settings: in live those only that nobody but this user and root can have written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from preflight.config.owners import Flaw, flaw_of, trusted_owners
from preflight.config.sections import Section
from preflight.config.settings import Settings
from preflight.errors import UsageError
from preflight.message import message

_PUBLIC = frozenset({"ca_file", "cert_file"})  # certificates: who may write them matters, not who reads them


def must_be_trusted(named: Iterable[tuple[str, Path]], secret: Iterable[tuple[str, Path]]) -> None:
    """Refuse a run in live that takes a value from a file which another user wrote, could write, or could exchange.

    Args:
        named: What each file that gave a value is called in messages, and where it is.
        secret: Likewise of files that hold a secret: others may not even read these.

    Raises:
        UsageError: There is one; says what it is, what it should be, and the command that mends it.
    """
    for private, files in ((False, named), (True, secret)):
        for name, path in files:
            flaw = file_flaw(path, secret=private)
            if flaw is not None:
                raise UsageError(
                    message(
                        "{name}: {problem}; in live it should be {expected}: {hint}",
                        name=name,
                        problem=flaw.problem,
                        expected=flaw.expected,
                        hint=flaw.hint,
                    )
                )


def file_flaw(path: Path, *, secret: bool = False) -> Flaw | None:
    """Return what is wrong with a file, with a link or a folder on the way to it; or None.

    Raises:
        UsageError: It cannot be looked at.
    """
    try:
        for link in (path, *path.absolute().parents):
            found = link.lstat()
            if stat.S_ISLNK(found.st_mode) and found.st_uid not in trusted_owners() and not _is_read_only(link.parent):
                return Flaw(
                    message("{path} is a link of another user", path=link),
                    message("a file"),
                    message("rm {path}", path=link),
                )
        way = sorted({*path.absolute().parents, *path.resolve().parents})
        return flaw_of(path, secret=secret) or next(filter(None, (flaw_of(each, sticky=True) for each in way)), None)
    except OSError as e:
        raise UsageError(message("{path}: cannot be looked at: {strerror}", path=path, strerror=e.strerror)) from e


def _is_read_only(folder: Path) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def files_of(settings: Settings, *, secret: bool) -> tuple[tuple[str, Path], ...]:
    """Return the key and the path of every file that a secret was read from, or else of those that anybody may read."""
    tables = {name: getattr(settings, name) for name in type(settings).model_fields}
    tables |= {f"exchanges.{name}": one for name, one in settings.exchanges.items()}
    return tuple(
        (f"{table}.{key}", value)
        for table, section in tables.items()
        if isinstance(section, Section)
        for key in type(section).model_fields
        if key.endswith("_file") and (key not in _PUBLIC) == secret
        if isinstance(value := getattr(section, key), Path)
    )
