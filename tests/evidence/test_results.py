from __future__ import annotations

import dataclasses
import json
import math

import pytest

from evidence import errors
from evidence.bundle import Bundle
from evidence.grafana import GrafanaKind, GrafanaUsed
from evidence.results import Dashboard, GrafanaApiResult, PanelQuery, PrometheusQueryResult
from tests.evidence.genuine import START, prometheus_result, report

PANEL = PanelQuery(
    title="Preflight Last Success",
    type="stat",
    queries=("arbitrage_preflight_last_success",),
    last_value=1.0,
    expected=1.0,
    last_run_timestamp=1767323045.25,
    frames=1,
    request={"queries": []},
    raw={"results": {}},
    attempts=1,
    elapsed_seconds=0.1,
)
BOARD = GrafanaApiResult(
    grafana=GrafanaUsed(kind=GrafanaKind.STANDIN, version="0.0.0-standin"),
    run_id="r1",
    last_run_timestamp=1767323045.25,
    dashboard=Dashboard(uid="d77_system_health", title="System", version=1, url="/d/d77_system_health"),
)


def prometheus() -> PrometheusQueryResult:
    """One run as seen in Prometheus."""
    document, _ = report("r1", START, START + 2.5)
    return prometheus_result(document, START + 10)


def test_prometheus_results_enter_as_designed(opened: Bundle) -> None:
    """The file holds run, timestamp, and for each metric the query as sent, value and what was expected."""
    prometheus().write(opened)
    document = json.loads((opened.path / "prometheus_query_result.json").read_text())
    assert set(document) == {"schema_version", "run_id", "last_run_timestamp", "prometheus", "queries"}
    query = document["queries"][0]
    assert "arbitrage_preflight_runs_total" in query["query"]
    assert (query["value"], query["expected"], query["attempts"], query["hop"]) == (1.0, 1.0, 2, "prometheus")
    assert query["last_run_timestamp"] == document["last_run_timestamp"]
    assert query["samples"][0]["labels"]["env"] == "paper"
    assert query["raw"]["status"] == "success"
    assert query["elapsed_seconds"] == 1.5


def test_a_later_answer_for_the_same_metric_replaces_the_earlier() -> None:
    """Each metric stands in the file once."""
    result = prometheus()
    again = dataclasses.replace(result.queries[0], value=2.0)
    other = dataclasses.replace(again, metric="other")
    assert result.plus(again).plus(other).queries == (*result.queries[1:], again, other)


def test_panels_enter_as_designed(opened: Bundle) -> None:
    """The file holds the dashboard, and for each panel type, queries as sent and last value."""
    series = dataclasses.replace(
        PANEL, title="Redis/Postgres Latency", last_value={"redis": 0.1, "postgres": 0.2}, expected=None
    )
    BOARD.plus(PANEL).plus(series).plus(PANEL).write(opened)
    document = json.loads((opened.path / "grafana_api_result.json").read_text())
    assert (document["row"], document["dashboard"]["uid"]) == ("Preflight Health", "d77_system_health")
    assert [panel["title"] for panel in document["panels"]] == [series.title, PANEL.title]
    assert document["panels"][0]["last_value"] == {"redis": 0.1, "postgres": 0.2}
    assert document["panels"][1]["last_value"] == 1.0


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_no_data_is_no_number(opened: Bundle, number: float) -> None:
    """NaN and infinity do not enter as values, in either file."""
    result = prometheus()
    with pytest.raises(ValueError, match="no data"):
        result.plus(dataclasses.replace(result.queries[0], value=number)).write(opened)
    for value in (number, {"a": number}):
        with pytest.raises(ValueError, match="no data"):
            BOARD.plus(dataclasses.replace(PANEL, last_value=value)).write(opened)


def test_an_empty_result_does_not_enter(opened: Bundle) -> None:
    """No query, no sample, no panel and no frame are refused by the schema."""
    result = prometheus()
    unsampled = dataclasses.replace(result.queries[0], samples=())
    wrong: list[PrometheusQueryResult | GrafanaApiResult] = [
        dataclasses.replace(result, queries=()),
        result.plus(unsampled),
        BOARD.plus(dataclasses.replace(PANEL, attempts=0)),
        BOARD,
        BOARD.plus(dataclasses.replace(PANEL, frames=0)),
        BOARD.plus(dataclasses.replace(PANEL, queries=())),
        BOARD.plus(dataclasses.replace(PANEL, last_value={})),
    ]
    for document in wrong:
        with pytest.raises(errors.DocumentError):
            document.write(opened)
