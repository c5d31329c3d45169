"""Somebody put rate() around a gauge. It yields a fresh, finite 0: the kill switch is never thrown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acceptance.sabotage.base import Sabotage, change_dashboard, replace_in_query


def _apply(checkout: Path) -> None:
    def change(dashboard: dict[str, Any]) -> None:
        old = 'arbitrage_engine_kill_switch{instance=~"$instance"}'
        replace_in_query(dashboard, "Kill Switch", old, f"rate({old}[$__rate_interval])")

    change_dashboard(checkout, "d77_risk_guard", change)


RATE_OVER_GAUGE = Sabotage(
    name="rate-over-gauge",
    story="the kill switch is shown as its rate",
    suite="acceptance/test_panels.py::test_every_query_asks_for_what_is_exported",
    caught_by=("test_every_query_asks_for_what_is_exported",),
    because=("panel 'Kill Switch', target A", "rate() over the gauge arbitrage_engine_kill_switch"),
    apply=_apply,
)
