from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from acceptance.probes.errors import HttpStatusError, NoAnswerError, ProbeError, UnreachableError
from acceptance.probes.grafana import GrafanaClient
from acceptance.probes.transport import BODY_HEAD, HttpProbe, without_userinfo

PASSWORD = "hunter2-very-long-generated"


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Lets a handler that hangs on purpose go on when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_refused_connection_names_service_and_address(closed_port: int) -> None:
    """Nobody listening gives one sentence with service, address, reason and what was asked."""
    probe = HttpProbe(f"http://127.0.0.1:{closed_port}", service="Prometheus")

    with pytest.raises(UnreachableError, match=rf"Prometheus cannot be reached at .*:{closed_port}") as caught:
        probe.get_json("/api/v1/query", params={"query": "up"})
    probe.close()

    assert "refused" in str(caught.value)
    assert f"GET http://127.0.0.1:{closed_port}/api/v1/query?query=up" in str(caught.value)


def test_silence_names_the_timeout(httpserver: HTTPServer, release: threading.Event) -> None:
    """A server that accepts and says nothing is told apart from one that is not there."""

    def hang(_: Request) -> Response:
        release.wait(10)
        return Response("late")

    httpserver.expect_request("/slow").respond_with_handler(hang)
    probe = HttpProbe(httpserver.url_for("/"), service="Grafana", timeout=0.1)

    with pytest.raises(NoAnswerError, match=r"Grafana gave no answer within 0\.1 s to GET .*/slow"):
        probe.get_json("/slow")
    probe.close()


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "the login was refused"), (403, "may not do that"), (404, "no such thing"), (500, "HTTP 500 to")],
)
def test_bad_status_says_status_hint_and_body(httpserver: HTTPServer, status: int, hint: str) -> None:
    """An error status carries what was asked, what it means, and the first words of the answer."""
    httpserver.expect_request("/x").respond_with_data("one\ntwo " + "z" * 1000, status=status)
    probe = HttpProbe(httpserver.url_for("/"), service="Grafana")

    with pytest.raises(HttpStatusError, match=hint) as caught:
        probe.get_json("/x")
    probe.close()

    assert caught.value.status == status
    assert caught.value.body_head is not None
    assert caught.value.body_head.startswith("one two zzz")
    assert len(caught.value.body_head) <= BODY_HEAD + 3


def test_no_message_repeats_a_secret(httpserver: HTTPServer, closed_port: int) -> None:
    """A password, in the login, in the address or echoed by the server, is in no message of any error."""
    httpserver.expect_request("/api/org").respond_with_data(f"wrong password {PASSWORD}", status=401)
    httpserver.expect_request("/api/datasources").respond_with_data(f"<p>{PASSWORD}</p>")
    echoing = HttpProbe(httpserver.url_for("/"), service="Grafana", auth=("admin", PASSWORD))
    nowhere = HttpProbe(f"http://admin:{PASSWORD}@127.0.0.1:{closed_port}", service="Grafana")
    messages = []

    for probe, path in ((echoing, "/api/org"), (echoing, "/api/datasources"), (nowhere, "/api/org")):
        with pytest.raises(ProbeError) as caught:
            probe.get_json(path, params={"token": PASSWORD})
        messages += [str(caught.value), caught.value.asked, str(caught.value.body_head)]
        probe.close()

    assert not [message for message in messages if PASSWORD in message or "admin" in message]
    assert any("[redacted]" in message for message in messages)


def test_token_is_sent_and_never_shown(httpserver: HTTPServer) -> None:
    """A service-account token goes into the header and stays out of messages."""
    httpserver.expect_request("/api/search", headers={"Authorization": "Bearer glsa_secret"}).respond_with_data(
        "no rights for glsa_secret", status=403
    )

    with (
        GrafanaClient(httpserver.url_for("/"), token="glsa_secret") as grafana,
        pytest.raises(HttpStatusError) as caught,
    ):
        grafana.search()

    assert "glsa_secret" not in str(caught.value)
    assert "no rights for [redacted]" in str(caught.value)


def test_userinfo_is_cut_from_an_address() -> None:
    """User and password leave the address, host and port stay."""
    assert without_userinfo("http://u:p@h:1/x?y=1") == "http://h:1/x?y=1"
