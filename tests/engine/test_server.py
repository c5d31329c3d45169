from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
import requests
from prometheus_client import CollectorRegistry, Counter

from engine import server
from engine.errors import ServeError
from engine.server import MOST, MetricsServer


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
    with MetricsServer("127.0.0.1", 0, registry=registry, alive=pulse) as running:
        yield f"http://127.0.0.1:{running.port}"


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


def test_q9_slow_connections_are_bounded(url: str) -> None:
    """The attack: hundreds of connections that trickle. Threads stay few, and a scrape is answered all the while."""
    host, port = url.removeprefix("http://").split(":")
    before, held = threading.active_count(), []
    try:
        for number in range(281):
            one = socket.create_connection((host, int(port)), timeout=2)
            with suppress(OSError):  # ended already
                one.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
            held.append(one)
            if number % 70 == 69:
                assert requests.get(f"{url}/metrics", timeout=2).status_code == 200
                assert threading.active_count() - before <= 2 * MOST
    finally:
        for one in held:
            one.close()


def test_q9_threads_of_others_cost_no_scrape(url: str) -> None:
    """A program with many threads of its own is scraped like any other, also while connections trickle."""
    host, port = url.removeprefix("http://").split(":")
    over = threading.Event()
    others = [threading.Thread(target=over.wait) for _ in range(3 * MOST)]
    with ExitStack() as held:
        held.callback(over.set)
        for other in others:
            other.start()
        for _ in range(MOST):
            held.enter_context(socket.create_connection((host, int(port)), timeout=2))
        assert requests.get(f"{url}/metrics", timeout=2).status_code == 200
    for other in others:
        other.join()


def test_q9_one_deadline_for_a_whole_request(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends a byte again and again is ended all the same."""
    seconds = 1.0  # the server's own would only take longer
    monkeypatch.setattr(server, "SECONDS", seconds)
    host, port = url.removeprefix("http://").split(":")
    begun = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=0.1) as slow:
        slow.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        ended = False
        while not ended and time.monotonic() - begun < 3 * seconds:
            try:
                slow.sendall(b"x")
                ended = slow.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
    assert ended
    assert time.monotonic() - begun < 2 * seconds


def test_a_taken_port_is_one_sentence() -> None:
    """The address and the variables to change are named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=rf"Cannot listen on 127\.0\.0\.1:{port} .*ENGINE_METRICS_PORT"):
            MetricsServer("127.0.0.1", port, registry=CollectorRegistry(), alive=lambda: True)
