from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from acceptance.dashboards.model import find_panel, list_panels, panel_queries, panel_values
from acceptance.dashboards.template import Window
from acceptance.probes.errors import PanelError
from acceptance.probes.frames import FrameSeries
from acceptance.probes.grafana import GrafanaResult

HOUR = Window(start=0, end=3600, scrape_interval=15)
DS = {"type": "prometheus", "uid": "arbitrage-prometheus"}


def panel(number: int, title: str, y: int, kind: str = "timeseries", **more: Any) -> dict[str, Any]:
    target = {"refId": "A", "expr": "up", "datasource": DS, "legendFormat": "{{job}}"}
    return {
        "id": number,
        "title": title,
        "type": kind,
        "gridPos": {"x": 0, "y": y},
        "targets": [target],
    } | more


def dashboard(*panels: dict[str, Any]) -> dict[str, Any]:
    return {"uid": "d77", "panels": list(panels)}


def answer(series: Mapping[str, tuple[FrameSeries, ...]], **errors: str) -> GrafanaResult:
    return GrafanaResult(
        request={"queries": [{"refId": ref, "expr": f"sent {ref}"} for ref in (*series, *errors)]},
        status=400 if errors else 200,
        series=series,
        frame_counts={ref: len(found) for ref, found in series.items()},
        errors=errors,
        executed={},
        raw={},
    )


def test_rows_open_and_collapsed_give_their_name() -> None:
    """Panels carry the row that Grafana shows them in, by position, whichever way it is stored."""
    found = list_panels(
        dashboard(
            panel(4, "below", 9),
            panel(1, "above", 0),
            {"type": "row", "title": "Open", "gridPos": {"y": 8}, "panels": []},
            {
                "type": "row",
                "title": "Closed",
                "gridPos": {"y": 20},
                "collapsed": True,
                "panels": [panel(6, "inside", 21)],
            },
        )
    )

    assert [(p.title, p.row) for p in found] == [("above", None), ("below", "Open"), ("inside", "Closed")]


@pytest.mark.parametrize(
    ("broken", "words"),
    [({"uid": "x"}, "no list of panels"), ({"dashboard": {"panels": []}}, "wrapped in")],
    ids=["no panels", "wrapped"],
)
def test_no_dashboard_is_an_error(broken: dict[str, Any], words: str) -> None:
    """What is no v1 dashboard raises and says whether it is wrapped."""
    with pytest.raises(PanelError, match=words):
        list_panels(broken)


def test_find_needs_exactly_one() -> None:
    """A title that is missing, or there twice, is an error that lists the titles."""
    panels = list_panels(dashboard(panel(1, "a", 0), panel(2, "a", 1), panel(3, "b", 2)))

    assert find_panel(panels, "b").id == 3
    with pytest.raises(PanelError, match=r"dashboard 'd77' has 2 panels 'a'"):
        find_panel(panels, "a")
    with pytest.raises(PanelError, match=r"0 panels 'b' in row 'R'; it has \['None / a'"):
        find_panel(panels, "b", row="R")


def test_queries_are_what_grafana_would_send() -> None:
    """A time series asks for a range, a stat for an instant, each target resolved with its own datasource."""
    (lines,) = list_panels(
        dashboard(
            panel(
                1,
                "lines",
                0,
                datasource=DS,
                targets=[
                    {"refId": "A", "expr": 'rate(x{env="$env"}[$__rate_interval])', "range": True},
                    {"refId": "B", "expr": "y", "hide": True},
                ],
            )
        )
    )
    (number,) = list_panels(dashboard(panel(1, "number", 0, "stat")))

    (query,) = panel_queries(lines, {"env": "paper"}, HOUR)
    assert query == {
        "refId": "A",
        "datasource": DS,
        "expr": 'rate(x{env="paper"}[60s])',
        "instant": False,
        "range": True,
        "format": "time_series",
        "legendFormat": "",
        "intervalMs": 15000,
        "maxDataPoints": 600,
    }
    (instant,) = panel_queries(number, {}, HOUR)
    assert (instant["instant"], instant["range"], instant["legendFormat"]) == (True, False, "{{job}}")


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ([], "has no targets"),
        ([{"refId": "A", "expr": "up", "datasource": DS, "hide": True}], "has no targets"),
        ([{"refId": "A", "expr": " ", "datasource": DS}], "target A has an empty query"),
        ([{"refId": "A", "expr": "up"}], "target A names no datasource"),
        ([{"expr": "up", "datasource": DS}], "without a refId"),
        ([{"refId": "A", "expr": "up{e='$gone'}", "datasource": DS}], r"target A: variable \$gone"),
    ],
    ids=["none", "all hidden", "empty", "no datasource", "no refId", "unknown variable"],
)
def test_panels_that_cannot_ask_are_errors(targets: list[dict[str, Any]], words: str) -> None:
    """A panel that asks nothing raises with dashboard, panel and target, instead of passing as empty."""
    (broken,) = list_panels(dashboard(panel(7, "Latency", 0, targets=targets)))

    with pytest.raises(PanelError, match=words) as caught:
        panel_queries(broken, {}, HOUR)
    assert "dashboard 'd77', panel 'Latency' (id 7)" in str(caught.value)


def test_values_are_the_newest_finite_ones() -> None:
    """Each series shows its newest finite value with its time, and none where all is NaN."""
    hidden = {"refId": "H", "expr": "x", "datasource": DS, "hide": True}
    seen = {"refId": "A", "expr": "up", "datasource": DS}
    (shown,) = list_panels(dashboard(panel(1, "p", 0, targets=[hidden, seen])))
    good = FrameSeries(ref_id="A", name="Redis", labels={"a": "b"}, times=(1, 2, 3), values=(5, 6, math.nan))
    empty = FrameSeries(ref_id="A", name="Postgres", labels={}, times=(1,), values=(math.nan,))

    first, second = panel_values(shown, answer({"A": (good, empty)}))

    assert (first.name, first.value, first.time, first.query) == ("Redis", 6, 2, "sent A")
    assert (second.name, second.value, second.time) == ("Postgres", None, None)


def test_failed_target_names_everything() -> None:
    """An error of Grafana names dashboard, panel, target, the query as sent and what Grafana said."""
    (shown,) = list_panels(dashboard(panel(3, "P95", 0)))

    with pytest.raises(PanelError, match="bad_data") as caught:
        panel_values(shown, answer({}, A="bad_data"))
    with pytest.raises(PanelError, match=r"no result \(only \['B'\]\)"):
        panel_values(shown, answer({"B": ()}))

    for part in ("'d77'", "'P95' (id 3)", "target A", "'sent A'", "HTTP 400"):
        assert part in str(caught.value)


def test_words_for_nothing_come_from_every_place() -> None:
    """Both noValue and mappings of null and NaN count, of the whole panel and of an override; other mappings do not."""

    def special(match: str, text: str) -> dict[str, Any]:
        return {"type": "special", "options": {"match": match, "result": {"text": text}}}

    mappings = [special("null+nan", "b"), special("true", "x"), {"type": "value", "options": {"0": {"text": "x"}}}]
    properties = [{"id": "noValue", "value": "c"}, {"id": "mappings", "value": [special("nan", "d")]}, {"id": "unit"}]
    config = {"defaults": {"noValue": "a", "mappings": mappings}, "overrides": [{"properties": properties}]}

    (shown, bare) = list_panels(dashboard(panel(1, "p", 0, fieldConfig=config), panel(2, "q", 1)))

    assert shown.words_for_nothing == {"a", "b", "c", "d"}
    assert bare.words_for_nothing == frozenset()
