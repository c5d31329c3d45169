"""A dashboard was saved as the API answers it, wrapped in {"dashboard": ...}: file provisioning does not load it."""

from __future__ import annotations

from pathlib import Path

from acceptance.sabotage.base import Sabotage, change_dashboard


def _apply(checkout: Path) -> None:
    change_dashboard(checkout, "topn_arbitrage_core", lambda dashboard: {"dashboard": dashboard})


WRAPPED_DASHBOARD = Sabotage(
    name="wrapped-dashboard",
    story="a dashboard was saved with its API wrapper",
    suite="acceptance/test_panels.py::test_every_file_is_a_dashboard",
    caught_by=("test_every_file_is_a_dashboard",),
    because=("topn_arbitrage_core.json: is wrapped in",),
    apply=_apply,
)
