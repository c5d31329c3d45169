"""The committed lists: every panel with what it asks, and every series that a run exports.

What is served or exported is held against these lists and not against the files that it came from: a panel that is
gone, or asks something else, is missed here. `python -m acceptance.proof.committed` renews them; review what changes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from acceptance.dashboards.lint.dashboards import load_folder
from acceptance.dashboards.model import Panel, list_panels

_SUITE = Path(__file__).parents[1]
_DASHBOARDS = _SUITE.parent / "monitoring" / "grafana" / "dashboards"
PANELS, SERIES = _SUITE / "panels.txt", _SUITE / "exported_series.txt"
_HOW = "# `python -m acceptance.proof.committed` writes this file anew; review what it changes.\n"
_PLACED = (
    "id",
    "gridPos",
    "title",
    "type",
    "description",
)  # of a panel: told elsewhere, or not what it says
_DIGITS = 12

_BOARD = ("time", "refresh", "timezone", "timepicker")  # of a dashboard: which time it shows, and how often anew

Case = tuple[str, str]  # uid, and title, `$variable` or BOARD
BOARD = "the dashboard itself"


class CommittedError(Exception):
    """A list cannot be used; the text says which line and what to do."""


def panels_of(uid: str, dashboard: Mapping[str, Any]) -> dict[Case, tuple[str, ...]]:
    """Write down a dashboard: a line for itself, for each panel and its targets, and for each variable.

    Returns:
        Where -> its lines; two panels of one title have theirs in one place.
    """
    shown = {key: dashboard.get(key) for key in _BOARD}
    found: dict[Case, tuple[str, ...]] = {(uid, BOARD): (json.dumps(shown, sort_keys=True, ensure_ascii=False),)}
    for panel in list_panels(dashboard):
        place = (uid, panel.title)
        found[place] = (*found.get(place, ()), *_panel_lines(panel))
    for variable in dashboard.get("templating", {}).get("list", ()):
        query = variable.get("query")
        text = query.get("query", "") if isinstance(query, dict) else query
        kind = f"{variable.get('type')} hide={variable.get('hide', 0)} regex={variable.get('regex', '')!r}"
        first = (variable.get("current") or {}).get("value")
        found[uid, f"${variable.get('name')}"] = (f"{kind} begins as {first!r}: {text}",)
    return found


def _panel_lines(panel: Panel) -> tuple[str, ...]:
    look = {key: value for key, value in panel.raw.items() if key not in _PLACED}
    digest = hashlib.sha256(json.dumps(look, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:_DIGITS]
    head = f"{panel.type} in {panel.row!r}, unit {panel.unit or 'none'}, look {digest}"
    return (
        head,
        *(
            f"{target.ref_id} {'hidden ' if target.hidden else ''}{'now' if target.instant else 'range'}"
            f"{' table' if target.table else ''} from {target.datasource_uid} as {target.legend!r}: {target.expr}"
            for target in panel.targets
        ),
    )


def series_of(prom: str, env: str) -> tuple[str, ...]:
    """Write down what a `.prom` file exports: HELP and TYPE lines, and each sample without its value, sorted.

    Raises:
        CommittedError: A sample line is not `name{labels} value`: it has a timestamp, or no labels.
    """
    lines = []
    for line in prom.splitlines():
        if line.startswith("#"):
            lines.append(line)
            continue
        series, _, rest = line.partition("} ")
        if not rest or len(rest.split()) != 1:
            raise CommittedError(f"a sample line has to be `name{{labels}} value`, without a timestamp: {line}")
        lines.append(f"{series}}}".replace(f'env="{env}"', 'env="ENV"'))
    return tuple(sorted(lines))


def read_panels(path: Path = PANELS) -> dict[Case, tuple[str, ...]]:
    """Read the list of panels.

    Raises:
        CommittedError: A line is in no place.
    """
    found: dict[Case, tuple[str, ...]] = {}
    place: Case | None = None
    for line in _lines(path):
        if line.startswith("    "):
            if place is None:
                raise CommittedError(f"{path.name}: this line belongs to no panel: {line}")
            found[place] = (*found[place], line[4:])
        else:
            uid, _, title = line.partition(" | ")
            place = (uid, title)
            found[place] = ()
    return found


def read_series(path: Path = SERIES) -> tuple[str, ...]:
    """Read the list of series."""
    return tuple(line.removeprefix("> ") for line in _lines(path))


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CommittedError(f"{path.name} cannot be read ({type(error).__name__}); restore it from git") from error
    return [line for line in lines if line and not line.startswith("# ")]


def differences(found: Sequence[str], committed: Sequence[str]) -> list[str]:
    """Say what is there and not in the list, and the other way round; nothing where both are the same."""
    return [
        *(f"not in the list: {line}" for line in found if line not in committed),
        *(f"only in the list: {line}" for line in committed if line not in found),
        *([f"in another order: {list(found)}"] if sorted(found) == sorted(committed) and found != committed else []),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the list of panels anew, and that of series where a `.prom` file of a run in env paper is given."""
    parser = argparse.ArgumentParser(prog="python -m acceptance.proof.committed", description=__doc__)
    parser.add_argument(
        "--prom", type=Path, metavar="FILE", help="arbitrage_preflight_paper.prom of an evidence bundle"
    )
    options = parser.parse_args(argv)
    text = _HOW
    for name, data in sorted(load_folder(_DASHBOARDS)[0].items()):
        for (uid, title), lines in panels_of(Path(name).stem, data).items():
            text += f"{uid} | {title}\n" + "".join(f"    {line}\n" for line in lines)
    PANELS.write_text(text, encoding="utf-8")
    if options.prom is not None:
        series = series_of(options.prom.read_text(encoding="utf-8"), "paper")
        SERIES.write_text(_HOW + "".join(f"> {line}\n" for line in series), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
