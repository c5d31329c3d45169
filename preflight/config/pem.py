"""Files of certificates and keys, as far as settings judge them: nothing heavy is imported here."""

from __future__ import annotations

import stat
from pathlib import Path

from preflight.message import message

_ROOT = 0


def must_be_pem(key: str, path: Path) -> None:
    """Return if a file can be read and has a part in PEM form.

    Raises:
        ValueError: It cannot or has not; the text names the setting and the file.
    """
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as e:
        raise ValueError(message("{key} {path} cannot be read: {reason}", key=key, path=path, reason=e.strerror)) from e
    if "-----BEGIN " not in text:
        raise ValueError(message("{key} {path} holds nothing in PEM form (-----BEGIN ...)", key=key, path=path))


def is_private(path: Path) -> bool:
    """Return whether nobody but its owner may read a file; root's may be lent to a group, as libpq has it."""
    found = path.stat()
    lent = stat.S_IRGRP if found.st_uid == _ROOT else 0
    return stat.S_IMODE(found.st_mode) & 0o077 & ~lent == 0
