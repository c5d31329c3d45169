"""Which panels and targets may be empty, and why: a TOML file whose every line needs a reason and has to be needed.

::

    [[panel]]
    dashboard = "alerting_overview"
    panel = "Firing Alerts"
    target = "B"  # that refId only; without it, every target of the panel
    reason = "nothing fires while all is well"
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Expectations", "ExpectationsError", "MayBeEmpty", "load_expectations"]

_KEYS = {"dashboard", "panel", "reason"}
_OPTIONAL = {"target"}


class ExpectationsError(Exception):
    """The file cannot be used; the message names it and the entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MayBeEmpty:
    """One panel, or one target of it, that may show nothing."""

    dashboard: str  # uid
    panel: str  # title
    reason: str
    target: str = ""  # refId; "" for all of them

    def covers(self, dashboard: str, panel: str, target: str) -> bool:
        """Say whether this line is about that target."""
        return (self.dashboard, self.panel) == (dashboard, panel) and self.target in {"", target}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """All of them."""

    origin: str  # file name, for messages
    entries: tuple[MayBeEmpty, ...]

    def reason(self, dashboard: str, panel: str, target: str = "") -> str | None:
        """Give the reason why this target, or without one the whole panel, may be empty; None where it may not."""
        return next((entry.reason for entry in self.entries if entry.covers(dashboard, panel, target)), None)

    def unused(self, empty: Collection[tuple[str, str, str]]) -> tuple[str, ...]:
        """Say which lines were not needed, one sentence each.

        Args:
            empty: ``(dashboard uid, panel title, refId)`` of the targets that were empty indeed.
        """
        return tuple(
            f"{self.origin}: {entry.dashboard!r} / {entry.panel!r}{entry.target and f', target {entry.target}'} is "
            "listed as possibly empty, but shows data or does not exist; remove the line"
            for entry in self.entries
            if not any(entry.covers(*place) for place in empty)
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
        if not usable or set(item) - _OPTIONAL != _KEYS:
            raise ExpectationsError(
                f"{path.name}, entry {number}: needs {', '.join(sorted(_KEYS))}, each as text that is not empty, "
                f"and nothing else but target; found {item}"
            )
        entry = MayBeEmpty(**item)
        if any(other.covers(entry.dashboard, entry.panel, entry.target) for other in entries):
            raise ExpectationsError(f"{path.name}, entry {number}: {entry.dashboard} / {entry.panel} is there twice")
        entries.append(entry)
    return Expectations(origin=path.name, entries=tuple(entries))
