"""Configuration that containers read through a mount has to be readable by their users, whatever umask cloned it.

Only what is mounted as configuration is opened, folder by folder: `docker/secrets` never is, nor anything else of the
checkout.
"""

from __future__ import annotations

import stat
from pathlib import Path

from acceptance.stack.interface import StackError

MOUNTED = ("monitoring/prometheus", "monitoring/grafana", "docker/postgres")
"""Folders of the checkout that docker-compose.yml mounts as configuration; all of it is in git, and none is secret."""

_FILE = stat.S_IRGRP | stat.S_IROTH
_FOLDER = _FILE | stat.S_IXGRP | stat.S_IXOTH


def open_configuration(root: Path) -> tuple[Path, ...]:
    """Let every user read the mounted configuration of a checkout.

    Args:
        root: The checkout.

    Returns:
        What was closed and is open now.

    Raises:
        StackError: Something is closed, and this user may not open it.
    """
    opened: list[Path] = []
    for name in MOUNTED:
        folder = root / name
        try:
            opened += (path for path in (folder, *sorted(folder.rglob("*"))) if _open(path))
        except OSError as error:
            message = (
                f"{error.filename} has to be readable for the containers' users, and this user may not change it "
                f"({error.strerror}): as its owner type 'chmod -R a+rX {folder}'"
            )
            raise StackError(message) from error
    return tuple(opened)


def _open(path: Path) -> bool:
    """Add what is missing; a link is left alone, since what it names may lie elsewhere."""
    if path.is_symlink():
        return False
    mode = stat.S_IMODE(path.stat().st_mode)
    wanted = mode | (_FOLDER if path.is_dir() else _FILE)
    if wanted == mode:
        return False
    path.chmod(wanted)
    return True
