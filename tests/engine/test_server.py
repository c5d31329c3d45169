from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import requests
from prometheus_client import CollectorRegistry, Counter

from engine.errors import ServeError
from engine.server import MetricsServer


class _Pulse:
    """Says what the test sets."""

    alive = True

    def __call__(self) -> bool:
        return self.alive


@pytest.fixture
def pulse() -> _Pulse:
    return _Pulse()


@pytest.fixture
def url(pulse: _Pulse) -> Iterator[str]:
    registry = CollectorRegistry()
    Counter("things", "Things.", registry=registry).inc()
    with MetricsServer("127.0.0.1", 0, registry=registry, alive=pulse) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_metrics_are_text_that_prometheus_takes(url: str) -> None:
    """/metrics has the content type of the text format and the samples."""
    answer = requests.get(f"{url}/metrics", timeout=2)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "things_total 1.0\n" in answer.text
    assert "_created" not in answer.text


def test_health_follows_the_loop(url: str, pulse: _Pulse) -> None:
    """/healthz is 200 while the loop lives and 503 when it stands."""
    assert requests.get(f"{url}/healthz", timeout=2).status_code == 200
    pulse.alive = False
    assert requests.get(f"{url}/healthz", timeout=2).status_code == 503
    assert requests.get(f"{url}/metrics", timeout=2).status_code == 200


@pytest.mark.parametrize(("path", "status"), [("/", 404), ("/metrics?x=1", 200), ("/metricsx", 404)])
def test_other_paths(url: str, path: str, status: int) -> None:
    """Only the two paths exist; a query does not matter."""
    assert requests.get(url + path, timeout=2).status_code == status


def test_head_has_no_body(url: str) -> None:
    """HEAD gives the headers alone."""
    answer = requests.head(f"{url}/metrics", timeout=2)
    assert int(answer.headers["Content-Length"]) > 0
    assert answer.content == b""


def test_a_silent_client_does_not_block_others(url: str) -> None:
    """A connection that sends nothing leaves the others served."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=2):
        assert requests.get(f"{url}/metrics", timeout=2).status_code == 200


def test_a_taken_port_is_one_sentence() -> None:
    """The address and the variables to change are named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=rf"Cannot listen on 127\.0\.0\.1:{port} .*ENGINE_METRICS_PORT"):
            MetricsServer("127.0.0.1", port, registry=CollectorRegistry(), alive=lambda: True)
