"""`python -m acceptance.dashboards.pictures.browser`: opens each dashboard of a Grafana that has web pages, and looks.

`make dashboards ARGS="--grafana-url ..."` does so too. It fails on "No data" or a panel's own words for it, an error
badge, or a panel that is missing or never finishes, and saves a screenshot of each dashboard. The browser may talk to
Grafana alone: every other request is refused, and the login goes to no one else.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import requests
from playwright.sync_api import Browser, Route, ViewportSize
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from acceptance.dashboards.lint.dashboards import load_folder
from acceptance.dashboards.model import Panel, list_panels
from acceptance.dashboards.pictures.chromium import BrowserError, find_chromium, first_line, open_chromium
from acceptance.dashboards.pictures.live import DASHBOARDS, ENV
from acceptance.dashboards.pictures.pages import judge_page, still_loading
from acceptance.proof.expectations import load_expectations
from acceptance.stack.choice.choose import read_login, say
from acceptance.stack.interface import StackError

__all__ = ["PAGE_SECONDS", "PageCapture", "main", "photograph", "serves_pages", "take_screenshots"]

_ROOT = Path(__file__).parents[3]
_WIDTH = 1440
_LINE = 38  # pixels of one line of Grafana's grid, its gap included
_POLL_MILLISECONDS = 250.0
_MOST_REDIRECTS = 5
_ANSWER_SECONDS = 20.0  # one request to Grafana may take that long
_PICTURES_THERE = "[...document.images].every((image) => image.complete)"
PAGE_SECONDS = 30.0  # one dashboard's page may take that long


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCapture:
    """What one dashboard's page showed."""

    uid: str
    faults: tuple[str, ...]
    screenshot: bytes = b""  # PNG; empty where the page could not be opened


def photograph(
    browser: Browser,
    grafana: str,
    login: tuple[str, str],
    panels: Sequence[Panel],
    *,
    env: str = ENV,
    timeout: float = PAGE_SECONDS,
    excused: Mapping[str, str] | None = None,
) -> PageCapture:
    """Open one dashboard in kiosk mode, wait for its panels, judge what they show.

    Args:
        browser: Running.
        grafana: Address of Grafana, without a slash at its end.
        login: User and password, or `api_key` and a token.
        panels: All panels of one dashboard, at least one.
        env: Value of the variable `env`.
        timeout: Seconds that the page may take once Grafana has answered.
        excused: Panel title -> reason why it may be empty.

    Raises:
        PlaywrightError: The browser failed; a page that is wrong is no exception but a fault.
    """
    uid, titles = panels[0].dashboard, [panel.title for panel in panels]
    url = f"{grafana}/d/{quote(uid)}?kiosk&theme=light&var-env={quote(env)}"
    # Panels outside the window are never drawn: the window is as high as the dashboard.
    size = ViewportSize(width=_WIDTH, height=_height(panels))
    context = browser.new_context(viewport=size, service_workers="block", color_scheme="light")
    try:
        context.route("**/*", _only_grafana(grafana, login))
        context.route_web_socket("**/*", lambda socket: socket.close())  # nothing on the page needs one
        page = context.new_page()
        try:
            page.goto(url, wait_until="commit", timeout=1000 * _ANSWER_SECONDS)
        except PlaywrightError as error:
            if "net::" not in error.message and not isinstance(error, PlaywrightTimeoutError):
                raise
            return PageCapture(uid=uid, faults=(f"dashboard {uid!r}: {url} cannot be opened: {first_line(error)}",))
        deadline = time.monotonic() + timeout
        while still_loading(html := page.content(), titles) or not page.evaluate(_PICTURES_THERE):
            if time.monotonic() >= deadline:
                break
            page.wait_for_timeout(_POLL_MILLISECONDS)
        nothing = {panel.title: panel.words_for_nothing for panel in panels}
        faults = list(judge_page(html, titles, nothing=nothing, excused=excused))
        if not page.evaluate(_PICTURES_THERE):
            faults.append("a picture of the page never finished")
        shot = page.screenshot()
    finally:
        context.close()
    return PageCapture(uid=uid, faults=tuple(f"dashboard {uid!r}: {fault}" for fault in faults), screenshot=shot)


