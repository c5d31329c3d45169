"""What the dashboards as served say of their panels, and whether the panels' documents say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

#: Panels of these types show no data, so nothing is recorded of them.
_WITHOUT_DATA: Final = frozenset({"dashlist", "text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    id: int
    title: str
    type: str
    row: str | None  # title of the row it lies in; None above the first row
    targets: tuple[str, ...]  # refIds of the queries that Grafana runs


def of_all_panels(served: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    """Say where ``panels.json`` names other panels than the dashboards have.

    Args:
        served: ``dashboards.json``.
        document: ``panels.json``.
    """
    there = {one["uid"]: {panel.id: panel for panel in _panels(one)} for one in served["dashboards"]}
    times = Counter((panel["dashboard"], panel["id"]) for panel in document["panels"])
    yield from (f"{uid}: holds the panel {number} {count} times" for (uid, number), count in times.items() if count > 1)
    for panel in document["panels"]:
        place = f"{panel['dashboard']}, {panel['title']}"
        wanted = there.get(panel["dashboard"], {}).get(panel["id"])
        if wanted is None:
            yield f"{place}: no dashboard has this panel"
            continue
        said = (panel["title"], panel["type"], tuple(panel["targets"]))
        if said != (wanted.title, wanted.type, wanted.targets):
            yield f"{place}: says {said}; the dashboard has {(wanted.title, wanted.type, wanted.targets)}"
    for uid, panels in there.items():
        for panel in panels.values():
            if panel.type not in _WITHOUT_DATA and (uid, panel.id) not in times:
                yield f"{uid}, {panel.title}: is not here, and the dashboard has it"


def of_one_row(served: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    """Say where ``grafana_api_result.json`` names another dashboard, row or panel than was served.

    Args:
        served: ``dashboards.json``.
        document: ``grafana_api_result.json``.
    """
    said = document["dashboard"]
    one = next((one for one in served["dashboards"] if one["uid"] == said["uid"]), None)
    if one is None:
        yield f"is of the dashboard {said['uid']}, which was not served"
        return
    if said["title"] != one["title"]:
        yield f"calls the dashboard {said['uid']} {said['title']!r}; it is {one['title']!r}"
    panels = {panel.title: panel for panel in _panels(one) if panel.row == document["row"]}
    for panel in document["panels"]:
        wanted = panels.get(panel["title"])
        if wanted is None:
            yield f"{panel['title']}: is no panel of the row {document['row']!r} of {said['uid']}"
        elif panel["type"] != wanted.type:
            yield f"{panel['title']}: says that it is a {panel['type']}; the dashboard has a {wanted.type}"


def _panels(dashboard: Mapping[str, Any]) -> Iterator[_Panel]:
    """Panels in reading order; a collapsed row holds its own, an open one is followed by them."""
    row: str | None = None
    for item in sorted(dashboard["panels"], key=_position):
        if item.get("type") != "row":
            yield _panel(item, row)
            continue
        row = str(item.get("title", ""))
        yield from (_panel(inner, row) for inner in sorted(item.get("panels") or (), key=_position))


def _panel(item: Mapping[str, Any], row: str | None) -> _Panel:
    targets = tuple(str(one["refId"]) for one in item.get("targets") or () if not one.get("hide"))
    return _Panel(
        id=int(item.get("id") or 0),
        title=str(item.get("title", "")),
        type=str(item.get("type", "")),
        row=row,
        targets=targets,
    )


def _position(item: Mapping[str, Any]) -> tuple[float, float]:
    place = item.get("gridPos") or {}
    return float(place.get("y", 0)), float(place.get("x", 0))
