from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from acceptance.pictures import __main__ as pictures
from acceptance.pictures import browser as command
from acceptance.pictures.browser import Seen, photograph
from acceptance.pictures.devtools import BrowserError, Chromium, find_chromium
from acceptance.pictures.live import Snapshot
from acceptance.probes.panels import Panel
from tests.acceptance.pictures.pages import LOADING, NO_DATA, page
from tests.acceptance.pictures.samples import HEALTH, committed

GRAFANA = "http://127.0.0.1:3000"
LOGIN = ("admin", "a-made-up-password")
Started = Callable[..., Path]


@pytest.fixture
def panels() -> list[Panel]:
    """Two panels of one dashboard."""
    return [committed(HEALTH, "Preflight Last Success"), committed(HEALTH, "Last Run Age")]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Started:
    """A program that stands in for Chromium, with a plan."""

    def make(**plan: Any) -> Path:
        binary, script = tmp_path / "chromium", tmp_path / "plan.json"
        code = Path(__file__).with_name("fake_chromium.py")
        binary.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{code}' \"$@\"\n", encoding="utf-8")
        binary.chmod(0o755)
        script.write_text(json.dumps(plan), encoding="utf-8")
        monkeypatch.setenv("ARBITRAGE_FAKE_CHROMIUM", str(script))
        return binary

    return make


def _log(binary: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(binary.with_name("plan.log").read_text(encoding="utf-8"))
    return found


def _shoot(binary: Path, panels: list[Panel], *, timeout: float = 10.0) -> Seen:
    with Chromium(binary, timeout=10) as browser:
        return photograph(browser, GRAFANA, LOGIN, panels, timeout=timeout)


def test_a_page_is_waited_for_judged_and_photographed(fake: Started, panels: list[Panel]) -> None:
    """A page that is loading at first and good then has no fault, and its screenshot comes along."""
    titles = [panel.title for panel in panels]
    binary = fake(pages=["", page(titles, {titles[0]: LOADING}), page(titles)])

    seen = _shoot(binary, panels)

    assert seen == Seen(uid=HEALTH, faults=(), screenshot=b"\x89PNG picture")
    asked = [one["method"] for one in _log(binary)["commands"]]
    assert asked.count("Runtime.evaluate") == 3
    (url,) = (one["params"]["url"] for one in _log(binary)["commands"] if one["method"] == "Page.navigate")
    assert url == f"{GRAFANA}/d/{HEALTH}?kiosk&theme=light&var-env=paper"


def test_no_data_on_the_page_is_a_fault(fake: Started, panels: list[Panel]) -> None:
    """A fault names dashboard and panel, and the screenshot is kept all the same."""
    titles = [panel.title for panel in panels]

    seen = _shoot(fake(pages=[page(titles, {titles[1]: NO_DATA})]), panels)

    assert seen.faults == (f"dashboard {HEALTH!r}: panel 'Last Run Age' shows no data: No data",)
    assert seen.screenshot


def test_a_page_that_never_finishes_is_a_fault(fake: Started, panels: list[Panel]) -> None:
    """Waiting has an end, and what was missing then is said."""
    titles = [panel.title for panel in panels]

    seen = _shoot(fake(pages=[page(titles, {titles[0]: LOADING})]), panels, timeout=0.2)

    assert seen.faults == (f"dashboard {HEALTH!r}: panel 'Preflight Last Success' is still loading",)


def test_a_page_that_cannot_be_opened_is_a_fault(fake: Started, panels: list[Panel]) -> None:
    """A refused connection is no empty dashboard."""
    seen = _shoot(fake(pages=[""], navigate={"errorText": "net::ERR_CONNECTION_REFUSED"}), panels)

    assert seen.screenshot == b""
    assert "ERR_CONNECTION_REFUSED" in seen.faults[0]


def test_the_login_goes_to_grafana_alone(fake: Started, panels: list[Panel]) -> None:
    """Requests to Grafana get the login as a header; others are refused; no argument holds it."""
    titles = [panel.title for panel in panels]
    requests = [f"{GRAFANA}/api/x", "https://elsewhere.example/", "http://127.0.0.1:3001/", f"{GRAFANA}@evil.example/"]
    binary = fake(pages=[page(titles)], requests=requests)

    _shoot(binary, panels)

    told = {
        one["params"]["requestId"]: (one["method"], json.dumps(one["params"]))
        for one in _log(binary)["commands"]
        if one["method"].startswith("Fetch.") and "requestId" in one["params"]
    }
    token = base64.b64encode(":".join(LOGIN).encode()).decode()
    assert [told[str(number)][0] for number in range(4)] == ["Fetch.continueRequest", *["Fetch.failRequest"] * 3]
    assert f"Basic {token}" in told["0"][1]
    assert all(token not in told[str(number)][1] for number in (1, 2, 3))
    assert not any(LOGIN[1] in word or token in word for word in _log(binary)["argv"])


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"die_at": "Page.navigate"}, "ended while Page.navigate was asked"),
        ({"refuse": "Fetch.enable"}, "refused Fetch.enable: no"),
        ({"hang_at": "Page.navigate"}, "did not answer Page.navigate within 1 s"),
    ],
    ids=["dies", "refuses", "hangs"],
)
def test_a_browser_that_fails_is_an_error_and_leaves_nothing(
    plan: dict[str, str], said: str, fake: Started, panels: list[Panel]
) -> None:
    """A browser that dies, refuses or hangs is one clear error; its process and its profile are gone afterwards."""
    binary = fake(pages=[""], **plan)

    with pytest.raises(BrowserError, match=said), Chromium(binary, timeout=1) as browser:
        photograph(browser, GRAFANA, LOGIN, panels)

    log = _log(binary)
    profile = next(word.partition("=")[2] for word in log["argv"] if word.startswith("--user-data-dir="))
    assert not Path(profile).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(log["pid"], 0)


