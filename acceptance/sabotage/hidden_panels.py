"""Panels whose queries answer while nothing of it is seen: the settings of how they show it were changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acceptance.sabotage.base import Sabotage, change_dashboard, panel_of

__all__ = ["EDITS", "HIDDEN_PANELS", "NOTHING_SELECTED", "Edit"]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change of one panel, after which nothing of its data is seen."""

    uid: str  # dashboard
    title: str  # panel
    apply: Callable[[Json], object]
    because: str  # what must be said of it


def _defaults(panel: Json) -> Json:
    found: Json = panel["fieldConfig"]["defaults"]
    return found


def _hide(panel: Json) -> None:
    _defaults(panel)["custom"]["hideFrom"] = {"viz": True, "legend": True, "tooltip": True}


def _invisible(panel: Json) -> None:
    _defaults(panel)["custom"] |= {"lineWidth": 0, "fillOpacity": 0, "showPoints": "never"}


def _override(panel: Json, name: str, value: object) -> None:
    match = {"id": "byRegexp", "options": "/.*/"}
    panel["fieldConfig"]["overrides"].append({"matcher": match, "properties": [{"id": name, "value": value}]})


def _transform(panel: Json, name: str, options: Json) -> None:
    panel["transformations"] = [{"id": name, "options": options}]


EDITS: tuple[Edit, ...] = (
    Edit(
        uid="d77_system_health",
        title="Preflight Last Success",
        apply=lambda panel: panel["options"]["reduceOptions"].update(fields="/^nothing$/"),
        because='no field to show: reduceOptions.fields "/^nothing$/"',
    ),
    Edit(
        uid="d77_system_health",
        title="Preflight Duration P95",
        apply=_hide,
        because="P95: hidden by hideFrom.viz; displayed instead: ",
    ),
    Edit(
        uid="d77_system_health",
        title="Redis/Postgres Latency",
        apply=lambda panel: _transform(panel, "filterFieldsByName", {"include": {"names": ["nothing"]}}),
        because="transformation 1, filterFieldsByName, leaves no data",
    ),
    Edit(
        uid="d77_system_health",
        title="Scrape Duration",
        apply=lambda panel: panel.update(timeShift="1d"),
        because="the panel's timeShift 1d: it asks for",
    ),
    Edit(
        uid="d77_system_health",
        title="Engine Loop P95",
        apply=lambda panel: _defaults(panel).update(min=1e9, max=2e9),
        because="points are off the axis, which goes from 1000000000 to 2000000000",
    ),
    Edit(uid="d77_system_health", title="Check State Now", apply=_hide, because="its column is hidden"),
    Edit(
        uid="fx_multi_source",
        title="Rate by Source",
        apply=lambda panel: panel.update(timeFrom="1y"),
        because="the panel's timeFrom 1y: it asks for",
    ),
    # More of their kinds.
    Edit(
        uid="d77_system_health",
        title="Scrape Targets",
        apply=lambda panel: panel["options"].update(textMode="none", graphMode="none", colorMode="none"),
        because="textMode is none, and there is neither graph nor background",
    ),
    Edit(
        uid="d77_system_health",
        title="Check Status Breakdown",
        apply=lambda panel: _override(panel, "custom.hideFrom", {"viz": True, "legend": True, "tooltip": True}),
        because="hidden by hideFrom.viz",
    ),
    Edit(
        uid="topn_arbitrage_core",
        title="Net Spread by Symbol",
        apply=lambda panel: _override(panel, "color", {"mode": "fixed", "fixedColor": "transparent"}),
        because=", 0) cannot be seen",
    ),
    Edit(
        uid="topn_arbitrage_core",
        title="Quote Age by Symbol",
        apply=_invisible,
        because="no line, no fill and no points",
    ),
    Edit(
        uid="topn_arbitrage_core",
        title="Loop Duration",
        apply=lambda panel: _transform(panel, "filterByRefId", {"include": "Z"}),
        because="transformation 1, filterByRefId, leaves no data",
    ),
    Edit(
        uid="fx_multi_source",
        title="Median Rate",
        apply=lambda panel: panel["options"]["reduceOptions"].update(calcs=["nothing"]),
        because="the reducer nothing is not one of Grafana's",
    ),
    Edit(
        uid="d77_risk_guard",
        title="Dependencies",
        apply=lambda panel: _defaults(panel)["custom"].update(fillOpacity=0, lineWidth=0),
        because="no fill and no line",
    ),
)


def _apply(checkout: Path, edits: tuple[Edit, ...]) -> None:
    for edit in edits:

        def change(dashboard: Json, edit: Edit = edit) -> None:
            edit.apply(panel_of(dashboard, edit.title))

        change_dashboard(checkout, edit.uid, change)


HIDDEN_PANELS = Sabotage(
    name="hidden-panels",
    story="panels were edited so that their data are there and none is seen",
    suite="acceptance/test_panels.py",
    caught_by=tuple(f"test_panel_shows_live_data[{edit.uid}-{edit.title}]" for edit in EDITS),
    because=(*(edit.because for edit in EDITS), "on Grafana 12 and 13: has data, shows none"),
    apply=lambda checkout: _apply(checkout, EDITS),
)
NOTHING_SELECTED = Sabotage(
    name="nothing-selected",
    story="the panel that answers GO or not shows a field that is not there",
    suite="acceptance/test_dashboard.py",
    caught_by=(f"test_panel_shows_this_runs_value[{EDITS[0].title}]",),
    because=(f"hop grafana, dashboard '{EDITS[0].uid}', panel '{EDITS[0].title}'", EDITS[0].because),
    apply=lambda checkout: _apply(checkout, EDITS[:1]),
)
