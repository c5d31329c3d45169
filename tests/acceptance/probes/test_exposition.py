from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer

from acceptance.probes.errors import AnswerFormatError, HttpStatusError
from acceptance.probes.exposition import parse
from acceptance.probes.node_exporter import NodeExporterClient

PAGE = """# HELP arbitrage_preflight_runs_total Recorded runs.
# TYPE arbitrage_preflight_runs_total counter
arbitrage_preflight_runs_total{env="paper"} 3
# HELP arbitrage_preflight_duration_seconds Wall time of a run.
# TYPE arbitrage_preflight_duration_seconds histogram
arbitrage_preflight_duration_seconds_bucket{env="paper",le="0.5"} 2
arbitrage_preflight_duration_seconds_bucket{env="paper",le="+Inf"} 3
arbitrage_preflight_duration_seconds_sum{env="paper"} 1.25
arbitrage_preflight_duration_seconds_count{env="paper"} 3
"""


def test_page_is_read_with_histograms(httpserver: HTTPServer) -> None:
    """Counters keep their _total name and histograms come back line by line, with their types."""
    httpserver.expect_request("/metrics").respond_with_data(PAGE, content_type="text/plain; version=0.0.4")

    with NodeExporterClient(httpserver.url_for("/")) as exporter:
        page = exporter.samples()

    assert page.value("arbitrage_preflight_runs_total", env="paper") == 3.0
    assert page.value("arbitrage_preflight_duration_seconds_bucket", le="+Inf") == 3.0
    assert page.value("arbitrage_preflight_runs_total", env="live") is None
    assert page.types["arbitrage_preflight_duration_seconds"] == "histogram"


def test_several_fits_are_an_error() -> None:
    """Asking for one value where two fit is refused instead of one being picked."""
    with pytest.raises(AnswerFormatError, match="2 samples fit"):
        parse(PAGE, origin="x").value("arbitrage_preflight_duration_seconds_bucket")


def test_html_instead_of_metrics_names_the_origin(httpserver: HTTPServer) -> None:
    """A page that is not in the text format raises with its origin and first words."""
    httpserver.expect_request("/metrics").respond_with_data("<html>\n<h1>hello</h1> {x")

    with (
        NodeExporterClient(httpserver.url_for("/"), service="the engine") as exporter,
        pytest.raises(AnswerFormatError, match=r"the engine's /metrics is not in Prometheus' text"),
    ):
        exporter.samples()


def test_error_status_is_raised(httpserver: HTTPServer) -> None:
    """A scrape that would fail for Prometheus fails here with its status."""
    httpserver.expect_request("/metrics").respond_with_data("boom", status=500)

    with NodeExporterClient(httpserver.url_for("/")) as exporter, pytest.raises(HttpStatusError, match="500"):
        exporter.text()
