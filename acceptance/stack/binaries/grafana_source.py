"""Where the dashboards' server of an embedded stack comes from: the user's own Grafana, else the stand-in.

This project neither builds nor fetches Grafana. A program of the user's is taken from PATH or `GRAFANA_HOME`, else one
that `make grafana` has unpacked; where there is none the stand-in serves, and says so everywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from acceptance.stack.binaries import on_path
from acceptance.stack.binaries.cache import components_dir, shelved
from acceptance.stack.binaries.component import Component, ComponentError, Source
from acceptance.stack.binaries.pins import numbers
from acceptance.stack.interface import GrafanaChoice
from acceptance.world.grafana.identity import VERSION as STANDIN_VERSION
from evidence.grafana import GrafanaKind, GrafanaUsed

WAYS = (
    "put a grafana >= 10 with its home folder on PATH, set GRAFANA_HOME to one that is unpacked, "
    "or have `make grafana` unpack the official archive (it prints how)"
)

_KINDS: dict[Source, GrafanaKind] = {
    "path": GrafanaKind.PROGRAM,
    "archive": GrafanaKind.ARCHIVE,
    "stand-in": GrafanaKind.STANDIN,
}


def choose(choice: GrafanaChoice, *, tell: Callable[[str], object]) -> Component:
    """Return the server to run, and say which and why.

    Args:
        choice: `auto` takes a Grafana where there is one, else the stand-in.
        tell: Is given one line for each program passed over, and one for what was chosen.

    Raises:
        ComponentError: `real` was asked for and there is none; the sentence has the ways to get one.
    """
    if choice == "standin":
        tell("grafana: the stand-in, as asked for")
        return _standin(())
    program, passed_over = on_path.find("grafana")
    for line in passed_over:
        tell(line)
    if program is not None:
        tell(f"grafana: {program.version}, found at {program.binary}")
        return program
    unpacked = newest_archive()
    if unpacked is not None:
        tell(f"grafana: {unpacked.version}, unpacked by `make grafana`")
        return replace(unpacked, notes=passed_over)
    if choice == "real":
        raise ComponentError(f"--grafana real: there is no Grafana on this machine: {WAYS}")
    tell("grafana: the stand-in, since there is no Grafana on this machine")
    return _standin(passed_over)


def newest_archive() -> Component | None:
    """Return the newest Grafana that was unpacked into the component cache."""
    shelf = components_dir()
    unpacked = []
    for folder in sorted(shelf.glob("grafana-*")) if shelf.is_dir() else ():
        record = shelved(folder)
        program = record.programs.get("grafana") if record is not None and record.source == "archive" else None
        if program is not None and program.home is not None:
            unpacked.append(
                Component(
                    name="grafana",
                    binary=folder / program.binary,
                    home=folder / program.home,
                    version=program.version,
                    source="archive",
                )
            )
    return max(unpacked, key=lambda component: numbers(component.version), default=None)


def used(component: Component) -> GrafanaUsed:
    """Say in the words of the evidence which Grafana a component is."""
    return GrafanaUsed(kind=_KINDS[component.source], version=component.version)


def _standin(passed_over: tuple[str, ...]) -> Component:
    return Component(
        name="grafana",
        binary=Path(sys.executable),
        home=None,
        version=STANDIN_VERSION,
        source="stand-in",
        notes=passed_over,
    )
