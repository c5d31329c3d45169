from __future__ import annotations

import copy
from typing import Any

import pytest

from acceptance.dashboards.lint.colours import check_colours
from tests.acceptance.dashboards.lint.test_dashboards import GOOD, UIDS, latency, target

SENT = "sum by (outcome) (arbitrage_preflight_alerts_total)"
RED = {"id": "color", "value": {"mode": "fixed", "fixedColor": "#D55E00"}}


def found(expr: str, legend: str, *overrides: dict[str, Any], mode: str = "palette-classic") -> list[str]:
    dashboard = copy.deepcopy(GOOD)
    latency(dashboard)["fieldConfig"] = {"defaults": {"color": {"mode": mode}}, "overrides": list(overrides)}
    target(dashboard).update(expr=expr, legendFormat=legend)
    del latency(dashboard)["targets"][1]
    findings = tuple(check_colours("good.json", dashboard, UIDS))
    assert {(one.file, one.panel, one.target, one.rule) for one in findings} <= {
        ("good.json", "Latency", "A", "colour")
    }
    return [one.message.split(" takes ")[0] for one in findings]


def override(kind: str, options: str, *properties: dict[str, Any]) -> dict[str, Any]:
    return {"matcher": {"id": kind, "options": options}, "properties": list(properties or (RED,))}


@pytest.mark.parametrize(
    ("expr", "legend", "overrides", "lines"),
    [
        pytest.param("up", "P95", [], ["line 'P95'"], id="no colour"),
        pytest.param("up", "P95", [override("byName", "P95")], [], id="by name"),
        pytest.param("up", "P95", [override("byName", "P9")], ["line 'P95'"], id="by another name"),
        pytest.param("up", "P95", [override("byRegexp", "/^P/")], [], id="by pattern"),
        pytest.param("up", "P95", [override("byType", "number")], ["line 'P95'"], id="by something else"),
        pytest.param("up", "P95", [override("byName", "P95", {"id": "unit", "value": "s"})], ["line 'P95'"], id="unit"),
        pytest.param(
            SENT,
            "{{outcome}}",
            [override("byRegexp", "/^(sent|spooled)$/")],
            ["line 'failed'", "line 'throttled'"],
            id="values",
        ),
        pytest.param(
            SENT.replace("total", 'total{outcome="sent"}'), "{{outcome}}", [override("byName", "sent")], [], id="chosen"
        ),
        pytest.param("arbitrage_open_positions", "{{symbol}}", [], ["line '{{symbol}}'"], id="open set without"),
        pytest.param("arbitrage_open_positions", "{{symbol}}", [override("byName", "BTC")], [], id="open set with"),
        pytest.param("sum(", "x", [], ["line 'x'"], id="a query that cannot be read"),
    ],
)
def test_each_line_has_a_colour_of_its_own(
    expr: str, legend: str, overrides: list[dict[str, Any]], lines: list[str]
) -> None:
    """Where Grafana would deal out colours, every line that can be foreseen needs an override with one."""
    assert found(expr, legend, *overrides) == lines


def test_chosen_colours_need_no_override() -> None:
    """By thresholds, or fixed for all, a colour is one that we have written."""
    assert found("up", "P95", mode="thresholds") == found("up", "P95", mode="fixed") == []
