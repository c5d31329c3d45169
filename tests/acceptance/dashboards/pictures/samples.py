"""Panels as the dashboards have them, with data made up for the test."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from acceptance.dashboards.model import Panel, PanelValue, find_panel, list_panels
from acceptance.dashboards.template import Window
from acceptance.probes.frames import FrameSeries
from acceptance.probes.grafana import GrafanaResult
from acceptance.proof.judge import Judgement, PanelFault
from acceptance.proof.sweep import PanelOutcome, displayed
from tests.acceptance.display.shared import display_library

DASHBOARDS = Path(__file__).parents[4] / "monitoring" / "grafana" / "dashboards"
START, END = 1_790_000_000.0, 1_790_000_060.0


def committed(uid: str, title: str) -> Panel:
    return find_panel(list_panels(json.loads((DASHBOARDS / f"{uid}.json").read_text(encoding="utf-8"))), title)


def shown(
    ref_id: str, name: str, values: Sequence[float], *, labels: Mapping[str, str] | None = None, step: float = 5.0
) -> PanelValue:
    times = tuple(END - step * (len(values) - 1 - index) for index in range(len(values)))
    series = FrameSeries(ref_id=ref_id, name=name, labels=labels or {}, times=times, values=tuple(values))
    return PanelValue(
        ref_id=ref_id,
        name=name,
        labels=series.labels,
        value=series.last,
        time=series.last_time,
        query="up",
        series=series,
    )


def _frame(one: PanelValue) -> dict[str, Any]:
    """The frame in which Grafana would have sent a series."""
    odd: dict[str, list[int]] = {}
    for row, value in enumerate(one.series.values):
        if not math.isfinite(value):
            odd.setdefault("NaN" if math.isnan(value) else "Inf" if value > 0 else "NegInf", []).append(row)
    values = [value if math.isfinite(value) else None for value in one.series.values]
    number = {"name": "Value", "type": "number", "labels": dict(one.labels), "config": {"displayNameFromDS": one.name}}
    data = {"values": [[time * 1000 for time in one.series.times], values], "entities": [None, odd or None]}
    return {"schema": {"refId": one.ref_id, "fields": [{"name": "Time", "type": "time"}, number]}, "data": data}


def outcome_of(
    panel: Panel, values: Sequence[PanelValue] = (), *, fault: PanelFault | None = None, failure: str = ""
) -> PanelOutcome:
    """Return a panel that was answered these values, with what Grafana's own library displays of them."""
    request: dict[str, Any] = {"from": str(int(START * 1000)), "to": str(int(END * 1000)), "queries": []}
    frames: dict[str, dict[str, Any]] = {}
    for one in values:
        frames.setdefault(one.ref_id, {"frames": []})["frames"].append(_frame(one))
    result = GrafanaResult(
        request=request, status=200, series={}, frame_counts={}, errors={}, executed={}, raw={"results": frames}
    )
    found = Judgement(panel=panel, ref_id="A", fault=fault, query="up", detail="0 frames") if fault else None
    outcome = PanelOutcome(
        panel=panel,
        values=tuple(values),
        queries=("up",),
        faults=(found,) if found else (),
        failure=failure,
        result=None if failure else result,
        window=Window(start=START, end=END, scrape_interval=5.0),
    )
    return displayed([outcome], display_library())[0]


HEALTH = "d77_system_health"
WAVE = [10 + 5 * math.sin(index) for index in range(12)]
SAMPLES: dict[str, tuple[tuple[str, str], list[PanelValue]]] = {
    "stat": ((HEALTH, "Preflight Last Success"), [shown("A", "paper", [1.0])]),
    "stat-tiles": ((HEALTH, "Scrape Targets"), [shown("A", job, [1.0]) for job in ("engine", "node", "prometheus")]),
    "timeseries": ((HEALTH, "Preflight Duration P95"), [shown("A", "P95", WAVE)]),
    "timeseries-many": (
        ("topn_arbitrage_core", "Net Spread by Symbol"),
        [shown("A", f"SYM{number}", [value * number for value in WAVE]) for number in range(30)],
    ),
    "timeseries-stacked": (
        ("topn_arbitrage_core", "Opportunities per Minute"),
        [shown("A", "BTC", WAVE), shown("A", "ETH", [math.nan, *WAVE[1:]])],
    ),
    "piechart": (
        (HEALTH, "Check Status Breakdown"),
        [shown("A", "PASS", [14.0]), shown("B", "FAIL", [0.0]), shown("C", "WARN", [1.0])],
    ),
    "bargauge": (
        ("topn_arbitrage_core", "Top 5 Spreads"),
        [shown("A", "BTC upbit_to_binance", [28.3]), shown("A", "SOL binance_to_upbit", [-14.3])],
    ),
    "table": (
        ("fx_multi_source", "Rates Now"),
        [
            shown("A", "Value #A", [1392.81], labels={"pair": "USDT/KRW", "source": "upbit"}),
            shown("B", "Value #B", [0.4], labels={"pair": "USDT/KRW", "source": "upbit"}),
        ],
    ),
    "state-timeline": (
        (HEALTH, "Check State History"),
        [shown("A", "redis", [0.0] * 6 + [2.0] * 6), shown("A", "git", [1.0, math.nan, 1.0])],
    ),
}
