from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from acceptance.probes.errors import AnswerFormatError, HttpStatusError, QueryError
from acceptance.probes.grafana import GrafanaClient


def frame(ref: str, times: list[int], values: list[Any], entities: Any = None, **labels: str) -> dict[str, Any]:
    """A frame as Grafana's Prometheus datasource gives it for a time series."""
    data: dict[str, Any] = {"values": [times, values]}
    if entities is not None:
        data["entities"] = entities
    return {
        "schema": {
            "refId": ref,
            "meta": {"type": "timeseries-multi", "executedQueryString": f"Expr: {ref}\nStep: 15s"},
            "fields": [
                {
                    "name": "Time",
                    "type": "time",
                    "typeInfo": {"frame": "time.Time"},
                    "config": {"interval": 15000},
                },
                {
                    "name": "Value",
                    "type": "number",
                    "typeInfo": {"frame": "float64"},
                    "labels": labels,
                    "config": {"displayNameFromDS": f"legend {ref}"},
                },
            ],
        },
        "data": data,
    }


QUERIES = [{"refId": "A", "expr": "a"}, {"refId": "B", "expr": "b"}]


@pytest.fixture
def client(httpserver: HTTPServer) -> Iterator[GrafanaClient]:
    with GrafanaClient(httpserver.url_for("/"), auth=("admin", "s3cret-admin")) as made:
        yield made


def test_targets_of_one_request_are_read_by_ref_id(httpserver: HTTPServer, client: GrafanaClient) -> None:
    """Several queries go in one request, times in milliseconds, and come back as series by refId."""
    httpserver.expect_request(
        "/api/ds/query",
        method="POST",
        json={"queries": QUERIES, "from": "1000500", "to": "1060500"},
    ).respond_with_json(
        {
            "results": {
                "A": {"status": 200, "frames": [frame("A", [1000, 2500], [1, 2.5], env="paper")]},
                "B": {"status": 200, "frames": []},
            }
        }
    )

    result = client.query(QUERIES, 1000.5, 1060.5)

    (series,) = result.of("A")
    assert (series.times, series.values) == ((1.0, 2.5), (1.0, 2.5))
    assert (series.labels, series.name) == ({"env": "paper"}, "legend A")
    assert (series.last, series.last_time) == (2.5, 2.5)
    assert result.of("B") == ()
    assert dict(result.frame_counts) == {"A": 1, "B": 0}
    assert result.executed["A"].startswith("Expr: A")
    assert result.request["queries"] == QUERIES


def test_numbers_that_json_cannot_hold_are_restored(httpserver: HTTPServer, client: GrafanaClient) -> None:
    """NaN and infinities, sent as null with a list of places, come back; the last value is a finite one."""
    entities = [None, {"NaN": [1], "Inf": [2], "NegInf": [3]}]
    httpserver.expect_request("/api/ds/query").respond_with_json(
        {
            "results": {
                "A": {"frames": [frame("A", [0, 1, 2, 3, 4], [7, None, None, None, None], entities)]},
                "B": {"frames": [frame("B", [0], [None], [None, {"NaN": [0]}])]},
            }
        }
    )

    result = client.query(QUERIES, 0, 10)

    values = result.of("A")[0].values
    assert values[0] == 7.0
    assert math.isnan(values[1])
    assert values[2:4] == (math.inf, -math.inf)
    assert math.isnan(values[4])
    assert result.of("A")[0].last == 7.0
    assert result.of("B")[0].last is None
    assert result.of("B")[0].last_time is None


def test_table_rows_become_series(httpserver: HTTPServer, client: GrafanaClient) -> None:
    """In table form each row is a series whose labels are the row's text cells."""
    table = {
        "schema": {
            "refId": "A",
            "fields": [
                {"name": "Time", "type": "time"},
                {"name": "check", "type": "string"},
                {"name": "Value", "type": "number", "labels": {"env": "paper"}},
            ],
        },
        "data": {"values": [[1000, 1000], ["redis", "git"], [0, 2]]},
    }
    httpserver.expect_request("/api/ds/query").respond_with_json({"results": {"A": {"frames": [table]}}})

    rows = client.query(QUERIES[:1], 0, 10).of("A")

    assert {row.labels["env"] for row in rows} == {"paper"}
    assert [(row.labels["check"], row.last, row.last_time) for row in rows] == [
        ("redis", 0.0, 1.0),
        ("git", 2.0, 1.0),
    ]


