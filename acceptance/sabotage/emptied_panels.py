"""Somebody saved the dashboard with the panels' queries gone. The panels are still there, so counting finds four."""

from __future__ import annotations

import json
from pathlib import Path

from acceptance.sabotage.base import Sabotage, SabotageError

_TITLES = (
    "Preflight Last Success",
    "Preflight Duration P95",
    "Check Status Breakdown",
    "Redis/Postgres Latency",
)


def _empty(checkout: Path) -> None:
    path = checkout / "monitoring" / "grafana" / "dashboards" / "d77_system_health.json"
    dashboard = json.loads(path.read_text(encoding="utf-8"))
    found = [panel for panel in dashboard["panels"] if panel["title"] in _TITLES]
    if len(found) != len(_TITLES):
        raise SabotageError(f"{path.name} has {len(found)} of the {len(_TITLES)} panels")
    for panel in found:
        panel["targets"] = []
    path.write_text(json.dumps(dashboard), encoding="utf-8")


EMPTIED_PANELS = Sabotage(
    name="emptied-panels",
    story="the targets of the four panels were emptied",
    suite="acceptance/test_dashboard.py",
    caught_by=tuple(f"test_panel_shows_this_runs_value[{title}]" for title in _TITLES),
    because=(*(f"panel '{title}'" for title in _TITLES), "has no targets"),
    apply=_empty,
)
