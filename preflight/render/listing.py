"""The checks themselves, shown: what each proves, requires, whether it blocks, and its timeout."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Protocol

Blocking = Callable[[str], bool] | None  # tells whether an id blocks in the chosen env; None: no env was chosen


class ListedCheck(Protocol):
    """What a list shows of a check."""

    @property
    def id(self) -> str:
        """Its stable id."""

    @property
    def proves(self) -> str:
        """What a PASS of it says."""

    @property
    def requires(self) -> tuple[str, ...]:
        """Ids of the checks that must pass first."""

    @property
    def timeout(self) -> float:
        """Seconds that it may take."""

    @property
    def network(self) -> bool:
        """Whether it asks anything over the network."""


def render_list(checks: Sequence[ListedCheck], blocking: Blocking) -> str:
    """Return the checks as a plain table that ends with a newline."""
    rows = [("ID", "BLOCKS", "TIMEOUT", "REQUIRES", "PROVES")]
    rows += [
        (
            check.id,
            _blocks(check, blocking),
            f"{check.timeout:g} s",
            ", ".join(check.requires) or "-",
            check.proves,
        )
        for check in checks
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip() + "\n"
        for row in rows
    )


def render_list_json(checks: Sequence[ListedCheck], blocking: Blocking) -> str:
    """Return the checks as a JSON array."""
    return (
        json.dumps(
            [
                {
                    "id": check.id,
                    "proves": check.proves,
                    "requires": list(check.requires),
                    "required": None if blocking is None else blocking(check.id),
                    "timeout": check.timeout,
                    "network": check.network,
                }
                for check in checks
            ],
            ensure_ascii=False,
            indent=2,
        )
        + "\n"
    )


def _blocks(check: ListedCheck, blocking: Blocking) -> str:
    if blocking is None:
        return "?"
    return "yes" if blocking(check.id) else "no"
