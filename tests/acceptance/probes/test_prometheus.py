from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from acceptance.probes.errors import AnswerFormatError, HttpStatusError, ProbeError, QueryError
from acceptance.probes.prometheus import PrometheusClient

VECTOR = {
    "status": "success",
    "data": {
        "resultType": "vector",
        "result": [
            {
                "metric": {"__name__": "arbitrage_preflight_runs_total", "env": "paper"},
                "value": [1766300000.125, "3"],
            },
            {
                "metric": {"__name__": "arbitrage_preflight_runs_total", "env": "dev"},
                "value": [1766300000.125, "NaN"],
            },
        ],
    },
}


@pytest.fixture
def client(httpserver: HTTPServer) -> Iterator[PrometheusClient]:
    with PrometheusClient(httpserver.url_for("/")) as made:
        yield made


def test_query_gives_labels_numbers_and_what_was_sent(httpserver: HTTPServer, client: PrometheusClient) -> None:
    """An instant vector comes back with query and address as sent, numbers as floats, and the raw answer."""
    httpserver.expect_request(
        "/api/v1/query", query_string={"query": 'up{job="x"}', "time": "1766300000.125"}
    ).respond_with_json({**VECTOR, "warnings": ["slow"]})

    result = client.query('up{job="x"}', time=1766300000.125)

    assert result.query == 'up{job="x"}'
    assert result.url == httpserver.url_for("/api/v1/query?query=up%7Bjob%3D%22x%22%7D&time=1766300000.125")
    assert (result.status, result.result_type, result.warnings) == ("success", "vector", ("slow",))
    assert result.one(env="paper").value == 3.0
    with pytest.raises(QueryError, match="gave 2 of 2"):
        result.one()
    assert result.one(env="paper").timestamp == 1766300000.125
    assert math.isnan(result.one(env="dev").value)
    assert result.raw["data"] == VECTOR["data"]


def test_scalar_is_one_sample_without_labels(httpserver: HTTPServer, client: PrometheusClient) -> None:
    """A scalar answer is read as one sample."""
    httpserver.expect_request("/api/v1/query").respond_with_json(
        {"status": "success", "data": {"resultType": "scalar", "result": [10.5, "+Inf"]}}
    )

    assert client.query("scalar(vector(1)/0)").one().value == math.inf


def test_empty_result_is_an_answer(httpserver: HTTPServer, client: PrometheusClient) -> None:
    """An empty vector is no error of the probe; asking for the one sample says that there is none."""
    httpserver.expect_request("/api/v1/query").respond_with_json(
        {"status": "success", "data": {"resultType": "vector", "result": []}}
    )

    result = client.query("absent_metric")

    assert result.samples == ()
    with pytest.raises(QueryError, match=r"exactly one sample for 'absent_metric', Prometheus gave 0 of 0"):
        result.one()


def test_refused_expression_says_why(httpserver: HTTPServer, client: PrometheusClient) -> None:
    """status=error becomes a QueryError with Prometheus' own words and the HTTP status."""
    httpserver.expect_request("/api/v1/query").respond_with_json(
        {"status": "error", "errorType": "bad_data", "error": "1:3: parse error: unclosed"}, status=400
    )

    with pytest.raises(QueryError, match=r"HTTP 400, bad_data: 1:3: parse error: unclosed") as caught:
        client.query("up{")
    assert caught.value.status == 400
    assert "query=up%7B" in caught.value.asked


@pytest.mark.parametrize(
    ("body", "status", "kind", "words"),
    [
        pytest.param("<html>Bad gateway</html>", 502, HttpStatusError, "HTTP 502", id="error page"),
        pytest.param("<html>hello</html>", 200, AnswerFormatError, "not JSON", id="html"),
        pytest.param('{"status":"succ', 200, AnswerFormatError, "not JSON", id="cut off"),
        pytest.param("[]", 200, AnswerFormatError, "not of its API's form", id="a list"),
        pytest.param('{"status":"success"}', 200, AnswerFormatError, "API's form", id="no data"),
        pytest.param(
            '{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}',
            200,
            AnswerFormatError,
            "no readable 'vector'",
            id="sample without value",
        ),
        pytest.param(
            '{"status":"success","data":{"resultType":"string","result":[1,"x"]}}',
            200,
            AnswerFormatError,
            "no readable 'string'",
            id="a string",
        ),
        pytest.param("", 307, HttpStatusError, "HTTP 307", id="redirect"),
    ],
)
def test_unusable_answers_are_told_apart(
    httpserver: HTTPServer,
    client: PrometheusClient,
    *,
    body: str,
    status: int,
    kind: type[ProbeError],
    words: str,
) -> None:
    """Whatever comes back instead of an API answer raises its own error with status and first words."""
    httpserver.expect_request("/api/v1/query").respond_with_data(
        body, status=status, content_type="text/html", headers={"Location": "/elsewhere"}
    )

    with pytest.raises(kind, match=words):
        client.query("up")


