from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from acceptance.dashboards.model import Panel
from acceptance.dashboards.pictures import __main__ as pictures
from acceptance.dashboards.pictures import browser as command
from acceptance.dashboards.pictures.browser import PageCapture, photograph
from acceptance.dashboards.pictures.chromium import Browser, BrowserError, find_chromium, open_chromium
from acceptance.dashboards.pictures.live import PanelSnapshot
from tests.acceptance.dashboards.pictures.pages import LOADING, NO_DATA, page
from tests.acceptance.dashboards.pictures.samples import HEALTH, committed

GRAFANA = "http://127.0.0.1:3000"
LOGIN = ("admin", "a-made-up-password")


@pytest.fixture
def panels() -> list[Panel]:
    """Two panels of one dashboard."""
    return [committed(HEALTH, "Preflight Last Success"), committed(HEALTH, "Last Run Age")]


@pytest.fixture
def httpserver() -> Iterator[HTTPServer]:
    """A server with several threads: Chromium opens connections ahead, and one thread would wait on an idle one."""
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield server


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """A real browser."""
    with open_chromium(find_chromium()) as browser:
        yield browser


def _address(server: HTTPServer) -> str:
    return server.url_for("").rstrip("/")


def _serve(server: HTTPServer, html: str) -> None:
    """Have every dashboard answer with this page."""
    server.expect_request(re.compile("/d/.*")).respond_with_data(html, content_type="text/html; charset=utf-8")
    server.expect_request("/login").respond_with_data("<html>", content_type="text/html; charset=UTF-8")


def _shoot(chromium: Browser, url: str, panels: list[Panel], *, timeout: float = 10.0) -> PageCapture:
    return photograph(chromium, url, LOGIN, panels, timeout=timeout)


@pytest.mark.browser
def test_a_page_is_waited_for_judged_and_photographed(
    chromium: Browser, httpserver: HTTPServer, panels: list[Panel]
) -> None:
    """A page that is loading at first and good then has no fault, and its screenshot comes along."""
    titles = [panel.title for panel in panels]
    good = page(titles).replace("\n", "").replace("`", "")
    body = good[good.index("<body>") + 6 : good.index("<script>")]
    script = f"setTimeout(() => {{ document.body.innerHTML = {json.dumps(body)}; }}, 700)"
    _serve(httpserver, page(titles, {titles[0]: LOADING}, script=script))

    seen = _shoot(chromium, _address(httpserver), panels)

    assert (seen.uid, seen.faults) == (HEALTH, ())
    assert seen.screenshot.startswith(b"\x89PNG")
    asked = next(request for request, _ in httpserver.log if request.path.startswith("/d/"))
    assert asked.full_path == f"/d/{HEALTH}?kiosk&theme=light&var-env=paper"


@pytest.mark.browser
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (NO_DATA, "panel 'Last Run Age' shows no data: No data"),
        (LOADING, "panel 'Last Run Age' is still loading"),
    ],
    ids=["no-data", "never-finishes"],
)
def test_what_is_wrong_on_the_page_is_a_fault(
    content: str, said: str, chromium: Browser, httpserver: HTTPServer, panels: list[Panel]
) -> None:
    """A fault names dashboard and panel; waiting has an end, and the screenshot is kept all the same."""
    titles = [panel.title for panel in panels]
    _serve(httpserver, page(titles, {titles[1]: content}))

    seen = _shoot(chromium, _address(httpserver), panels, timeout=1.0)

    assert seen.faults == (f"dashboard {HEALTH!r}: {said}",)
    assert seen.screenshot


@pytest.mark.browser
def test_a_page_that_cannot_be_opened_is_a_fault(chromium: Browser, panels: list[Panel]) -> None:
    """A refused connection is no empty dashboard."""
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        seen = _shoot(chromium, f"http://127.0.0.1:{taken.getsockname()[1]}", panels)

    assert seen.screenshot == b""
    assert "cannot be opened" in seen.faults[0]


@pytest.mark.browser
def test_the_login_goes_to_grafana_alone(chromium: Browser, httpserver: HTTPServer, panels: list[Panel]) -> None:
    """Requests to Grafana get the login; others are refused, also where Grafana itself sends the browser there."""
    titles = [panel.title for panel in panels]
    with HTTPServer(host="127.0.0.1", threaded=True) as elsewhere:
        away = elsewhere.url_for("/stolen.png")
        httpserver.expect_request("/moved.png").respond_with_data("", status=302, headers={"Location": away})
        httpserver.expect_request("/here.png").respond_with_data("", status=302, headers={"Location": "/there.png"})
        httpserver.expect_request("/there.png").respond_with_data("", content_type="image/png")
        images = f'<img src="/moved.png"><img src="/here.png"><img src="{away}">'
        _serve(httpserver, page(titles).replace("</body>", f"{images}</body>"))

        _shoot(chromium, _address(httpserver), panels)

        assert elsewhere.log == []
    token = base64.b64encode(":".join(LOGIN).encode()).decode()
    asked = {request.path: request.headers.get("Authorization") for request, _ in httpserver.log}
    assert {"/moved.png", "/here.png", "/there.png"} <= set(asked)
    assert set(asked.values()) == {f"Basic {token}"}


