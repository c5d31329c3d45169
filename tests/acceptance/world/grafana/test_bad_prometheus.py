from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from acceptance.probes.grafana import GrafanaClient
from tests.acceptance.world.grafana.provisioning_files import SOURCE
from tests.acceptance.world.grafana.running import ADMIN, Running, standin

NAMED = f"datasource Prometheus ({SOURCE}) at "


def with_timeout(folder: Path, seconds: str) -> Path:
    """Give its datasource a deadline of its own."""
    source = folder / "datasources" / "prometheus.yml"
    source.write_text(source.read_text(encoding="utf-8") + f"      timeout: {seconds}\n", encoding="utf-8")
    return folder


def error_of(running: Running) -> str:
    """Ask one target; it fails, with the shape of a failed target, and the server lives on."""
    answer = running.query("up")
    result = answer.json()["results"]["A"]
    assert (answer.status_code, result["status"]) == (400, 500)
    assert result["frames"][0]["data"] == {"values": []}
    assert running.get("/api/health").status_code == 200
    health = running.get(f"/api/datasources/uid/{SOURCE}/health")
    assert (health.status_code, health.json()["status"]) == (400, "ERROR")
    return str(result["error"])


def test_one_that_is_away_is_named(folder: Path) -> None:
    """Refused connections, and a name that nobody knows."""
    with standin(folder, "http://user:pass-word@127.0.0.1:9/prom") as running:
        told = error_of(running)
        assert told == f"{NAMED}http://127.0.0.1:9 cannot be reached: [Errno 111] Connection refused"
    with standin(folder, "ftp://127.0.0.1:9") as running:
        assert "its url is 'ftp://127.0.0.1:9', not http://HOST:PORT" in error_of(running)


