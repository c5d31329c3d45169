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
    """Make those that are missing; `storage` and the ledger say what is wrong with one that cannot be made."""
    for directory in own_directories(settings):
        with contextlib.suppress(OSError):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
