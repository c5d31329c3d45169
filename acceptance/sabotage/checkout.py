"""Makes the copies of the checkout that sabotages may break.

One whole copy is made; those that are broken share its files by hard links, and an edit puts a new file in the place of
a link (`edits.write`).
"""

from __future__ import annotations

import os
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
    "supply",
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


def link_copy(whole: Path, target: Path) -> Path:
    """Make another copy of a copy, its files shared.

    Raises:
        OSError: Both are not on one file system, or the disk is full.
    """
    shutil.copytree(whole, target, copy_function=os.link, ignore=_LEFT_OUT)
    return target
