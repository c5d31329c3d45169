"""What a sabotage is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class SabotageError(Exception):
    """There is nothing to break where the sabotage looks: the code has moved on and it must follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """One way to break the system."""

    name: str
    story: str  # what happened, as an operator would tell it
    suite: str  # the part of the suite that must notice, as a path for pytest
    caught_by: tuple[str, ...]  # ids of the tests that must fail, without the file's path
    because: tuple[str, ...]  # what the output must say: the hop and the place
    apply: Callable[[Path], None]  # breaks the copy of the checkout at this path


def replace_in(path: Path, old: str, new: str) -> None:
    """Replace every `old` in a file.

    Raises:
        SabotageError: It is not in there.
    """
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise SabotageError(f"{path.name} does not hold {old!r} any more")
    path.write_text(text.replace(old, new), encoding="utf-8")


def change_dashboard(checkout: Path, uid: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Let `change` alter a dashboard's file in place; what it returns that is not None is written instead."""
    path = checkout / "monitoring" / "grafana" / "dashboards" / f"{uid}.json"
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    other = change(dashboard)
    path.write_text(json.dumps(dashboard if other is None else other), encoding="utf-8")


def panel_of(dashboard: dict[str, Any], title: str) -> dict[str, Any]:
    """Give the panel of this title.

    Raises:
        SabotageError: There is none.
    """
    found = [panel for panel in dashboard["panels"] if panel["title"] == title]
    if not found:
        raise SabotageError(f"dashboard {dashboard['uid']} has no panel {title!r} any more")
    panel: dict[str, Any] = found[0]
    return panel


def replace_in_query(dashboard: dict[str, Any], title: str, old: str, new: str) -> None:
    """Replace `old` in the first query of a panel.

    Raises:
        SabotageError: There is no such panel, or its query does not hold it.
    """
    target = panel_of(dashboard, title)["targets"][0]
    if old not in target["expr"]:
        raise SabotageError(f"the query of panel {title!r} does not hold {old!r} any more")
    target["expr"] = target["expr"].replace(old, new)
