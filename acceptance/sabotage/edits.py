"""What a sabotage does to a copy of the checkout. Each edit finds exactly what it is meant for, or says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

DASHBOARDS = "monitoring/grafana/dashboards"


class EditError(Exception):
    """There is nothing to break where the edit looks, or it would change nothing."""


class Edit(Protocol):
    """One change of a copy."""

    def apply(self, checkout: Path) -> None:
        """Make it.

        Raises:
            EditError: What it is meant for is not there.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdit:
    """Replace a text in a file, write a file that is not there, or delete one."""

    path: str  # below the checkout
    old: str = ""  # found exactly `count` times
    new: str = ""
    count: int = 1
    create: str = ""  # the content of a new file
    delete: bool = False

    def __post_init__(self) -> None:
        """Refuse an edit that says two things, or none."""
        if sum((bool(self.old), bool(self.create), self.delete)) != 1:
            raise EditError(f"{self.path}: give one of old, create and delete")

    def apply(self, checkout: Path) -> None:
        """Make it."""
        path = checkout / self.path
        if path.is_file() == bool(self.create):
            raise EditError(f"{self.path} {'is there already' if self.create else 'is not there any more'}")
        if self.create:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, self.create)
        elif self.delete:
            path.unlink()
        else:
            text = path.read_text(encoding="utf-8")
            if (found := text.count(self.old)) != self.count:
                raise EditError(f"{self.path} holds {found} times, and not {self.count} times, {self.old!r}")
            write(path, text.replace(self.old, self.new))


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelEdit:
    """Change one panel of a dashboard, whatever else stands in its file."""

    dashboard: str  # uid, which is the file's name
    title: str
    target: str = ""  # refId; then `set`, `old` and `new` are about this target
    set: Mapping[str, Any] = field(default_factory=dict)  # path with dots -> value, in the panel or in the target
    old: str = ""  # in the target's query; every place of it is replaced
    new: str = ""
    remove: bool = False  # the panel, or the target

    def apply(self, checkout: Path) -> None:
        """Make it."""
        path = checkout / DASHBOARDS / f"{self.dashboard}.json"
        data = _read(path)
        panels = _all_panels(data)
        home, panel = next(((home, p) for home, p in panels if p.get("title") == self.title), (None, None))
        if home is None or panel is None:
            raise EditError(f"dashboard {self.dashboard} has no panel {self.title!r} any more")
        before = json.dumps(data)
        self.change(panel, home)
        if json.dumps(data) == before:
            raise EditError(f"panel {self.title!r} of {self.dashboard} is already as the edit would make it")
        write(path, json.dumps(data, ensure_ascii=False, indent=2) + "\n")

    def change(self, panel: dict[str, Any], home: list[dict[str, Any]]) -> None:
        """Make it in one panel.

        Args:
            panel: The panel's JSON.
            home: The list that it is in.
        """
        thing = panel
        if self.target:
            home = panel.get("targets", [])
            thing = next((each for each in home if each.get("refId") == self.target), {})
            if not thing:
                raise EditError(f"panel {self.title!r} of {self.dashboard} has no target {self.target} any more")
        if self.remove:
            home.remove(thing)
        if self.old:
            if self.old not in str(thing.get("expr", "")):
                raise EditError(f"target {self.target} of panel {self.title!r} does not hold {self.old!r} any more")
            thing["expr"] = thing["expr"].replace(self.old, self.new)
        for name, value in self.set.items():
            lay(thing, name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardEdit:
    """Change a dashboard as a whole."""

    uid: str  # of the file's name
    set: Mapping[str, Any] = field(default_factory=dict)
    wrap: bool = False  # as the API answers it: {"dashboard": ...}

    def apply(self, checkout: Path) -> None:
        """Make it."""
        path = checkout / DASHBOARDS / f"{self.uid}.json"
        data = _read(path)
        changed = {"dashboard": data} if self.wrap else {**data, **self.set}
        if changed == data:
            raise EditError(f"dashboard {self.uid} is already as the edit would make it")
        write(path, json.dumps(changed, ensure_ascii=False, indent=2) + "\n")


def lay(thing: dict[str, Any], path: str, value: object) -> None:
    """Set the value at a path such as `options.reduceOptions.fields`; what is missing on the way is made."""
    *way, last = path.split(".")
    for name in way:
        thing = thing.setdefault(name, {})
    thing[last] = value


def write(path: Path, text: str) -> None:
    """Put a new file in the place of one that other copies share."""
    made = path.with_name(f"{path.name}.edited")
    made.write_text(text, encoding="utf-8")
    made.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EditError(f"dashboard {path.stem} cannot be read: {type(error).__name__}") from error
    if not isinstance(data, dict) or not isinstance(data.get("panels"), list):
        raise EditError(f"dashboard {path.stem} has no panels any more")
    return data


def _all_panels(data: dict[str, Any]) -> list[tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Each panel with the list that it is in; those of a collapsed row are in the row."""
    found = []
    for panel in data["panels"]:
        found.append((data["panels"], panel))
        found += [(panel["panels"], inner) for inner in panel.get("panels", ())]
    return found
