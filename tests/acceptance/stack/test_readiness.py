from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_httpserver import HTTPServer

from acceptance.stack import readiness
from acceptance.stack.ports import HOST, Ports
from acceptance.stack.readiness import Question, ask


def question(kind: str, **settings: object) -> Question:
    """A question without its words."""
    return Question(kind=kind, asked="it", settings=settings)


@contextmanager
def talker(*replies: bytes) -> Iterator[int]:
    """A server that gives these replies, one per message, to one client."""
    with socket.create_server((HOST, 0)) as listener:

        def talk() -> None:
            connection, _ = listener.accept()
            with connection:
                for reply in replies:
                    connection.recv(4096)
                    connection.sendall(reply)

        thread = threading.Thread(target=talk)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join(timeout=5)


@pytest.mark.parametrize(
    ("replies", "done", "said"),
    [
        ((b"+OK\r\n", b"+PONG\r\n"), True, "+PONG"),
        ((b"-WRONGPASS no\r\n",), False, "AUTH answered '-WRONGPASS no'"),
        ((b"+OK\r\n", b"-LOADING dataset\r\n"), False, "PING answered '-LOADING dataset'"),
    ],
    ids=["ready", "wrong password", "loading"],
)
def test_redis_is_ready_when_it_answers_pong_after_auth(replies: tuple[bytes, ...], done: bool, said: str) -> None:
    """Only PONG after an accepted password is ready; a server that is loading is not."""
    with talker(*replies) as port:
        answer = ask(question("redis", port=port, password="hunter2"))
    assert answer.done is done
    assert said in answer.said
    assert "hunter2" not in answer.said


@pytest.mark.parametrize(
    ("status", "body", "done", "said"),
    [
        (200, "up 1\n", True, "200"),
        (200, "down 1\n", False, "200, without 'up 1'"),
        (503, "starting", False, "503 'starting'"),
    ],
    ids=["ready", "incomplete", "starting"],
)
def test_a_page_is_ready_with_200_and_every_wanted_text(
    httpserver: HTTPServer, status: int, body: str, done: bool, said: str
) -> None:
    """The status alone is not enough: what makes the server useful must be on the page."""
    httpserver.expect_request("/metrics").respond_with_data(body, status=status)
    answer = ask(question("http", port=httpserver.port, path="/metrics", contains=["up 1"]))
    assert (answer.done, answer.said) == (done, said)


@pytest.mark.parametrize(
    ("health", "sources", "dashboards", "said"),
    [
        ({"database": "ok"}, [{"url": "http://p"}], [{"uid": "a"}, {"uid": "b"}], ""),
        ({"database": "failing"}, [], [], "/api/health"),
        ({"database": "ok"}, [{"url": "$PROMETHEUS_URL"}], [], "no http://p among"),
        ({"database": "ok"}, [{"url": "http://p"}], [{"uid": "a"}], "dashboards not loaded: b"),
    ],
    ids=["ready", "database", "datasource", "dashboard"],
)
def test_grafana_is_ready_with_database_datasource_and_dashboards(
    httpserver: HTTPServer,
    health: dict[str, str],
    sources: list[dict[str, str]],
    dashboards: list[dict[str, str]],
    said: str,
) -> None:
    """``/api/health`` says nothing about provisioning: each part is asked, and what is missing is named."""
    httpserver.expect_request("/api/health").respond_with_json(health)
    httpserver.expect_request("/api/datasources").respond_with_data(json.dumps(sources))
    httpserver.expect_request("/api/search").respond_with_data(json.dumps(dashboards))
    asked = question(
        "grafana",
        port=httpserver.port,
        user="admin",
        password="x",
        datasource_url="http://p",
        dashboards=["a", "b"],
    )
    answer = ask(asked)
    assert answer.done is (said == "")
    assert said in answer.said


@pytest.mark.parametrize("kind", sorted(readiness.PROBES))
def test_a_server_that_is_not_there_is_an_answer_too(kind: str) -> None:
    """A refused connection is 'not yet' with its reason, for every kind of server, and shows no password."""
    with Ports.free(("a",)) as ports:
        answer = ask(
            question(
                kind,
                port=ports["a"],
                path="/",
                password="hunter2",
                user="u",
                database="d",
                datasource_url="",
                dashboards=[],
            )
        )
    assert not answer.done
    assert "refused" in answer.said
    assert "hunter2" not in answer.said


def test_a_server_that_is_silent_does_not_hold_the_asker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A paused server costs one patience, not the whole wait."""
    monkeypatch.setattr(readiness, "PATIENCE", 0.1)
    with socket.create_server((HOST, 0)) as listener:
        answer = ask(question("http", port=listener.getsockname()[1], path="/"))
    assert not answer.done
    assert "TimeoutError" in answer.said
