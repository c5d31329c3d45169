from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from acceptance.dashboards.template import Window
from acceptance.dashboards.variables import fill_variables
from acceptance.display import Displayed, DisplayedItem, PanelRequest
from acceptance.probes.errors import PanelError, QueryError
from acceptance.probes.grafana import GrafanaClient, ServedDashboard
from acceptance.proof.judge import Marks, PanelFault
from acceptance.proof.sweep import sweep

DS = {"type": "prometheus", "uid": "arbitrage-prometheus"}
RUN = 1_766_300_000.125


def panel(number: int, title: str, expr: str, kind: str = "stat", **more: Any) -> dict[str, Any]:
    targets = [{"refId": "A", "expr": expr, "datasource": DS}]
    place = {"x": 0, "y": number}
    options = {"fieldConfig": {"defaults": {"unit": "none"}}}
    return {"id": number, "title": title, "type": kind, "gridPos": place, "targets": targets, **options, **more}


def served(*panels: dict[str, Any], variables: tuple[dict[str, Any], ...] = ()) -> ServedDashboard:
    dashboard = {"uid": "d77", "panels": list(panels), "templating": {"list": list(variables)}}
    return ServedDashboard(
        uid="d77", title="X", folder="Arbitrage", provisioned=True, url="", dashboard=dashboard, raw={}
    )


def frame(now_ms: float, value: float, **labels: str) -> dict[str, Any]:
    fields = [{"name": "Time", "type": "time"}, {"name": "Value", "type": "number", "labels": labels}]
    return {"schema": {"fields": fields}, "data": {"values": [[now_ms], [value]]}}


@pytest.fixture
def client(httpserver: HTTPServer) -> Iterator[GrafanaClient]:
    """A Grafana that answers each query by its expression."""

    def reply(request: Request) -> Response:
        body = json.loads(request.get_data())
        if any(query["datasource"]["uid"] == "typo" for query in body["queries"]):
            return Response('{"message": "Data source not found"}', status=404, content_type="application/json")
        results: dict[str, Any] = {}
        for query in body["queries"]:
            expr, now = query["expr"], float(body["to"])
            if "broken" in expr:
                results[query["refId"]] = {"status": 400, "error": "parse error", "frames": []}
            elif "nothing" in expr:
                results[query["refId"]] = {"frames": [{"schema": {"fields": []}, "data": {"values": []}}]}
            elif expr == 'count by (host) (up{env="paper"})':
                results[query["refId"]] = {"frames": [frame(now, 1, host="b"), frame(now, 1, host="a"), frame(now, 1)]}
            elif "last_run" in expr:
                results[query["refId"]] = {"frames": [frame(now, RUN)]}
            else:
                results[query["refId"]] = {"frames": [frame(now, 1, env="paper", job="x")]}
        status = 400 if any("error" in result for result in results.values()) else 200
        return Response(json.dumps({"results": results}), status=status, content_type="application/json")

    httpserver.expect_request("/api/ds/query").respond_with_handler(reply)
    with GrafanaClient(httpserver.url_for("/")) as made:
        yield made


@pytest.fixture
def window() -> Window:
    now = time.time()
    return Window(start=now - 60, end=now, scrape_interval=1)


def test_every_panel_is_asked_and_judged(client: GrafanaClient, window: Window) -> None:
    """Each panel gets its outcome in order: good, empty, refused, and one that asks nothing; text is left out."""
    dashboard = served(
        panel(1, "good", 'arbitrage_preflight_last_success{env="$env"}'),
        panel(2, "empty", "up # nothing"),
        panel(3, "refused", "up # broken"),
        panel(4, "silent", "up", targets=[]),
        panel(5, "words", "up", kind="text"),
        variables=({"name": "env", "type": "query", "current": {"value": "live"}},),
    )

    good, empty, refused, silent = sweep(client, [dashboard], window, Marks(env="paper", last_run=RUN), display=None)

    assert good.problems() == ()
    assert good.queries == ('arbitrage_preflight_last_success{env="paper"}',)
    assert [value.value for value in good.values] == [1.0]
    assert [fault.fault for fault in empty.faults] == [PanelFault.NO_ROWS]
    assert empty.empty_targets == {"A"}
    assert empty.problems({"A"}) == ()
    assert len(empty.problems({"B"})) == 1
    assert [fault.fault for fault in refused.faults] == [PanelFault.ERROR]
    assert refused.empty_targets == frozenset()
    assert "panel 'refused' (id 3), target A: error: HTTP 400: parse error" in refused.problems({"A"})[0]
    assert "panel 'silent' (id 4) has no targets" in silent.failure


def test_old_data_is_not_this_runs(client: GrafanaClient, window: Window) -> None:
    """Values that came together with another run's timestamp are stale."""
    dashboard = served(panel(1, "good", "arbitrage_preflight_last_success"))

    (outcome,) = sweep(client, [dashboard], window, Marks(env="paper", last_run=RUN + 1), display=None)

    assert [fault.fault for fault in outcome.faults] == [PanelFault.STALE]