@contextmanager
def raw_server(*pieces: bytes, pause: float) -> Iterator[str]:
    """A server that answers everything with these pieces, waiting before each."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)

        def answer(connection: socket.socket) -> None:
            with connection:
                connection.recv(65536)
                connection.settimeout(5)
                for piece in pieces:
                    over.wait(pause)
                    try:
                        connection.sendall(piece)
                    except OSError:
                        return
                with suppress(OSError):  # closing with something unread would be a reset, not an end
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        continue

        def accept() -> None:
            while not over.is_set():
                try:
                    connection = listening.accept()[0]
                except TimeoutError:
                    continue
                threads.append(threading.Thread(target=answer, args=(connection,)))
                threads[-1].start()

        threads = [threading.Thread(target=accept)]
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            for thread in threads:
                thread.join(5)


def test_a_slow_one_meets_the_deadline(folder: Path) -> None:
    """One that is silent, and one that answers in drops, which no timeout of a single wait would end."""
    with_timeout(folder, "0.3")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    for pieces, pause in (((b"",), 3.0), ((head, *(b" " for _ in range(100))), 0.05)):
        with raw_server(*pieces, pause=pause) as url, standin(folder, url) as running:
            assert error_of(running) == f"{NAMED}{url} gave no answer within 0.3 s"


def test_a_deadline_is_that_of_the_whole_request(folder: Path) -> None:
    """More targets than are asked at once, each of two questions: all have failed when the time is over."""
    with_timeout(folder, "0.5")
    target = {"datasource": {"uid": SOURCE}, "expr": "up", "instant": True, "range": True}
    targets = [{**target, "refId": f"r{number}"} for number in range(50)]
    with raw_server(b"", pause=5.0) as url, standin(folder, url) as running:
        begun = time.monotonic()
        with GrafanaClient(running.url, auth=ADMIN) as grafana:
            errors = grafana.query(targets, 0, 60).errors
        took = time.monotonic() - begun
    assert set(errors.values()) == {f"{NAMED}{url} gave no answer within 0.5 s"}
    assert len(errors) == 50
    assert took < 1.5


def test_an_answer_that_is_cut_off_is_none(folder: Path) -> None:
    """Fewer bytes than announced are not taken for an answer."""
    cut = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status": "success"}'
    with raw_server(cut, pause=0) as url, standin(folder, url) as running:
        assert error_of(running) == f"{NAMED}{url} cannot be reached: its answer was cut off"


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ("<html>proxy</html>", 200, "answered HTTP 200 with something that is not JSON (text/html)"),
        ("<html>bad gateway</html>", 502, "answered HTTP 502 with something that is not JSON (text/html)"),
        ("{}", 200, "answered HTTP 200 with JSON that is no answer of Prometheus"),
        ("[]", 404, "answered HTTP 404 with JSON that is no answer of Prometheus"),
    ],
)
def test_one_that_is_no_prometheus_is_named(
    body: str, status: int, told: str, folder: Path, httpserver: HTTPServer
) -> None:
    """HTML of a proxy or a login page, and JSON of something else."""
    httpserver.expect_request("/api/v1/query").respond_with_data(body, status=status, content_type="text/html")
    with standin(folder, httpserver.url_for("")) as running:
        assert error_of(running) == f"{NAMED}{httpserver.url_for('').rstrip('/')} {told}"


@pytest.mark.parametrize(
    "data",
    [
        '{"resultType": "vector", "result": 7}',
        '{"resultType": "vector", "result": [{"metric": {}, "value": [1, "x"]}]}',
        '{"resultType": "vector", "result": [{"metric": 7, "value": [1, "2"]}]}',
        '{"resultType": "new", "result": []}',
        "{}",
    ],
)
def test_data_of_another_form_is_an_error(data: str, folder: Path, httpserver: HTTPServer) -> None:
    """An answer whose data cannot be read is an error that names the datasource, not an empty frame."""
    body = f'{{"status": "success", "data": {data}}}'
    httpserver.expect_request("/api/v1/query").respond_with_data(body, content_type="application/json")
    with standin(folder, httpserver.url_for("")) as running:
        error = running.query("up").json()["results"]["A"]["error"]
    assert error.startswith(f"datasource Prometheus ({SOURCE}) answered with data that cannot be read: ")


def test_a_prometheus_that_comes_back_is_asked_again(folder: Path) -> None:
    """A connection that was kept and has been closed meanwhile is no error: a new one is made."""
    vector = b'{"status":"success","data":{"resultType":"vector","result":[]}}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(vector), vector)
    with raw_server(answer, pause=0) as url, standin(folder, url) as running:  # closes after each answer, unannounced
        assert [running.query("up").status_code for _ in range(3)] == [200, 200, 200]


def test_each_target_has_an_answer_of_its_own(folder: Path, prometheus: str) -> None:
    """Of several targets the failing one does not take the others along, whichever datasource they name."""
    source = folder / "datasources" / "prometheus.yml"
    other = "  - {name: Away, uid: away, type: prometheus, url: 'http://127.0.0.1:9'}\n"
    foreign = "  - {name: Logs, uid: logs, type: loki, url: 'http://127.0.0.1:9'}\n"
    source.write_text(source.read_text(encoding="utf-8") + other + foreign, encoding="utf-8")
    targets = [
        {
            "refId": uid,
            "datasource": {"uid": uid},
            "expr": "vector(1)",
            "instant": True,
            "range": False,
            "interval": own,
        }
        for uid, own in ((SOURCE, ""), ("away", ""), ("logs", ""))
    ]
    targets.append({**targets[0], "refId": "odd", "interval": "soon"})
    with standin(folder, prometheus) as running, GrafanaClient(running.url, auth=ADMIN) as grafana:
        result = grafana.query(targets, 1795713681, 1795713801)
    assert [series.values for series in result.of(SOURCE)] == [(1.0,)]
    assert result.errors == {
        "away": "datasource Away (away) at http://127.0.0.1:9 cannot be reached: [Errno 111] Connection refused",
        "logs": "datasource Logs (logs) is of type loki: this stand-in asks Prometheus only",
        "odd": f"datasource Prometheus ({SOURCE}) interval: 'soon' is no length of time, such as 15s",
    }
