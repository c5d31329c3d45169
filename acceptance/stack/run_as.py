"""Running a server as somebody else where root runs the stack, with its files within that user's reach.

Postgres refuses root, and mode bits do not bind root, so a node_exporter run by root would read a textfile
that nobody else could. The cache and the checkout may lie below root's home or another 0700 folder: what the
other user runs is then linked or copied into the run folder.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from acceptance.stack.interface import StackError
from acceptance.stack.processes import finish

_OWN = "arbitrage-stack"
_ADD = (
    *("useradd", "--system", "--user-group", "--no-create-home"),
    *("--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", _OWN),
)
_ADD_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Whom to run something as."""

    name: str
    uid: int
    gid: int


def service_user() -> User | None:
    """Whom to run Postgres and node_exporter as: None unless root asks.

    It is a user of their own, or Postgres' own: what else runs as ``nobody`` or ``daemon`` could read the data and the
    owner's password. Where a machine has neither, root makes the first (Postgres wants one with a name).

    Raises:
        StackError: Root asks, and no such user is there or can be made.
    """
    if os.geteuid() != 0:
        return None
    user = next((found for name in (_OWN, "postgres") if (found := _account(name)) is not None), None)
    if user is None:
        with contextlib.suppress(OSError):  # no such program: the sentence below names it
            finish(_ADD, seconds=_ADD_SECONDS)
        user = _account(_OWN)
    if user is None:
        message = (
            f"Postgres refuses to run as root, and there is no user {_OWN} or postgres: "
            f"run `{' '.join(_ADD)}`, or start the stack as a user that is not root"
        )
        raise StackError(message, service="postgres")
    return user


def _account(name: str) -> User | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return None if entry.pw_uid == 0 else User(name=name, uid=entry.pw_uid, gid=entry.pw_gid)


def _allowed(path: Path, user: User) -> int:
    """The rwx bits (4, 2, 1) that apply to a user for a path, as the kernel chooses them."""
    state = path.stat()
    if state.st_uid == user.uid:
        return (state.st_mode >> 6) & 7
    if state.st_gid == user.gid:
        return (state.st_mode >> 3) & 7
    return state.st_mode & 7


def can_traverse(folder: Path, user: User) -> bool:
    """Whether a user may walk through a folder and all above it."""
    try:
        resolved = folder.resolve(strict=True)
        return all(_allowed(each, user) & 1 for each in (resolved, *resolved.parents))
    except OSError:
        return False


def can_run(binary: Path, user: User) -> bool:
    """Whether a user may reach, read and execute a file."""
    try:
        resolved = binary.resolve(strict=True)
        return can_traverse(resolved.parent, user) and _allowed(resolved, user) & 5 == 5
    except OSError:
        return False


def can_read_tree(tree: Path, user: User) -> bool:
    """Whether a user may reach and read everything below a folder."""
    if not can_traverse(tree, user):
        return False
    for folder, _, files in os.walk(tree.resolve()):
        if _allowed(Path(folder), user) & 5 != 5:
            return False
        if any(not _allowed(Path(folder, name), user) & 4 for name in files if Path(folder, name).exists()):
            return False
    return True


def within_reach(
    binary: Path, home: Path | None, env: Mapping[str, str], *, user: User | None, place: Path
) -> tuple[Path, dict[str, str]]:
    """Make a program runnable for a user.

    Args:
        binary: The program.
        home: The root of the tree it needs, or None when the file alone is enough.
        env: Its further environment; values that point into ``home`` follow it.
        user: Who runs it; None when that is the caller, who can reach it already.
        place: A folder the user can walk through; made if needed.

    Returns:
        The program and environment to use: as given when they are within reach, else below ``place``.

    Raises:
        OSError: It cannot be copied.
    """
    resolved = binary.resolve()
    if user is None:
        return binary, dict(env)
    if can_run(binary, user) and (home is None or can_read_tree(home, user)):
        return binary, dict(env)
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    place.chmod(0o755)
    if home is None:
        target = place / binary.name
        _put(resolved, target)
        return target, dict(env)
    root = home.resolve()
    _put_tree(root, place)
    moved = {key: value.replace(str(home), str(place)).replace(str(root), str(place)) for key, value in env.items()}
    if resolved.is_relative_to(root):
        return place / resolved.relative_to(root), moved
    target = place / binary.name
    _put(resolved, target)
    return target, moved


def _put_tree(source: Path, target: Path) -> None:
    for folder, names, files in os.walk(source):
        here = target / Path(folder).relative_to(source)
        here.mkdir(mode=0o755, exist_ok=True)
        here.chmod(0o755)
        for name in (*names, *files):
            path = Path(folder, name)
            if path.is_symlink():
                (here / name).symlink_to(path.readlink())
            elif path.is_file():
                _put(path, here / name)


def _put(source: Path, target: Path) -> None:
    """Link where the bits already let everyone read it (and it lies on the same disk), else copy."""
    mode = stat.S_IMODE(source.stat().st_mode)
    wanted = mode | 0o444 | (0o111 if mode & 0o100 else 0)
    if mode == wanted:
        try:
            target.hardlink_to(source)
        except OSError:  # another file system, or links are forbidden: a copy does as well
            shutil.copy2(source, target)
        return
    shutil.copy2(source, target)
    target.chmod(wanted)
