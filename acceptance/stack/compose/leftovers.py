"""Clearing away what a killed test run left: nothing in the run itself can, and containers outlive it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path

from acceptance.stack import in_memory
from acceptance.stack.docker import docker_cli
from preflight.system.process_id import birth_ticks

PREFIX = "arbitrage-test"
KEPT = "kept"
"""A file of this name in a project's folder says that it was left running on purpose."""

PLACES = (Path("/tmp"), in_memory.MEMORY)  # noqa: S108 - only looked into
"""Where the folders of other runs may be, besides this one's own: each had its own TMPDIR, or none."""

_NAME = re.compile(rf"{PREFIX}-(?P<pid>\d+)-(?P<started>\d+)-[0-9a-f]+")
_DOWN_SECONDS = 60.0


def new_name() -> str:
    """A project name that no other run has and that tells which process it belongs to."""
    return f"{PREFIX}-{os.getpid()}-{birth_ticks(os.getpid())}-{secrets.token_hex(3)}"


def folder_of(name: str) -> Path:
    """The private folder of a project: where it is, or where this run would make it."""
    return next((place / name for place in _places() if (place / name).exists()), Path(tempfile.gettempdir(), name))


def is_orphan(name: str) -> bool:
    """Whether a project is one of ours, its process is gone, and nobody asked to keep it."""
    match = _NAME.fullmatch(name)
    if match is None or (folder_of(name) / KEPT).exists():
        return False
    return birth_ticks(int(match["pid"])) != int(match["started"])


def sweep() -> tuple[str, ...]:
    """Take down the projects of test runs that were killed; return their names."""
    listed = docker_cli.docker("ps", "-a", "--format", '{{.Label "com.docker.compose.project"}}')
    networks = docker_cli.docker("network", "ls", "--format", '{{.Label "com.docker.compose.project"}}')
    folders = {path.name for place in _places() for path in place.glob(f"{PREFIX}-*")}  # with secrets in them
    gone = tuple(sorted(filter(is_orphan, {*listed.stdout.split(), *networks.stdout.split(), *folders})))
    for name in gone:
        label = f"label=com.docker.compose.project={name}"
        ids = docker_cli.docker("ps", "-aq", "--filter", label).stdout.split()
        if ids:  # paused ones and runs of preflight too, which `down` may leave
            docker_cli.docker("rm", "--force", "--volumes", *ids, seconds=_DOWN_SECONDS)
        docker_cli.docker("compose", "-p", name, "down", "--volumes", "--remove-orphans", seconds=_DOWN_SECONDS)
        shutil.rmtree(folder_of(name), ignore_errors=True)
    return gone


def _places() -> tuple[Path, ...]:
    return tuple(dict.fromkeys((Path(tempfile.gettempdir()), *PLACES)))