@pytest.mark.browser
def test_a_browser_that_dies_is_an_error(tmp_path: Path, panels: list[Panel]) -> None:
    """One clear error, also when it ends in the middle."""
    wrapper = tmp_path / "chromium"
    wrapper.write_text(f"#!/bin/sh\necho $$ > '{tmp_path}/pid'\nexec '{find_chromium()}' \"$@\"\n", encoding="utf-8")
    wrapper.chmod(0o755)

    def use_a_killed_one() -> None:
        with open_chromium(wrapper) as browser:
            os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), signal.SIGKILL)
            photograph(browser, GRAFANA, LOGIN, panels)

    with pytest.raises(BrowserError, match="failed: "):
        use_a_killed_one()


def test_a_program_that_is_no_program_is_an_error(tmp_path: Path) -> None:
    """What cannot be started is said with its path and with what to do."""
    with pytest.raises(BrowserError, match=r"install_chromium\.sh"):
        find_chromium(tmp_path / "none")
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    with pytest.raises(BrowserError, match="cannot be started"), open_chromium(broken):
        raise AssertionError("it started")


@pytest.mark.browser
def test_the_command_photographs_all_six(
    httpserver: HTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each dashboard has a screenshot; with one page for all, the panels of the others are missing: exit 1."""
    lines: list[str] = []
    monkeypatch.setattr(command, "say", lines.append)
    _serve(httpserver, page(["Gate"]))
    login = tmp_path / "login"
    login.write_text("user=admin\npassword=a-made-up-password\n", encoding="utf-8")
    arguments = ["--grafana-url", _address(httpserver), "--grafana-login", str(login), "--timeout", "0.5"]

    assert command.main([*arguments, "--output", str(tmp_path / "shots")]) == 1

    assert len(list((tmp_path / "shots").glob("*.png"))) == 6
    assert any("dashboard 'fx_multi_source': panel 'Rates Now' is not on the page" in line for line in lines)
    assert capsys.readouterr().out == f"{tmp_path / 'shots'}\n"


def test_the_command_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a login file or a browser the command says so and is not green."""
    lines: list[str] = []
    monkeypatch.setattr(command, "say", lines.append)
    login = tmp_path / "login"
    arguments = ["--grafana-url", GRAFANA, "--grafana-login", str(login), "--chromium", str(tmp_path / "none")]
    arguments += ["--output", str(tmp_path / "shots")]

    assert command.main(arguments) == 1
    login.write_text("a-token", encoding="utf-8")
    assert command.main(arguments) == 1

    assert "cannot be read" in lines[0]
    assert "no browser" in lines[1]


@pytest.fixture
def dashboards(httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`make dashboards` against a Grafana that runs already; gives what it says. What it draws is tested elsewhere."""
    lines: list[str] = []
    monkeypatch.setattr(pictures, "_theirs", lambda _: PanelSnapshot(served=(), outcomes=()))
    monkeypatch.setattr(pictures, "PAGE_SECONDS", 0.5)
    monkeypatch.setattr(pictures, "say", lines.append)
    login = tmp_path / "login"
    login.write_text("user=admin\npassword=a-made-up-password\n", encoding="utf-8")
    arguments = ["--grafana-url", httpserver.url_for("/"), "--grafana-login", str(login), "--output", str(tmp_path)]

    def run(*more: str, code: int) -> list[str]:
        assert pictures.main([*arguments, *more]) == code
        return lines

    return run


@pytest.mark.browser
def test_a_grafana_with_pages_is_photographed_too(
    httpserver: HTTPServer, tmp_path: Path, dashboards: Callable[..., list[str]]
) -> None:
    """Each page leaves a screenshot beside the drawings, and what is wrong on it turns the command red."""
    _serve(httpserver, page(["Gate"]))

    lines = dashboards(code=1)

    assert len(list((tmp_path / "screenshots").glob("*.png"))) == 6
    assert any("dashboard 'fx_multi_source': panel 'Rates Now' is not on the page" in line for line in lines)


def test_a_grafana_with_pages_needs_a_browser(
    httpserver: HTTPServer, tmp_path: Path, dashboards: Callable[..., list[str]]
) -> None:
    """Without a browser the command is not green; whoever wants drawings only says so."""
    httpserver.expect_request("/login").respond_with_data("<html>", content_type="text/html")

    assert "no browser" in dashboards("--chromium", str(tmp_path / "none"), code=1)[0]
    dashboards("--no-screenshots", code=0)


def test_a_grafana_without_pages_is_drawn_only(httpserver: HTTPServer, dashboards: Callable[..., list[str]]) -> None:
    """A Grafana without its front end answers an error there: no browser is asked for."""
    httpserver.expect_request("/login").respond_with_data("no template", status=500)

    assert dashboards(code=0) == ["pictures: this Grafana has no web pages: drawn, and not photographed"]
