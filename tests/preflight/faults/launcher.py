"""Starts a program in a world with one thing wrong: a file system that is full or read-only, or root bound by modes.

Used as `python -m tests.preflight.faults.launcher [--full DIR] [--read-only DIR] [--bound-by-modes] -- COMMAND...`.
What is mounted is seen by that program alone and is gone with it. Works as root and, where the kernel lets users
have namespaces of their own, as anybody else.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.modes import obey_modes

_NEWNS, _NEWUSER = 0x00020000, 0x10000000  # <sched.h>
MS_RDONLY, _MS_REMOUNT, _MS_REC, _MS_PRIVATE = 0x1, 0x20, 0x4000, 0x40000  # <sys/mount.h>

_libc = ctypes.CDLL(None, use_errno=True)


class CannotError(Exception):
    """The kernel does not let this user make that fault; says what would."""


def _call(name: str, *given: object) -> None:
    if getattr(_libc, name)(*given) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def own_mounts() -> None:
    """Go where mounts are this process's own business."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        _call("unshare", _NEWNS)
    except PermissionError:
        try:
            _call("unshare", _NEWNS | _NEWUSER)
            Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
            Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
            Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")
        except OSError as e:
            raise CannotError(f"needs root, or user namespaces (sysctl kernel.unprivileged_userns_clone=1): {e}") from e
    _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)


def mount(folder: Path, flags: int = 0, options: str = "size=64k") -> None:
    """Lay a file system over a folder, with the files that are in it."""
    files = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    data = f"{options},mode={folder.stat().st_mode & 0o7777:o}".encode()
    _call("mount", b"none", os.fsencode(folder), b"tmpfs", flags & ~MS_RDONLY, data)
    for path, content in files.items():
        path.write_bytes(content)
    if flags & MS_RDONLY:
        _call("mount", b"none", os.fsencode(folder), b"tmpfs", _MS_REMOUNT | flags, data)


def fill(folder: Path) -> None:
    """Write until there is no room."""
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as e:
            sys.stderr.write(f"{folder} is full: {e.strerror}\n")


def main(argv: Sequence[str]) -> None:
    """Make what was asked for, then become the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", type=Path)
    parser.add_argument("--read-only", type=Path)
    parser.add_argument("--bound-by-modes", action="store_true")
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args(argv)
    try:
        if asked.full or asked.read_only:
            own_mounts()
        if asked.full:
            mount(asked.full)
            fill(asked.full)
        if asked.read_only:
            mount(asked.read_only, MS_RDONLY)
        if asked.bound_by_modes:
            obey_modes()
    except (OSError, CannotError) as e:
        sys.exit(f"this fault cannot be made here: {e}")
    os.execvp(asked.command[0], asked.command)  # noqa: S606 - a list argv, handed in by the test


if __name__ == "__main__":
    main(sys.argv[1:])