def test_a_grafana_that_is_gone_fails_each_panel_with_its_place(closed_port: int, window: Window) -> None:
    """A request that fails as a whole names panel and queries, and does not stop the others."""
    dashboard = served(panel(1, "a", "up"), panel(2, "b", "up"))

    with GrafanaClient(f"http://127.0.0.1:{closed_port}") as gone:
        outcomes = sweep(gone, [dashboard], window, Marks(env="paper"), display=None)

    assert ["panel 'a'" in outcomes[0].failure, "panel 'b'" in outcomes[1].failure] == [True, True]
    assert "['up']: Grafana cannot be reached" in outcomes[0].failure


def test_a_request_refused_as_a_whole_still_names_the_target(client: GrafanaClient, window: Window) -> None:
    """Where Grafana gives no result at all, each target is asked alone to find the guilty one."""
    targets = [
        {"refId": "A", "expr": "up", "datasource": DS},
        {"refId": "B", "expr": "up", "datasource": {"type": "prometheus", "uid": "typo"}},
    ]

    (outcome,) = sweep(client, [served(panel(1, "p", "", targets=targets))], window, Marks(env="paper"), display=None)

    assert "panel 'p' (id 1), target B: query as sent 'up'" in outcome.failure
    assert "HTTP 404 (no such thing there)" in outcome.failure
    assert "Data source not found" in outcome.failure


def variable(name: str, query: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "query", "query": query, "datasource": DS, "current": {"value": "paper"}, **more}


def test_variables_are_filled_from_the_data(client: GrafanaClient, window: Window) -> None:
    """Options come from label_values and query_result, in old and new form, later ones using earlier ones."""
    dashboard = served(
        variables=(
            variable("env", {"query": "query_result(count by (env) (up))"}, regex='/env="([^"]+)"/'),
            variable("host", 'label_values(up{env="$env"}, host)'),
            variable("whole", "query_result(up)", regex="job"),
            variable("none", "query_result(up)", regex="/zzz/"),
            {"name": "fixed", "type": "constant", "query": "1"},
        )
    ).dashboard

    assert fill_variables(client, dashboard, window) == {
        "env": ("paper",),
        "host": ("a", "b"),
        "whole": ("job",),
        "none": (),
    }


def test_variables_that_cannot_be_filled_are_errors(client: GrafanaClient, window: Window) -> None:
    """An unknown form, an unknown variable or a refused query raises with its place."""
    for query, kind, words in (
        ("metrics(up)", PanelError, "variable 'v': the query 'metrics.up.' is neither"),
        ("label_values(up{a='$gone'}, b)", PanelError, r"variable 'v': variable \$gone"),
        ("query_result(broken)", QueryError, "parse error"),
    ):
        dashboard = served(variables=(variable("v", query),)).dashboard
        with pytest.raises(kind, match=words):
            fill_variables(client, dashboard, window)


class FakeDisplay:
    """Displays nothing of what it is given, and remembers it."""

    def __init__(self) -> None:
        self.asked: list[PanelRequest] = []

    def show(self, requests: Sequence[PanelRequest]) -> tuple[Mapping[str, Displayed], ...]:
        """Remember what is to be shown, and show nothing of it."""
        self.asked += requests
        items = (DisplayedItem(ref_id="A", title="", text="No data", colour=None, number=None, shown=False, why="x"),)
        fault = ("has data, shows none: x",)
        one = {major: Displayed(major=major, version="", items=items, faults=fault, notes=()) for major in ("12", "13")}
        return tuple(one for _ in requests)


def test_what_is_displayed_is_asked_for_all_at_once(client: GrafanaClient, window: Window) -> None:
    """Panels that were answered are shown in one call, without the marks; faults that agree are one sentence."""
    display = FakeDisplay()
    dashboard = served(panel(1, "good", "arbitrage_preflight_last_success"), panel(2, "silent", "up", targets=[]))

    good, silent = sweep(client, [dashboard], window, Marks(env="paper", last_run=RUN), display=display)

    (asked,) = display.asked
    assert (set(asked.frames), asked.tables, asked.variables["env"]) == ({"A"}, (), "paper")
    (problem,) = good.problems()
    assert problem.startswith("dashboard 'd77', panel 'good' (id 1): on Grafana 12 and 13: has data, shows none: x; ")
    assert problem.endswith("displayed instead: '(No data)'")
    assert silent.displayed == {}
    assert good.last_run_timestamp == RUN
    assert good.by_name() == {"Value": 1.0}


@pytest.mark.parametrize(
    ("own", "words"),
    [
        pytest.param({"timeShift": "1d"}, "the panel's timeShift 1d: it asks for ", id="shift"),
        pytest.param({"timeFrom": "1y"}, "the panel's timeFrom 1y: it asks for ", id="from"),
    ],
)
def test_a_time_range_of_its_own_is_asked_and_said(
    client: GrafanaClient, window: Window, own: dict[str, str], words: str
) -> None:
    """A panel that looks at another time is asked for that time, and its faults say so."""
    dashboard = served(panel(1, "p", "up # nothing", **own))

    (outcome,) = sweep(client, [dashboard], window, Marks(env="paper"), display=None)

    assert outcome.window is not None
    assert outcome.window.start < window.start - 86_000
    assert words in outcome.problems()[0]
