"""`python -m acceptance.pictures.browser`: opens each dashboard of a Grafana that has web pages, and looks.

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from acceptance.lint.dashboards import load_folder
from acceptance.pictures.devtools import BrowserError, Chromium, find_chromium
from acceptance.pictures.live import DASHBOARDS, ENV
from acceptance.pictures.pages import judge_page, still_loading
from acceptance.probes.expectations import load_expectations
from acceptance.probes.panels import Panel, list_panels
from acceptance.stack.base import StackError
from acceptance.stack.select import read_login, say

__all__ = ["PAGE_SECONDS", "Seen", "main", "photograph", "serves_pages", "take_screenshots"]

_ROOT = Path(__file__).parents[2]
_WIDTH = 1440
_LINE = 38  # pixels of one line of Grafana's grid, its gap included
_POLL_SECONDS = 0.5
PAGE_SECONDS = 30.0  # one dashboard's page may take that long


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one dashboard's page showed."""

    uid: str
    faults: tuple[str, ...]
    screenshot: bytes = b""  # PNG; empty where the page could not be opened


def photograph(
    browser: Chromium,
    grafana: str,
    login: tuple[str, str],
    panels: Sequence[Panel],
    *,
    env: str = ENV,
    timeout: float = PAGE_SECONDS,
    excused: Mapping[str, str] | None = None,
) -> Seen:
    """Open one dashboard in kiosk mode, wait for its panels, judge what they show.

    Args:
        browser: Running.
        grafana: Address of Grafana, without a slash at its end.
        login: User and password, or `api_key` and a token.
        panels: All panels of one dashboard, at least one.
        env: Value of the variable `env`.
        timeout: Seconds that the page may take.
        excused: Panel title -> reason why it may be empty.

    Raises:
        BrowserError: The browser failed; a page that is wrong is no exception but a fault.
    """
    uid, titles = panels[0].dashboard, [panel.title for panel in panels]
    target = browser.call("Target.createTarget", {"url": "about:blank"})["targetId"]
    session = str(browser.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"])
    browser.on_event(_only_grafana(browser, grafana, login))
    try:
        browser.call("Fetch.enable", {"patterns": [{"urlPattern": "*"}]}, session)
        # Panels outside the window are never drawn: the window is as high as the dashboard.
        size = {"width": _WIDTH, "height": _height(panels), "deviceScaleFactor": 1, "mobile": False}
        browser.call("Emulation.setDeviceMetricsOverride", size, session)
        url = f"{grafana}/d/{quote(uid)}?kiosk&theme=light&var-env={quote(env)}"
        opened = browser.call("Page.navigate", {"url": url}, session)
        html, deadline = "", time.monotonic() + timeout
        while time.monotonic() < deadline and not opened.get("errorText"):
            browser.listen(_POLL_SECONDS)
            html = _dom(browser, session)
            if not still_loading(html, titles):
                break
        if opened.get("errorText"):
            return Seen(uid=uid, faults=(f"dashboard {uid!r}: {url} cannot be opened: {opened['errorText']}",))
        nothing = {panel.title: panel.words_for_nothing for panel in panels}
        faults = judge_page(html, titles, nothing=nothing, excused=excused)
        shot = browser.call("Page.captureScreenshot", {"format": "png"}, session)
    finally:
        with contextlib.suppress(BrowserError):  # it has ended, which is reported already
            browser.send("Target.closeTarget", {"targetId": target})
    return Seen(
        uid=uid,
        faults=tuple(f"dashboard {uid!r}: {fault}" for fault in faults),
        screenshot=base64.b64decode(shot["data"]),
    )


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
    with Chromium(find_chromium(chromium)) as browser:
        for data in load_folder(DASHBOARDS)[0].values():
            panels = list_panels(data)
            reasons = {panel.title: excuses.reason(panel.dashboard, panel.title) for panel in panels}
            excused = {title: reason for title, reason in reasons.items() if reason}
            seen = photograph(browser, grafana, login, panels, env=env, timeout=timeout, excused=excused)
            if seen.screenshot:
                (folder / f"{seen.uid}.png").write_bytes(seen.screenshot)
            faults += seen.faults
    return tuple(faults)


def _only_grafana(browser: Chromium, grafana: str, login: tuple[str, str]) -> Any:
    """Make the handler that lets requests to Grafana pass, with the login, and refuses all others."""
    wanted = urlsplit(grafana)[:2]
    token = base64.b64encode(":".join(login).encode()).decode()

    def handle(method: str, params: Mapping[str, Any], session: str) -> None:
        if method != "Fetch.requestPaused":
            return
        request, number = params["request"], params["requestId"]
        if urlsplit(request["url"])[:2] != wanted:
            browser.send("Fetch.failRequest", {"requestId": number, "errorReason": "BlockedByClient"}, session)
            return
        headers = [{"name": name, "value": value} for name, value in request["headers"].items()]
        headers.append({"name": "Authorization", "value": f"Basic {token}"})
        browser.send("Fetch.continueRequest", {"requestId": number, "headers": headers}, session)

    return handle


def _height(panels: Sequence[Panel]) -> int:
    places = [panel.raw.get("gridPos") or {} for panel in panels]
    return int(max(place.get("y", 0) + place.get("h", 8) for place in places)) * _LINE + 160


def _dom(browser: Chromium, session: str) -> str:
    expression = "document.documentElement ? document.documentElement.outerHTML : ''"
    answer = browser.call("Runtime.evaluate", {"expression": expression, "returnByValue": True}, session)
    return str(answer.get("result", {}).get("value") or "")


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
    parser = argparse.ArgumentParser(prog="python -m acceptance.pictures.browser", description=__doc__)
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
