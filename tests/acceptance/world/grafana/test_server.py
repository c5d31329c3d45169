from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from acceptance.world.grafana.seam import PageRequest, PageResponse
from acceptance.world.grafana.server import BIGGEST_BODY, Server
from tests.acceptance.world.grafana.running import ADMIN, Running, a_page, standin


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    with standin(folder, "") as site:
        yield site


def address(running: Running) -> tuple[str, int]:
    parts = urlsplit(running.url)
    return str(parts.hostname), int(parts.port or 0)


def spoken(running: Running, text: bytes) -> bytes:
    """Say something and give what is answered until the server closes."""
    with socket.create_connection(address(running), timeout=10) as connection:
        connection.sendall(text)
        pieces = []
        while piece := connection.recv(65536):
            pieces.append(piece)
        return b"".join(pieces)


def status_of(answer: bytes) -> str:
    return answer.split(b" ", 2)[1].decode()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"Content-Length: {BIGGEST_BODY + 1}", "413"),
        ("Content-Length: 99999999999999999999", "413"),
        ("Content-Length: -1", "400"),
        ("Content-Length: \u00b2", "400"),
        ("Transfer-Encoding: chunked", "411"),
    ],
)
def test_a_body_of_no_known_or_too_great_length_is_refused(head: str, status: str, running: Running) -> None:
    """Before it is read; the connection ends, since what follows is no request."""
    said = f"POST /api/ds/query HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\nrest".encode("latin-1")
    assert status_of(spoken(running, said)) == status


def test_what_is_no_http_is_refused_and_the_server_lives(running: Running) -> None:
    """Garbage, a path without end, too many headers, a body that stops."""
    headers = b"".join(b"X-%d: y\r\n" % number for number in range(200))
    assert status_of(spoken(running, b"GET / HTTP/1.1\r\n" + headers + b"\r\n")) == "431"
    assert status_of(spoken(running, b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n")) == "414"
    assert b"400" in spoken(running, b"\x16\x03\x01 what is this\r\n\r\n")
    assert running.get("/api/health").status_code == 200


def test_a_connection_serves_several_requests(running: Running) -> None:
    """Keep-alive, HEAD without a body, and no store anywhere."""
    connection = http.client.HTTPConnection(*address(running), timeout=10)
    try:
        for method, size in (("GET", 10), ("HEAD", 0), ("GET", 10)):
            connection.request(method, "/api/health")
            answer = connection.getresponse()
            body = answer.read()
            assert (answer.status, len(body) >= size, answer.headers["Cache-Control"]) == (200, True, "no-store")
            assert (method == "HEAD") == (body == b"")
            assert connection.sock is not None
    finally:
        connection.close()


def test_a_mistake_of_ours_is_a_500_and_no_more(folder: Path) -> None:
    """Whatever a page raises: JSON, a line in the log without what the request held, and the next request is served."""

    def broken(request: PageRequest) -> PageResponse:
        raise KeyError(request.params["secret"][0])

    with standin(folder, "", pages=broken) as running:
        answer = running.get("/d/a?secret=hush-hush")
        assert (answer.status_code, answer.json()) == (500, {"message": "Internal server error", "traceID": ""})
        assert running.get("/api/search").status_code == 200
        log = running.log.getvalue()
    assert "level=error" in log
    assert "error=KeyError" in log
    assert "hush-hush" not in log


def test_a_page_is_handed_the_site_and_its_answer_sent(folder: Path, prometheus: str) -> None:
    """Dashboards as served, queries as the API answers them, refusals too, and the scrape interval."""

    def page(request: PageRequest) -> PageResponse:
        source = {"uid": "arbitrage-prometheus"}
        site = request.site
        body = {
            "uids": [one["dashboard"]["uid"] for one in site.dashboards()],
            "interval": site.scrape_interval(),
            "query": site.query([{"refId": "A", "datasource": source, "expr": "vector(7)", "instant": True}], 0, 1000),
            "refused": site.query([], 0, 1000),
        }
        return PageResponse(
            status=418, content_type="text/plain", body=json.dumps(body).encode(), headers={"X-Own": "yes"}
        )

    with standin(folder, prometheus, pages=page) as running:
        answer = running.get("/d/a")
    told = answer.json()
    assert (answer.status_code, answer.headers["X-Own"], answer.headers["Content-Type"]) == (418, "yes", "text/plain")
    assert (told["uids"], told["interval"], told["refused"]["message"]) == (["a", "b"], 1.0, "No queries found")
    assert told["query"]["results"]["A"]["frames"][0]["data"]["values"] == [[1000], [7]]


def test_pages_without_a_login(folder: Path) -> None:
    """The login page and what lies below /public are handed over; nothing else is, and nothing but GET."""
    with standin(folder, "", pages=a_page) as running:
        for path in ("/login", "/public/style.css"):
            assert requests.get(f"{running.url}{path}", timeout=10).text == f"{path} [] False"
        assert requests.get(f"{running.url}/publicity", timeout=10, allow_redirects=False).status_code == 302
        assert requests.post(f"{running.url}/d/a", auth=ADMIN, timeout=10).status_code == 404


def test_too_many_connections_are_told_so(folder: Path) -> None:
    """Beyond the bound the answer is 503 at once; when one ends, there is room again."""
    with standin(folder, "", connections=2) as running:
        held = [socket.create_connection(address(running), timeout=10) for _ in range(2)]
        try:
            for one in held:
                one.sendall(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n")
                assert one.recv(15) == b"HTTP/1.1 200 OK"
            assert status_of(spoken(running, b"")) == "503"
        finally:
            for one in held:
                one.close()
        deadline = time.monotonic() + 5
        with requests.Session() as session:
            while session.get(f"{running.url}/api/health", timeout=10).status_code == 503:
                assert time.monotonic() < deadline


def test_a_request_in_drops_meets_the_deadline(folder: Path) -> None:
    """Whoever sends a header a second holds a thread no longer than a request may take."""
    with standin(folder, "", request_seconds=0.4) as running:
        begun = time.monotonic()
        with socket.create_connection(address(running), timeout=10) as connection:
            connection.sendall(b"POST /api/ds/query HTTP/1.1\r\nContent-Length: 50\r\n\r\n")
            over = threading.Event()

            def drip() -> None:
                while not over.wait(0.1):
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        return

            dripping = threading.Thread(target=drip)
            dripping.start()
            try:
                assert b"HTTP/1.1 2" not in connection.recv(100)
            finally:
                over.set()
                dripping.join(5)
        assert time.monotonic() - begun < 3
        assert running.get("/api/health").status_code == 200


def test_a_server_on_the_other_loopback(folder: Path) -> None:
    """An IPv6 address is one too; an address that is taken is an OSError."""
    with standin(folder, "") as running:
        with pytest.raises(OSError, match="in use"):
            Server("127.0.0.1", address(running)[1], lambda _: pytest.fail("asked"))
        server = Server("::1", 0, lambda _: pytest.fail("asked"))
        server.start()
        assert server.port > 0
        server.close()
