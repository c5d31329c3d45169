"""A panel of the type that Grafana 12 has thrown out: its query answers, and nothing is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acceptance.sabotage.base import Sabotage, change_dashboard, panel_of


def _apply(checkout: Path) -> None:
    def change(dashboard: dict[str, Any]) -> None:
        panel_of(dashboard, "PnL")["type"] = "graph"

    change_dashboard(checkout, "d77_topn_trading_kpis", change)


GRAPH_PANEL = Sabotage(
    name="graph-panel",
    story="a time series became an AngularJS graph",
    suite="acceptance/test_panels.py::test_every_file_is_a_dashboard",
    caught_by=("test_every_file_is_a_dashboard",),
    because=("d77_topn_trading_kpis.json, panel 'PnL'", "type 'graph' was AngularJS"),
    apply=_apply,
)
