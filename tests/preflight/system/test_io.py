from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from preflight.system.io import fetch_text, run_command


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """A web server of this test's own."""
    with HTTPServer(host="127.0.0.1") as running:
        yield running


def test_fetches_a_page_past_every_proxy(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page comes from the address itself, whatever proxy the environment names."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.expect_request("/metrics").respond_with_data("up 1\n")
    assert fetch_text(server.url_for("/metrics"), 2.0) == "up 1\n"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        pytest.param(Response("no", status=503), "503", id="an error"),
        pytest.param(Response("", status=302, headers={"Location": "/elsewhere"}), "302", id="a redirect"),
        pytest.param(Response("x" * (4 * 1024 * 1024 + 1)), "longer than", id="no end"),
    ],
)
def test_other_answers_are_none(answer: Response, text: str, server: HTTPServer) -> None:
    """Only 200 with a page of a sensible size is an answer; a redirect is not followed."""
    server.expect_request("/elsewhere").respond_with_data("up 1\n")
    server.expect_request("/metrics").respond_with_response(answer)
    with pytest.raises(OSError, match=text):
        fetch_text(server.url_for("/metrics"), 2.0)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://engine.invalid/", "ftp://127.0.0.1/", "http://[/"])
def test_no_answer_is_an_os_error(url: str) -> None:
    """Whatever is wrong with an address, a caller has one exception to catch."""
    with pytest.raises(OSError, match=r"."):
        fetch_text(url, 0.5)


def test_runs_a_program_in_a_clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the caller's variables only PATH and HOME are handed on."""
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    code = "import os, sys; print(sorted(os.environ), os.getcwd()); sys.stderr.write('no'); sys.exit(7)"
    done = run_command((sys.executable, "-I", "-c", code), tmp_path, {"A": "1"}, 10.0)
    names = sorted({"A", "LC_CTYPE", *({"HOME", "PATH"} & set(os.environ))})
    assert (done.code, done.stdout, done.stderr) == (7, f"{names} {tmp_path}\n", "no")


def test_bytes_that_are_no_text_are_kept(tmp_path: Path) -> None:
    """A file name in another encoding does not end the check."""
    code = "import sys; sys.stdout.buffer.write(b'\\xff')"
    assert run_command((sys.executable, "-I", "-c", code), tmp_path, {}, 10.0).stdout == "\udcff"


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    """A program that does not end in time is killed and said to be late."""
    with pytest.raises(TimeoutError, match=r"did not end within 0\.2 s"):
        run_command((sys.executable, "-I", "-c", "import signal; signal.pause()"), tmp_path, {}, 0.2)


def test_no_program(tmp_path: Path) -> None:
    """A program that is not there is an OSError that names it."""
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        run_command(("no-such-program",), tmp_path, {}, 1.0)
