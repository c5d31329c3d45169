"""The name of a bundle's folder, which follows from its start and its commit."""

from __future__ import annotations

from datetime import UTC, datetime


def expected_name(start: float, short: str) -> str:
    """Return the name of a bundle that was opened at `start` (Unix seconds) from the commit `short`.

    A second bundle of the same second has ``-2`` behind it.
    """
    return f"{datetime.fromtimestamp(start, UTC):%Y%m%dT%H%M%SZ}-{short}"
