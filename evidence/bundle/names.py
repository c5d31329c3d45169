"""The name of a bundle's folder, which follows from its start and its commit; names of the files in it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

#: One part of a path that every system can hold, and that looks like no other: printable ASCII.
_PART = re.compile(r"[A-Za-z0-9_.@+=,~()\[\]{}#%&$!'^` -]*[A-Za-z0-9_@+=,~()\[\]{}#%&$!'^`-]")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)  # on Windows, in each folder


def is_portable(name: str) -> bool:
    """Tell whether each system can hold a file of this path: not so `CON`, `a:b`, `a.`, or letters beyond ASCII."""
    return all(_PART.fullmatch(part) and not _DEVICES.fullmatch(part) for part in name.split("/"))


def expected_name(start: float, short: str) -> str:
    """Return the name of a bundle that was opened at `start` (Unix seconds) from the commit `short`.

    A second bundle of the same second has ``-2`` behind it.
    """
    return f"{datetime.fromtimestamp(start, UTC):%Y%m%dT%H%M%SZ}-{short}"
