"""Which files a bundle's folder holds."""

from __future__ import annotations

import os
from pathlib import Path


def listed(folder: Path) -> tuple[str, ...]:
    """Return every file below `folder`, whatever its kind, as a sorted path relative to it with ``/``."""
    found = []
    for parent, folders, names in os.walk(folder):
        # A symlink to a folder is listed as a file: nothing behind it belongs to the bundle.
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        found += [(Path(parent) / name).relative_to(folder).as_posix() for name in (*names, *links)]
    return tuple(sorted(found))