def serves_pages(grafana: str, *, timeout: float = 10.0) -> bool:
    """Say whether this Grafana has web pages; one that is built without its front end answers an error.

    Raises:
        requests.RequestException: It cannot be reached.
    """
    answer = requests.get(f"{grafana}/login", timeout=timeout)
    return answer.status_code == HTTPStatus.OK and "text/html" in answer.headers.get("Content-Type", "")


def take_screenshots(
    folder: Path, grafana: str, login: tuple[str, str], *, env: str = ENV, timeout: float, chromium: Path | None
) -> tuple[str, ...]:
    """Photograph all dashboards of git into a folder.

    Returns:
        What is wrong, one sentence each; nothing where every panel of every page shows data.

    Raises:
        BrowserError: There is no browser, or it failed.
        OSError: The folder cannot be written.
    """
    excuses = load_expectations(_ROOT / "acceptance" / "may_be_empty.toml")
    faults: list[str] = []
    folder.mkdir(parents=True, exist_ok=True)
    with open_chromium(find_chromium(chromium)) as browser:
        for data in load_folder(DASHBOARDS)[0].values():
            panels = list_panels(data)
            reasons = {panel.title: excuses.reason(panel.dashboard, panel.title) for panel in panels}
            excused = {title: reason for title, reason in reasons.items() if reason}
            seen = photograph(browser, grafana, login, panels, env=env, timeout=timeout, excused=excused)
            if seen.screenshot:
                (folder / f"{seen.uid}.png").write_bytes(seen.screenshot)
            faults += seen.faults
    return tuple(faults)


def _only_grafana(grafana: str, login: tuple[str, str]) -> Callable[[Route], None]:
    """Make the handler that lets requests to Grafana pass, with the login, and refuses all others.

    Redirects are followed here, one by one: the browser would take the login along to wherever they lead.
    """
    wanted = urlsplit(grafana)[:2]
    token = base64.b64encode(":".join(login).encode()).decode()

    def handle(route: Route) -> None:
        request, url = route.request, route.request.url
        headers = {**request.headers, "authorization": f"Basic {token}"}
        for _ in range(_MOST_REDIRECTS):
            if urlsplit(url)[:2] != wanted:
                break
            try:
                answer = route.fetch(url=url, headers=headers, max_redirects=0, timeout=1000 * _ANSWER_SECONDS)
            except PlaywrightError:  # the page then says which request failed
                route.abort("connectionfailed")
                return
            place = answer.headers.get("location")
            if place is None or answer.status // 100 != 3:
                # A page that is closed by now takes no answer; one that still waits is never called finished.
                with contextlib.suppress(PlaywrightError):
                    route.fulfill(response=answer)
                return
            if request.method != "GET":
                break
            url = urljoin(url, place)
        route.abort("blockedbyclient")

    return handle


def _height(panels: Sequence[Panel]) -> int:
    places = [panel.raw.get("gridPos") or {} for panel in panels]
    return int(max(place.get("y", 0) + place.get("h", 8) for place in places)) * _LINE + 160


def main(argv: Sequence[str] | None = None) -> int:
    """Photograph all dashboards of git.

    Returns:
        0 when every panel of every page shows data, 1 when one does not or the browser failed.
    """
    args = _parser().parse_args(argv)
    stamp = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    output: Path = args.output or _ROOT / "artifacts" / f"screenshots-{stamp}"
    try:
        faults = take_screenshots(
            output,
            args.grafana_url.rstrip("/"),
            read_login(args.grafana_login),
            env=args.env,
            timeout=args.timeout,
            chromium=args.chromium,
        )
    except (BrowserError, OSError, StackError) as error:
        say(f"browser: {error}")
        return 1
    for fault in faults:
        say(f"browser: {fault}")
    sys.stdout.write(f"{output}\n")
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m acceptance.dashboards.pictures.browser", description=__doc__)
    parser.add_argument("--grafana-url", metavar="URL", required=True, help="a Grafana with web pages")
    parser.add_argument(
        "--grafana-login", metavar="FILE", type=Path, required=True, help="user= and password=, or a token"
    )
    parser.add_argument("--env", default=ENV, help="value of the variable env")
    parser.add_argument("--timeout", type=float, default=PAGE_SECONDS, help="seconds per dashboard (default 30)")
    parser.add_argument("--chromium", metavar="PATH", type=Path, help="the browser; else the one on PATH")
    parser.add_argument("--output", metavar="DIR", type=Path, help="default artifacts/screenshots-TIME")
    return parser


if __name__ == "__main__":
    sys.exit(main())
