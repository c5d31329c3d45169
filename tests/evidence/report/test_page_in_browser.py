"""The page in Chromium, as people open it: from a folder, on a desk, on a phone, on paper, by keyboard."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from acceptance.dashboards.pictures.chromium import Browser, find_chromium, open_chromium

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[3]
SIZES = {"desk": (1280, 900), "phone": (360, 740)}
#: What axe calls these keeps people from using a page; the two below are nuisances.
SERIOUS = {"serious", "critical"}
NAMES = ["passed", "standin", "failed", "e2e"]


@dataclass(slots=True)
class Tab:
    """A page that remembers what went wrong on it and what it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    loads: int = 0

    def watch(self) -> None:
        """Begin to remember."""
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("load", lambda _: self._loaded())

    def _loaded(self) -> None:
        self.loads += 1

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        found: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all."""
    with open_chromium(find_chromium()) as browser:
        yield browser


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's own text; a machine without it fails here."""
    done = subprocess.run([ROOT / "scripts/install_axe.sh"], capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    return (Path(__file__).parent / "axe/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def open_page(chromium: Browser, bundle_of: Callable[[str], Path]) -> Iterator[Callable[..., Tab]]:
    """Open the page inside one of the bundles."""
    contexts = []

    def open_(name: str, *, size: str = "desk", **options: Any) -> Tab:
        width, height = SIZES[size]
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        tab = Tab(context.new_page())
        tab.watch()
        tab.page.goto((bundle_of(name) / "report.html").as_uri())
        return tab

    yield open_
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_complained_of_and_nothing_is_asked_for(name: str, open_page: Callable[..., Tab]) -> None:
    """Not one request but for the file itself; pictures come out of the page."""
    tab = open_page(name)
    pictures = tab.page.locator("img")
    assert pictures.count() > 0
    for number in range(pictures.count()):
        expect(pictures.nth(number)).not_to_have_js_property("naturalWidth", 0, timeout=30_000)
    assert tab.complaints == []
    outside = [url for url in tab.requests[1:] if urlsplit(url).scheme not in {"data", "blob"}]
    assert (tab.requests[0].rpartition("/")[2], outside) == ("report.html", [])


@pytest.mark.parametrize(("locale", "first"), [("ko-KR", "ko"), ("en-GB", "en"), ("fr-FR", "en")])
def test_both_languages_without_a_reload(locale: str, first: str, open_page: Callable[..., Tab]) -> None:
    """It begins in the reader's own; a button changes every text, the title and what a screen reader is told."""
    tab = open_page("standin", locale=locale)
    words = {"en": "What was not run", "ko": "실행되지 않은 것"}
    other = {"en": "ko", "ko": "en"}[first]
    for language, away in ((first, other), (other, first)):
        if language != first:
            tab.page.click(f"[data-choose={language}]")
        heading = tab.page.locator("#not-run")
        expect(heading.get_by_text(words[language])).to_be_visible()
        expect(heading.get_by_text(words[away])).to_be_hidden()
        assert tab.page.evaluate("document.documentElement.lang") == language
        assert tab.page.locator(f"[data-choose={language}]").get_attribute("aria-pressed") == "true"
        assert tab.page.locator(f"[data-choose={away}]").get_attribute("aria-pressed") == "false"
        assert tab.page.locator(f"[data-in={away}]:visible").count() == 0
    assert tab.loads == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str, open_page: Callable[..., Tab], bundle_of: Callable[[str], Path]) -> None:
    """To a place on the page, or to a file of the bundle."""
    tab = open_page(name)
    links = tab.page.eval_on_selector_all("a[href]", "all => all.map((a) => a.getAttribute('href'))")
    assert len(links) > 10
    lost = [
        link
        for link in links
        if not (
            tab.page.locator(f"[id='{link[1:]}']").count() == 1
            if link.startswith("#")
            else (bundle_of(name) / link).is_file()
        )
    ]
    assert lost == []


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits(size: str, language: str, open_page: Callable[..., Tab]) -> None:
    """Nothing has to be pushed sideways, on a phone either."""
    tab = open_page("failed", size=size)
    tab.page.click(f"[data-choose={language}]")
    assert tab.overflow() <= 0


def test_it_prints_on_a4(open_page: Callable[..., Tab]) -> None:
    """At the width of the paper nothing is cut off, what is folded is open, and the buttons are gone."""
    tab = open_page("passed")
    tab.page.set_viewport_size({"width": 688, "height": 1000})  # 210 mm less the margins, at 96 dpi
    tab.page.emulate_media(media="print")
    tab.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.overflow() <= 0
    expect(tab.page.locator(".languages")).to_be_hidden()
    assert tab.page.locator("details:not([open])").count() == 0
    assert tab.page.pdf(format="A4").startswith(b"%PDF")


def test_it_is_read_by_keyboard(open_page: Callable[..., Tab]) -> None:
    """First a way past the header, then the languages; each stop is seen, and Enter does what a click does."""
    tab = open_page("passed", locale="en-GB")
    page = tab.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.choose") == "ko"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.lang") == "ko"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", ["standin", "failed"])
def test_axe_finds_nothing_serious(
    name: str, language: str, scheme: str, axe: str, open_page: Callable[..., Tab]
) -> None:
    """Contrast, names, roles, order: on a desk and on a phone."""
    tab = open_page(name, color_scheme=scheme, bypass_csp=True)
    tab.page.click(f"[data-choose={language}]")
    tab.page.evaluate(axe)
    for width, height in SIZES.values():
        tab.page.set_viewport_size({"width": width, "height": height})
        found = tab.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        assert found["testEngine"]["version"] == "4.14.1"
        assert len(found["passes"]) > 20
        serious = [
            f"{one['id']} ({one['impact']}): {one['help']}: {[node['html'][:120] for node in one['nodes'][:3]]}"
            for one in found["violations"]
            if one["impact"] in SERIOUS
        ]
        assert serious == []


def test_axe_would_find_it(axe: str, open_page: Callable[..., Tab]) -> None:
    """A picture without words and a button without a name are found: the look itself works."""
    tab = open_page("passed", bypass_csp=True)
    tab.page.evaluate("document.querySelector('img').removeAttribute('alt')")
    tab.page.evaluate("document.querySelector('button').textContent = ''")
    tab.page.evaluate(axe)
    found = tab.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert {"image-alt", "button-name"} <= {one["id"] for one in found["violations"] if one["impact"] in SERIOUS}
