"""The pages without a browser: what they hold, and that no foreign text gets out of its place."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from acceptance.world.grafana.pages import respond
from acceptance.world.grafana.seam import PageRequest, PageResponse
from tests.acceptance.world.grafana.provisioning_files import SOURCE, dashboard

EVIL = "\"'><script>alert(1)</script>"


class FakeSite:
    """A site with dashboards of the test's; each query has the value 7, but for one that says why not."""

    def __init__(self, *boards: dict[str, Any]) -> None:
        self._boards = boards
        self.asked: list[Mapping[str, Any]] = []

    def dashboards(self) -> tuple[dict[str, Any], ...]:
        """Give the test's."""
        return tuple({"meta": {"folderTitle": "Folder"}, "dashboard": one} for one in self._boards)

    def query(self, queries: Sequence[Mapping[str, Any]], from_ms: int, to_ms: int) -> dict[str, Any]:
        """Answer, and remember what was asked."""
        self.asked += queries
        assert from_ms < to_ms
        if any(query["datasource"]["uid"] != SOURCE for query in queries):
            return {"message": "data source not found"}
        return {"results": {query["refId"]: _result(str(query["expr"]), to_ms) for query in queries}}

    def display(self) -> None:
        """There is no library: bare numbers."""

    def scrape_interval(self) -> float:
        """Give Grafana's default."""
        return 15.0


def _result(expr: str, to_ms: int) -> dict[str, Any]:
    if expr == "broken":
        return {"error": "bad_data: parse error", "status": 400}
    if expr == "nothing":
        return {"frames": []}
    fields = [{"name": "Time", "type": "time"}, {"name": "Value", "type": "number", "labels": {"env": "live"}}]
    return {"frames": [{"schema": {"refId": "A", "fields": fields}, "data": {"values": [[to_ms], [7.25]]}}]}


def panel(title: str, expr: str, number: int = 1, *, source: str = SOURCE, **more: Any) -> dict[str, Any]:
    """Give a stat panel."""
    target = {"refId": "A", "expr": expr, "datasource": {"type": "prometheus", "uid": source}}
    place = {"x": 0, "y": number, "w": 6, "h": 5}
    return {"id": number, "type": "stat", "title": title, "gridPos": place, "targets": [target], **more}


ENV = {
    "name": "env",
    "type": "query",
    "label": "Environment",
    "query": "label_values(up, env)",
    "datasource": {"uid": SOURCE},
    "current": {"value": "paper"},
}


def get(site: FakeSite, path: str, **params: str) -> PageResponse:
    found = {key.replace("var_", "var-"): (value,) for key, value in params.items()}
    return respond(PageRequest(path=path, params=found, logged_in=True, site=site))


def test_the_list_names_each_dashboard() -> None:
    """Title, folder, tags, link; and that this is a stand-in, in both languages."""
    page = get(FakeSite(dashboard("a/b", "First", tags=["risk"])), "/").body.decode()

    assert '<a href="/d/a%2Fb">First</a>' in page
    assert "<li>risk</li>" in page
    assert "Folder" in page
    assert "not Grafana" in page
    assert "Grafana가 아닙니다" in page


def test_a_panel_shows_its_value_as_text_and_as_a_picture() -> None:
    """The picture's alt text says the value, and its address gives an SVG of the same moment."""
    site = FakeSite(dashboard("a", panels=[panel("Gate", "up")]))

    page = get(site, "/d/a/slug", **{"from": "1000000", "to": "2000000"}).body.decode()

    assert 'alt="Gate. Value: 7.25"' in page
    address = re.search(r'<img src="(/panel/a/0\.svg)\?from=1000000&amp;to=2000000"', page)
    assert address
    picture = get(site, address[1], **{"from": "1000000", "to": "2000000"})
    assert (picture.status, picture.content_type) == (200, "image/svg+xml")
    assert b"7.25" in picture.body


def test_the_chosen_env_reaches_query_picture_and_links() -> None:
    """What the address chooses is asked for, stays chosen, and goes along to the other dashboards."""
    link = {"type": "dashboards", "tags": ["t"], "includeVars": True, "keepTime": True}
    boards = [
        dashboard(uid, panels=[panel("Gate", 'up{env="$env"}')], templating={"list": [ENV]}, links=[link], tags=["t"])
        for uid in ("a", "b")
    ]
    site = FakeSite(*boards)

    page = get(site, "/d/a", var_env="live").body.decode()

    assert 'up{env="live"}' in [query["expr"] for query in site.asked]
    assert '<option value="live" selected>live</option>' in page
    assert 'src="/panel/a/0.svg?var-env=live&amp;' in page
    assert 'href="/d/b?var-env=live&amp;from=now-1h&amp;to=now"' in page
    assert 'href="/d/a?' not in page


