"""A panel was copied from another Grafana, with the uid of the datasource there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acceptance.sabotage.base import Sabotage, change_dashboard, panel_of


def _apply(checkout: Path) -> None:
    def change(dashboard: dict[str, Any]) -> None:
        panel_of(dashboard, "Median Rate")["targets"][0]["datasource"]["uid"] = "P1809F7CD0C75ACF3"

    change_dashboard(checkout, "fx_multi_source", change)


OTHER_DATASOURCE = Sabotage(
    name="other-datasource",
    story="a panel asks a datasource that is not provisioned",
    suite="acceptance/test_panels.py::test_every_file_is_a_dashboard",
    caught_by=("test_every_file_is_a_dashboard",),
    because=("fx_multi_source.json, panel 'Median Rate', target A", "datasource is 'P1809F7CD0C75ACF3'"),
    apply=_apply,
)
