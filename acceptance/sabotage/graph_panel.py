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
    suite="acceptance/test_panels.py::test_every_dashboard_is_of_the_types_of_each_grafana",
    caught_by=("test_every_dashboard_is_of_the_types_of_each_grafana",),
    because=("d77_topn_trading_kpis.json, panel 'PnL'", "Grafana 12 and 13: it publishes no panel type 'graph'"),
    apply=_apply,
)
