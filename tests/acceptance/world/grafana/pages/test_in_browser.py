"""The stand-in's pages in Chromium, with a real preflight run behind them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from acceptance.dashboards.model import list_panels
from acceptance.dashboards.pictures.browser import photograph
from acceptance.dashboards.pictures.chromium import Browser, find_chromium, open_chromium
from acceptance.dashboards.pictures.live import DASHBOARDS
from acceptance.probes import PrometheusClient
from acceptance.stack.binaries.resolve import resolve_all
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.wait import Observation, wait_until
from acceptance.world.alerting import open_alerting
from acceptance.world.exchanges import ExchangeStandin
from acceptance.world.grafana.front import drawn_pages
from tests.acceptance.world.grafana import provisioning_files
from tests.acceptance.world.grafana.running import ADMIN, Running, standin

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SIZES = {"desktop": (1440, 1000), "phone": (390, 844)}
SERVICES = ("redis", "postgres", "engine", "node-exporter", "prometheus")
# Networks that come and go on the machine (Docker's do) cut what Chromium is loading; the page is not at fault.
ELSEWHERE = "ERR_NETWORK_CHANGED"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, dict[str, Any]]]:
    """The stand-in in front of a Prometheus that has seen one preflight run, and that run's report."""
    boards = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(DASHBOARDS.glob("*.json"))]
    folder = provisioning_files.write(tmp_path_factory.mktemp("pages") / "grafana", boards)
    with EmbeddedStack(services=SERVICES) as stack, ExchangeStandin() as exchanges:
        with open_alerting(stack, "paper") as alerting:
            variables = {**exchanges.environment(), **alerting.variables}
            report = stack.run_preflight("--env", "paper", env=variables).report
        assert report is not None
        with PrometheusClient(stack.urls.prometheus) as prometheus:

            def seen() -> Observation[None]:
                found = prometheus.query("arbitrage_preflight_runs_total").samples
                return Observation[None](done=bool(found), said=f"{len(found)} series")

            wait_until(seen, asked="the run in Prometheus", timeout=30)
        found = resolve_all(("node", "grafana-display"))
        library = {
            "STANDIN_NODE": str(found["node"].binary),
            "STANDIN_DISPLAY": str(found["grafana-display"].binary.parent),
        }
        with standin(folder, stack.urls.prometheus, pages=drawn_pages, library=library) as running:
            yield running, dict(report)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all."""
    with open_chromium(find_chromium()) as browser:
        yield browser


@dataclass(slots=True)
class Tab:
    """A page that remembers what went wrong on it and whom it asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def watch(self) -> None:
        """Begin to remember."""
        self.page.on("console", lambda message: self._complain(message.text, message.type))
        self.page.on("pageerror", lambda error: self._complain(str(error), "error"))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def _complain(self, text: str, kind: str) -> None:
        if kind in {"error", "warning"} and ELSEWHERE not in text:
            self.complaints.append(text)


@pytest.fixture(params=SIZES)
def tab(request: pytest.FixtureRequest, chromium: Browser, live: tuple[Running, dict[str, Any]]) -> Iterator[Tab]:
    """A logged-in page, at desktop and at phone width; nothing on it may have complained in the end."""
    width, height = SIZES[request.param]
    context = chromium.new_context(viewport={"width": width, "height": height})
    try:
        opened = Tab(context.new_page())
        opened.watch()
        _log_in(opened.page, live[0].url)
        yield opened
        assert opened.complaints == []
        assert opened.hosts == {urlsplit(live[0].url).netloc}
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        context.close()


