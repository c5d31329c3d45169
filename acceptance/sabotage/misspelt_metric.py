"""Somebody misspelt a metric in a query that answers 0 for whatever is not there: it says for ever that all is well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acceptance.sabotage.base import Sabotage, change_dashboard, replace_in_query


def _apply(checkout: Path) -> None:
    def change(dashboard: dict[str, Any]) -> None:
        replace_in_query(dashboard, "Critical Alerts", "ALERTS{", "ALERTSS{")

    change_dashboard(checkout, "alerting_overview", change)


MISSPELT_METRIC = Sabotage(
    name="misspelt-metric",
    story="the panel of critical alerts counts ALERTSS",
    suite="acceptance/test_panels.py::test_every_query_asks_for_what_is_exported",
    caught_by=("test_every_query_asks_for_what_is_exported",),
    because=("panel 'Critical Alerts', target A", "no exporter exports 'ALERTSS'"),
    apply=_apply,
)