def test_a_program_that_is_no_program_is_an_error(tmp_path: Path) -> None:
    """What cannot be started is said with its path and with what to do."""
    with pytest.raises(BrowserError, match=r"install_chromium\.sh"):
        find_chromium(tmp_path / "none")
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    with pytest.raises(BrowserError, match="cannot be started"), Chromium(broken):
        raise AssertionError("it started")


def test_the_command_photographs_all_six(
    fake: Started, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each dashboard has a screenshot; with one page for all, the panels of the others are missing: exit 1."""
    lines: list[str] = []
    monkeypatch.setattr(command, "say", lines.append)
    login = tmp_path / "login"
    login.write_text("user=admin\npassword=a-made-up-password\n", encoding="utf-8")
    arguments = ["--grafana-url", GRAFANA, "--grafana-login", str(login), "--timeout", "0.1"]
    arguments += ["--chromium", str(fake(pages=[page(["Gate"])])), "--output", str(tmp_path / "shots")]

    assert command.main(arguments) == 1

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
    monkeypatch.setattr(pictures, "_theirs", lambda _: Snapshot(served=(), outcomes=()))
    monkeypatch.setattr(pictures, "PAGE_SECONDS", 0.1)
    monkeypatch.setattr(pictures, "say", lines.append)
    login = tmp_path / "login"
    login.write_text("user=admin\npassword=a-made-up-password\n", encoding="utf-8")
    arguments = ["--grafana-url", httpserver.url_for("/"), "--grafana-login", str(login), "--output", str(tmp_path)]

    def run(*more: str, code: int) -> list[str]:
        assert pictures.main([*arguments, *more]) == code
        return lines

    return run


def test_a_grafana_with_pages_is_photographed_too(
    fake: Started, httpserver: HTTPServer, tmp_path: Path, dashboards: Callable[..., list[str]]
) -> None:
    """Each page leaves a screenshot beside the drawings, and what is wrong on it turns the command red."""
    httpserver.expect_request("/login").respond_with_data("<html>", content_type="text/html; charset=UTF-8")

    lines = dashboards("--chromium", str(fake(pages=[page(["Gate"])])), code=1)

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
    """The Grafana that is built without its front end answers an error there: no browser is asked for."""
    httpserver.expect_request("/login").respond_with_data("no template", status=500)

    assert dashboards(code=0) == ["pictures: this Grafana has no web pages: drawn, and not photographed"]