def _log_in(page: Page, url: str, path: str = "/", password: str = ADMIN[1]) -> None:
    page.goto(f"{url}{path}")
    page.get_by_label("User").fill(ADMIN[0])
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_the_health_row_shows_this_run(tab: Tab, live: tuple[Running, dict[str, Any]]) -> None:
    """The four panels of Preflight Health hold the numbers of the run's report, and their pictures are drawn."""
    running, report = live
    tab.page.goto(f"{running.url}/d/d77_system_health")

    row = tab.page.locator("section", has=tab.page.get_by_role("heading", name="Preflight Health", exact=True))
    pictures = row.get_by_role("img")

    expect(pictures).to_have_count(4)
    expect(pictures.nth(0)).to_have_attribute("alt", "Preflight Last Success. 1 · GO / 성공")
    counts = Counter(check["status"] for check in report["checks"])
    for status in ("pass", "fail", "warn", "error", "skip"):
        assert f"{status.upper()}: {counts[status]}" in str(pictures.nth(2).get_attribute("alt"))
    expect(pictures.nth(1)).to_have_attribute("alt", _matching(r"Duration P95\. P95: [\d.]+ m?s"))
    expect(pictures.nth(3)).to_have_attribute("alt", _matching(r"Redis: [\d.]+ .?s; Postgres: [\d.]+ .?s"))
    for number in range(4):
        pictures.nth(number).scroll_into_view_if_needed()
        # Asked until it is so: the page renews itself, and a new picture has no width before it is loaded.
        expect(pictures.nth(number)).not_to_have_js_property("naturalWidth", 0, timeout=30_000)
    expect(tab.page.get_by_text("not Grafana")).to_be_visible()


def _matching(text: str) -> re.Pattern[str]:
    return re.compile(text)


def test_another_env_is_chosen_and_kept(tab: Tab, live: tuple[Running, dict[str, Any]]) -> None:
    """The form sends the choices to the address, and the links take env and range along."""
    tab.page.goto(f"{live[0].url}/d/d77_system_health?var-env=live")
    expect(tab.page.get_by_label("Environment")).to_have_value("live")
    expect(tab.page.locator("#p0 .shown")).to_have_text("no run yet / 아직 실행 없음")

    tab.page.get_by_label("Environment").select_option("paper")
    tab.page.get_by_label("Time range").select_option("now-15m")
    tab.page.get_by_role("button", name="Show").click()

    expect(tab.page.locator("#p0 img")).to_have_attribute("alt", _matching("GO"))
    tab.page.get_by_role("link", name="FX Multi Source").click()
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("FX Multi Source")
    assert "var-env=paper" in tab.page.url
    assert "from=now-15m" in tab.page.url


def test_the_page_renews_itself(tab: Tab, live: tuple[Running, dict[str, Any]]) -> None:
    """After a scrape interval the time moves on, without a new document."""
    tab.page.goto(f"{live[0].url}/d/d77_system_health")
    tab.page.evaluate("window.stays = true")
    before = tab.page.locator("[data-live=when]").inner_text()

    expect(tab.page.locator("[data-live=when]")).not_to_have_text(before, timeout=10_000)

    assert tab.page.evaluate("window.stays") is True


def test_the_judge_of_pages_reads_the_stand_ins_too(chromium: Browser, live: tuple[Running, dict[str, Any]]) -> None:
    """`make dashboards --grafana-url` photographs the stand-in as it does Grafana: same marks, same judgement."""
    board = json.loads((DASHBOARDS / "d77_system_health.json").read_text(encoding="utf-8"))

    # Every picture is drawn by this process; on a busy machine that takes a while.
    seen = photograph(chromium, live[0].url, ADMIN, list_panels(board), timeout=90)

    assert seen.faults == ()
    assert any(
        "shows no data" in fault
        for fault in photograph(chromium, live[0].url, ADMIN, list_panels(board), env="live", timeout=5).faults
    )


@pytest.fixture
def plain(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser window without JavaScript."""
    context = chromium.new_context(java_script_enabled=False)
    try:
        yield context
    finally:
        context.close()


def test_login_and_list_work_without_javascript(plain: BrowserContext, live: tuple[Running, dict[str, Any]]) -> None:
    """A wrong password is said; the right one leads to where one wanted to go; logging out ends it."""
    url, page = live[0].url, plain.new_page()

    _log_in(page, url, "/d/d77_risk_guard", password="wrong")
    expect(page.get_by_role("alert")).to_contain_text("User or password is wrong")
    page.get_by_label("User").fill(ADMIN[0])
    page.get_by_label("Password").fill(ADMIN[1])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("D77 Risk Guard")
    page.get_by_role("link", name="Dashboards").click()
    expect(page.locator(".dashboards > li")).to_have_count(6)
    page.get_by_role("link", name="Log out").click()
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Log in")