def test_range_gives_times_and_values(httpserver: HTTPServer, client: PrometheusClient) -> None:
    """A range answer is read as series of equal length."""
    httpserver.expect_request(
        "/api/v1/query_range", query_string={"query": "up", "start": "1.0", "end": "3.0", "step": "1.0"}
    ).respond_with_json(
        {
            "status": "success",
            "data": {
                "resultType": "matrix",
                "result": [{"metric": {"job": "a"}, "values": [[1, "0"], [2, "1"]]}],
            },
        }
    )

    (series,) = client.query_range("up", start=1.0, end=3.0, step=1.0).series

    assert (series.labels, series.times, series.values) == ({"job": "a"}, (1.0, 2.0), (0.0, 1.0))


def test_targets_alerts_rules_and_series(httpserver: HTTPServer, client: PrometheusClient) -> None:
    """Targets, alerts, rules and series are read with the fields that judging needs, in a stable order."""
    httpserver.expect_request("/api/v1/targets").respond_with_json(
        {
            "status": "success",
            "data": {
                "activeTargets": [
                    {
                        "labels": {"job": "prometheus", "instance": "p:9090"},
                        "scrapeUrl": "http://p:9090/metrics",
                        "lastError": "",
                        "health": "up",
                    },
                    {
                        "labels": {"job": "node-exporter", "instance": "n:9100"},
                        "scrapeUrl": "http://n:9100/metrics",
                        "lastError": "connection refused",
                        "health": "down",
                    },
                ]
            },
        }
    )
    httpserver.expect_request("/api/v1/alerts").respond_with_json(
        {
            "status": "success",
            "data": {
                "alerts": [
                    {
                        "labels": {"alertname": "TargetDown", "severity": "critical"},
                        "annotations": {"summary": "gone"},
                        "state": "firing",
                        "activeAt": "2025-12-21T00:00:00Z",
                        "value": "1e+00",
                    }
                ]
            },
        }
    )
    httpserver.expect_request("/api/v1/rules").respond_with_json(
        {
            "status": "success",
            "data": {
                "groups": [
                    {
                        "name": "pipeline",
                        "file": "rules/pipeline.yml",
                        "rules": [
                            {
                                "name": "TargetDown",
                                "type": "alerting",
                                "query": "up == 0",
                                "health": "ok",
                                "state": "firing",
                            },
                            {
                                "name": "a:b",
                                "type": "recording",
                                "query": "up",
                                "health": "err",
                                "lastError": "x",
                            },
                        ],
                    }
                ]
            },
        }
    )
    httpserver.expect_request("/api/v1/series", query_string={"match[]": "up"}).respond_with_json(
        {"status": "success", "data": [{"__name__": "up", "job": "a"}]}
    )

    assert [(t.job, t.health, t.last_error) for t in client.targets()] == [
        ("node-exporter", "down", "connection refused"),
        ("prometheus", "up", ""),
    ]
    (alert,) = client.alerts()
    assert (alert.name, alert.state, alert.value) == ("TargetDown", "firing", 1.0)
    assert [(r.name, r.kind, r.health, r.state) for r in client.rules()] == [
        ("TargetDown", "alerting", "ok", "firing"),
        ("a:b", "recording", "err", None),
    ]
    assert client.series("up") == ({"__name__": "up", "job": "a"},)


@pytest.mark.parametrize(("status", "expected"), [(200, True), (503, False)], ids=["ready", "starting"])
def test_ready_is_the_status(httpserver: HTTPServer, client: PrometheusClient, *, status: int, expected: bool) -> None:
    """Ready means 200 on /-/ready, and a 503 while it starts is an answer."""
    httpserver.expect_request("/-/ready").respond_with_data("", status=status)

    assert client.ready() is expected