@pytest.mark.parametrize(
    ("expr", "source", "said"),
    [
        ("broken", SOURCE, "A: bad_data: parse error"),
        ("up", "other", "data source not found"),
        ("", SOURCE, "has an empty query"),
        ("up{a=$unknown}", SOURCE, "variable $unknown"),
    ],
    ids=["refused", "no-datasource", "no-query", "no-variable"],
)
def test_a_panel_that_fails_says_why_in_its_place(expr: str, source: str, said: str) -> None:
    """The others are shown all the same."""
    site = FakeSite(dashboard("a", panels=[panel("Bad", expr, source=source), panel("Good", "up", 2)]))

    page = get(site, "/d/a").body.decode()

    bad, good = page.split("<h3>")[1:]
    assert said in bad
    assert "<img" not in bad
    assert "7.25" in good


@pytest.mark.parametrize("wrong", [{"regex": "/(/"}, {"query": "metrics(x)"}], ids=["regex", "query"])
def test_a_variable_that_cannot_be_filled_is_said(wrong: dict[str, str]) -> None:
    """The panels are shown all the same, with the value the dashboard opens with."""
    site = FakeSite(dashboard("a", panels=[panel("Gate", "up")], templating={"list": [{**ENV, **wrong}]}))

    page = get(site, "/d/a").body.decode()

    assert '<p class="failure" role="alert">' in page
    assert "7.25" in page


def test_a_panel_without_a_value_says_its_own_words() -> None:
    """Nothing is drawn for nothing, and nothing is no error."""
    empty = panel("Gate", "nothing", fieldConfig={"defaults": {"noValue": "no run yet"}})

    page = get(FakeSite(dashboard("a", panels=[empty])), "/d/a").body.decode()

    assert '<p class="empty">no run yet</p>' in page


def test_a_collapsed_row_is_open() -> None:
    """The panels inside are shown below its title."""
    row = {"type": "row", "title": "Detail", "collapsed": True, "gridPos": {"y": 0}, "panels": [panel("In", "up")]}

    page = get(FakeSite(dashboard("a", panels=[row])), "/d/a").body.decode()

    assert page.index("<h2>Detail</h2>") < page.index("<h3>In</h3>")


def test_no_text_of_a_dashboard_or_an_address_becomes_markup() -> None:
    """Titles, labels, options, tags, links, errors and what the address says are all foreign text."""
    variable = {**ENV, "label": EVIL}
    links = [
        {"type": "link", "title": EVIL, "url": "javascript:alert(1)"},
        {"type": "link", "title": EVIL, "url": "/x"},
    ]
    options = {"content": EVIL}
    board = dashboard(
        EVIL,
        EVIL,
        tags=[EVIL],
        links=links,
        templating={"list": [variable]},
        panels=[panel(EVIL, "up", description=EVIL), panel("Text", "", 2, type="text", options=options)],
    )
    site = FakeSite(board)

    pages = [
        get(site, "/"),
        get(site, f"/d/{EVIL}", var_env=EVIL, **{"from": EVIL}),
        get(site, f"/d/{EVIL}", var_env=EVIL),
        get(site, f"/{EVIL}"),
        get(site, "/login", error=EVIL),
    ]

    for page in pages:
        assert "<script>" not in page.body.decode()
        assert "javascript:" not in page.body.decode()
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("span", "said"),
    [
        ({"from": "yesterday"}, "cannot be read"),
        ({"from": "now", "to": "now-1h"}, "is empty"),
        ({"from": "now-99999999999y"}, "cannot be read|longer than a year"),
        ({"from": "-5", "to": "now"}, "is empty, or longer"),
    ],
)
def test_a_time_range_that_is_none_is_said(span: dict[str, str], said: str) -> None:
    """The last hour is shown instead."""
    site = FakeSite(dashboard("a", panels=[panel("Gate", "up")]))

    page = get(site, "/d/a", **span)

    assert page.status == 200
    assert re.search(said, page.body.decode())
    assert "7.25" in page.body.decode()


@pytest.mark.parametrize(
    "path", ["/nope", "/d/none", "/panel/a/9.svg", "/panel/a/x.svg", "/panel/none/0.svg", "/public/x"]
)
def test_what_is_not_there_is_404(path: str) -> None:
    """With a way back to the list."""
    page = get(FakeSite(dashboard("a", panels=[panel("Gate", "up")])), path)

    assert page.status == 404
    assert '<a href="/">' in page.body.decode()


def test_panels_are_asked_at_the_same_time() -> None:
    """Twenty panels whose queries each take 0.1 s are there in much less than the sum."""

    class Slow(FakeSite):
        def query(self, queries: Sequence[Mapping[str, Any]], from_ms: int, to_ms: int) -> dict[str, Any]:
            time.sleep(0.1)
            return super().query(queries, from_ms, to_ms)

    begin = time.monotonic()
    page = get(Slow(dashboard("a", panels=[panel(f"P{at}", "up", at) for at in range(20)])), "/d/a")

    assert page.body.decode().count("7.25") == 20
    assert time.monotonic() - begin < 1.2
