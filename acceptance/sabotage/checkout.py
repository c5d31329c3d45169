"""Makes the copy of the checkout that a sabotage may break."""

from __future__ import annotations

import shutil
from pathlib import Path

PARTS = (
    "acceptance",
    "docker",
    "docs",
    "engine",
    "evidence",
    "monitoring",
    "preflight",
    "scripts",
    "tests",
    "conftest.py",
    "pyproject.toml",
    "Makefile",
)
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "secrets", "*.env", ".env")


def copy_checkout(source: Path, target: Path) -> Path:
    """Copy what the suites need of a checkout; no secret of the compose stack and no cache is among it.

    Raises:
        OSError: The disk is full, or a part is not there.
    """
    target.mkdir(parents=True)
    for part in PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, ignore=_LEFT_OUT)
        else:
            shutil.copy(source / part, target / part)
    return target
