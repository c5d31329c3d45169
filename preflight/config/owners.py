"""Whose a file is and who else may change it: what the gate relies on must be this user's or root's alone.

Modes say nothing of a file on a read-only mount, as a container's secrets are: whoever mounted it is root here, and
nobody can change it.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import stat
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from preflight.message import Message, message


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a file or folder."""

    problem: Message  # names it, and what it is
    expected: str  # what it should be; a message where it is more than a mode
    hint: Message  # the command that mends it


def trusted_owners() -> frozenset[int]:
    """Return the user ids whose files count: this user's and root's."""
    return frozenset({0, os.geteuid()})


def flaw_of(
    path: Path,
    *,
    secret: bool = False,
    sticky: bool = False,
    owners: Collection[int] = (),
    found: os.stat_result | None = None,
) -> Flaw | None:
    """Return what is wrong with a file or folder, links followed; None where nothing is.

    Args:
        path: Is there.
        secret: Others may not even read it.
        sticky: A folder where everybody may make files, but not remove those of others, will do.
        owners: User ids that may own it; none: `trusted_owners()`.
        found: What it is, where it is open already and could be exchanged under its name.

    Raises:
        OSError: It cannot be looked at.
    """
    found = path.stat() if found is None else found
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return None
    mode, quoted = stat.S_IMODE(found.st_mode), shlex.quote(str(path))
    if found.st_uid not in (owners or trusted_owners()):
        return Flaw(
            message("{path} belongs to {user}", path=path, user=_user(found.st_uid)),
            message("owner {user} or root", user=_user(os.geteuid())),
            hint=message("see what is in it, then chown {user} {quoted}", user=_user(os.geteuid()), quoted=quoted),
        )
    if (mode & stat.S_IWOTH and not (sticky and mode & stat.S_ISVTX)) or (
        mode & stat.S_IWGRP and not _is_own(found.st_gid, found.st_uid)
    ):
        return Flaw(
            message("others may write {path} (mode {mode})", path=path, mode=f"{mode:04o}"),
            f"{mode & ~0o022:04o}",
            hint=message("chmod go-w {quoted}", quoted=quoted),
        )
    if secret and (mode & stat.S_IROTH or (mode & stat.S_IRGRP and not _is_own(found.st_gid, found.st_uid))):
        return Flaw(
            message("others may read {path} (mode {mode})", path=path, mode=f"{mode:04o}"),
            "0600",
            hint=message("chmod 600 {quoted}", quoted=quoted),
        )
    return None


def make_private(path: Path) -> None:
    """Take away what an earlier version, or a wide umask, let others do: who may read a file may lock it.

    One that is not this user's is left alone: `storage` names it.
    """
    with suppress(FileNotFoundError, PermissionError):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_mode & 0o077:
            path.chmod(stat.S_IMODE(found.st_mode) & 0o700)


def _is_own(gid: int, uid: int) -> bool:
    """Return whether a group is root's, or has nobody in it but this user and the owner."""
    if gid == 0:
        return True
    try:
        members = {pwd.getpwnam(name).pw_uid for name in grp.getgrgid(gid).gr_mem}
    except KeyError:
        return False
    members |= {entry.pw_uid for entry in pwd.getpwall() if entry.pw_gid == gid}
    return members <= {0, uid, os.geteuid()}


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
