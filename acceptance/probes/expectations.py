"""Which panels may be empty, and why: a TOML file in which every line needs a reason and has to be needed.

::

    [[panel]]
    dashboard = "alerting_overview"
    panel = "Firing Alerts"
    reason = "nothing fires while all is well"
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Expectations", "ExpectationsError", "MayBeEmpty", "load_expectations"]

_KEYS = {"dashboard", "panel", "reason"}


class ExpectationsError(Exception):
    """The file cannot be used; the message names it and the entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MayBeEmpty:
    """One panel that may show nothing."""

    dashboard: str  # uid
    panel: str  # title
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """All of them."""

    origin: str  # file name, for messages
    entries: tuple[MayBeEmpty, ...]

    def reason(self, dashboard: str, panel: str) -> str | None:
        """Give the reason why this panel may be empty; None where it may not."""
        found = (entry for entry in self.entries if (entry.dashboard, entry.panel) == (dashboard, panel))
        return next((entry.reason for entry in found), None)

    def unused(self, empty: Collection[tuple[str, str]]) -> tuple[str, ...]:
        """Say which lines were not needed, one sentence each.

        Args:
            empty: ``(dashboard uid, panel title)`` of the panels that were empty indeed.
        """
        return tuple(
            f"{self.origin}: {entry.dashboard!r} / {entry.panel!r} is listed as possibly empty, but shows data or "
            "does not exist; remove the line"
            for entry in self.entries
            if (entry.dashboard, entry.panel) not in empty
        )


def load_expectations(path: Path) -> Expectations:
    """Read the file.

    Raises:
        ExpectationsError: It is unreadable or malformed, has an unknown or missing key, an empty reason, or
            names a panel twice.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ExpectationsError(f"{path.name} cannot be read: {error}") from error
    listed = data.pop("panel", [])
    if data or not isinstance(listed, list):
        raise ExpectationsError(f"{path.name} may hold [[panel]] tables only; found {sorted(data) or 'no list'}")
    entries: list[MayBeEmpty] = []
    for number, item in enumerate(listed, 1):
        usable = isinstance(item, dict) and all(isinstance(value, str) and value.strip() for value in item.values())
        if not usable or set(item) != _KEYS:
            raise ExpectationsError(
                f"{path.name}, entry {number}: needs {', '.join(sorted(_KEYS))}, each as text that is not empty, "
                f"and nothing else; found {item}"
            )
        entry = MayBeEmpty(**item)
        if any((entry.dashboard, entry.panel) == (other.dashboard, other.panel) for other in entries):
            raise ExpectationsError(f"{path.name}, entry {number}: {entry.dashboard} / {entry.panel} is there twice")
        entries.append(entry)
    return Expectations(origin=path.name, entries=tuple(entries))
