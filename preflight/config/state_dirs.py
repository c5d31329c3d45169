"""Where a run keeps what must outlive it, and which of these directories it may make by itself."""

from __future__ import annotations

import contextlib
from pathlib import Path

from preflight.config.settings import Settings


def own_directories(settings: Settings) -> tuple[Path, ...]:
    """Return the default directories: those that no setting names.

    One that a setting names must be there already. Where it is not, a volume may not be mounted: a ledger begun anew
    in its place would count from 0, and whatever waits in the spool would be forgotten.
    """
    places = {"ledger": settings.ledger.parent, "spool_dir": settings.spool_dir}
    return tuple(path for key, path in places.items() if key not in settings.model_fields_set)


def make_own_directories(settings: Settings) -> None:
    """Make those that are missing; `storage` and the ledger say what is wrong with one that cannot be made.

    What has to be made on the way to one is this user's alone too, whatever the umask: whoever may rename a folder
    on the way takes away the ledger and its locks.
    """
    for directory in own_directories(settings):
        with contextlib.suppress(OSError):
            for path in reversed([path for path in (directory, *directory.parents) if not path.exists()]):
                path.mkdir(mode=0o700, exist_ok=True)