@pytest.mark.parametrize("status", [207, 400, 500], ids=str)
def test_failed_target_is_kept_beside_the_others(httpserver: HTTPServer, client: GrafanaClient, status: int) -> None:
    """One broken target is an error of that refId only, with Grafana's words and no password."""
    httpserver.expect_request("/api/ds/query").respond_with_json(
        {
            "results": {
                "A": {"error": "bad_data: parse error near s3cret-admin", "status": 400, "frames": []},
                "B": {"status": 200, "frames": [frame("B", [1], [1])]},
            }
        },
        status=status,
    )

    result = client.query(QUERIES, 0, 10)

    assert result.status == status
    assert len(result.of("B")) == 1
    with pytest.raises(QueryError, match=r"target A: bad_data: parse error near \[redacted\]"):
        result.of("A")
    with pytest.raises(QueryError, match="no result for target Z"):
        result.of("Z")


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([{"data": {}}], "unreadable frames for target A"),
        (
            [{"schema": {"fields": [{"name": "Time", "type": "time"}]}, "data": {"values": [[1], [2]]}}],
            "columns",
        ),
        ("text", "unreadable frames"),
    ],
    ids=["no schema", "more columns than fields", "no list"],
)
def test_unreadable_frames_are_told(httpserver: HTTPServer, client: GrafanaClient, frames: Any, words: str) -> None:
    """Frames of another form raise and name the target, instead of counting as empty."""
    httpserver.expect_request("/api/ds/query").respond_with_json({"results": {"A": {"frames": frames}}})

    with pytest.raises(AnswerFormatError, match=words):
        client.query(QUERIES[:1], 0, 10)


def test_request_that_fails_as_a_whole_raises(httpserver: HTTPServer, client: GrafanaClient) -> None:
    """A status without results is an error of the request, also where it is JSON."""
    httpserver.expect_ordered_request("/api/ds/query").respond_with_json(
        {"message": "Data source not found"}, status=404
    )
    httpserver.expect_ordered_request("/api/ds/query").respond_with_data("<html>login</html>")
    httpserver.expect_ordered_request("/api/ds/query").respond_with_json({"results": {"A": {}}}, status=500)

    with pytest.raises(HttpStatusError, match=r"HTTP 404 .*Data source not found"):
        client.query(QUERIES[:1], 0, 10)
    with pytest.raises(AnswerFormatError, match="not JSON"):
        client.query(QUERIES[:1], 0, 10)
    with pytest.raises(HttpStatusError, match="HTTP 500"):
        client.query(QUERIES[:1], 0, 10)


@pytest.mark.parametrize("queries", [[], [{"refId": "A"}, {"refId": "A"}], [{"expr": "up"}]], ids=str)
def test_ambiguous_requests_are_not_sent(client: GrafanaClient, queries: list[dict[str, Any]]) -> None:
    """No query, a doubled refId or a missing one is refused before anything is sent."""
    with pytest.raises(QueryError, match="one refId for each query"):
        client.query(queries, 0, 10)


def test_health_dashboard_datasources_search(httpserver: HTTPServer, client: GrafanaClient) -> None:
    """The reading calls give the fields that judging needs, and send the login."""
    login = {"Authorization": "Basic YWRtaW46czNjcmV0LWFkbWlu"}
    httpserver.expect_request("/api/health").respond_with_json(
        {"commit": "x", "database": "failing", "version": "10.0.0"}, status=503
    )
    httpserver.expect_request("/api/dashboards/uid/d77", headers=login).respond_with_json(
        {
            "meta": {"folderTitle": "Arbitrage", "provisioned": True, "url": "/d/d77/x"},
            "dashboard": {"uid": "d77", "title": "X", "panels": []},
        }
    )
    httpserver.expect_request("/api/datasources", headers=login).respond_with_json(
        [
            {
                "uid": "arbitrage-prometheus",
                "name": "Prometheus",
                "type": "prometheus",
                "url": "http://p:9090",
                "isDefault": True,
                "readOnly": True,
                "jsonData": {"timeInterval": "15s"},
            }
        ]
    )
    httpserver.expect_request(
        "/api/search", query_string={"query": "", "type": "dash-db", "limit": "1000"}
    ).respond_with_json([{"uid": "d77", "title": "X", "folderTitle": "Arbitrage"}])

    assert client.health().database == "failing"
    served = client.dashboard("d77")
    assert (served.folder, served.provisioned, served.dashboard["title"]) == ("Arbitrage", True, "X")
    (source,) = client.datasources()
    assert (source.uid, source.read_only, source.json_data["timeInterval"]) == (
        "arbitrage-prometheus",
        True,
        "15s",
    )
    assert [hit.uid for hit in client.search()] == ["d77"]


def test_lists_and_objects_are_not_mixed_up(httpserver: HTTPServer, client: GrafanaClient) -> None:
    """An answer of another shape raises instead of reading as nothing."""
    httpserver.expect_request("/api/search").respond_with_json({"message": "hi"})
    httpserver.expect_request("/api/dashboards/uid/x").respond_with_json({"message": "hi"})

    with pytest.raises(AnswerFormatError, match="no list"):
        client.search()
    with pytest.raises(AnswerFormatError, match="no dashboard and meta"):
        client.dashboard("x")
