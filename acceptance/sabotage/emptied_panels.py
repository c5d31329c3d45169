"""Somebody saved the dashboard with panels' queries gone. The panels are still there, so counting finds four."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from acceptance.sabotage.base import Sabotage, change_dashboard, panel_of

_TITLES = (
    "Preflight Last Success",
    "Preflight Duration P95",
    "Check Status Breakdown",
    "Redis/Postgres Latency",
)


def _empty(checkout: Path, titles: Sequence[str]) -> None:
    def change(dashboard: dict[str, Any]) -> None:
        for title in titles:
            panel_of(dashboard, title)["targets"] = []

    change_dashboard(checkout, "d77_system_health", change)


def _emptied(name: str, story: str, titles: Sequence[str]) -> Sabotage:
    return Sabotage(
        name=name,
        story=story,
        suite="acceptance/test_dashboard.py",
        caught_by=tuple(f"test_panel_shows_this_runs_value[{title}]" for title in titles),
        because=(
            *(f"hop grafana, dashboard 'd77_system_health', panel '{title}'" for title in titles),
            "has no targets",
        ),
        apply=lambda checkout: _empty(checkout, titles),
    )


EMPTIED_PANELS = _emptied("emptied-panels", "the targets of the four panels were emptied", _TITLES)
EMPTIED_PANEL = _emptied("emptied-panel", "the targets of one panel were emptied, the other three work", _TITLES[2:3])
