"""The checks themselves, shown: what each proves, requires, whether it blocks, and its timeout."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Protocol

from preflight.language import Say, english
from preflight.message import message
from preflight.render.wrapping import columns

_TITLES = (message("BLOCKS"), message("TIMEOUT"), message("REQUIRES"), message("PROVES"))
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


def render_list(checks: Sequence[ListedCheck], blocking: Blocking, say: Say = english) -> str:
    """Return the checks as a plain table that ends with a newline."""
    rows = [("ID", *(say(title) for title in _TITLES))]
    rows += [
        (
            check.id,
            say(_blocks(check, blocking)),
            say(message("{timeout:g} s", timeout=check.timeout)),
            ", ".join(check.requires) or "-",
            say(check.proves),
        )
        for check in checks
    ]
    widths = [max(columns(row[column]) for row in rows) for column in range(4)]
    return "".join(
        "  ".join(cell + " " * (width - columns(cell)) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip()
        + "\n"
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
    return message("yes") if blocking(check.id) else message("no")
