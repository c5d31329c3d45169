"""The page of one dashboard: what can be chosen, links to others, and its rows with their panels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from acceptance.dashboards.model import Panel
from acceptance.dashboards.pictures.reading import NO_DATA, describe, shown_of
from acceptance.world.grafana.pages.html import page, text
from acceptance.world.grafana.pages.picture import NARROW, size
from acceptance.world.grafana.pages.plain import not_found
from acceptance.world.grafana.pages.view import Choice, Range, View, look
from acceptance.world.grafana.seam import PageRequest, PageResponse

__all__ = ["dashboard_page"]

_RANGES = {
    "now-5m": "5 minutes / 5분",
    "now-15m": "15 minutes / 15분",
    "now-1h": "1 hour / 1시간",
    "now-6h": "6 hours / 6시간",
    "now-24h": "24 hours / 24시간",
    "now-7d": "7 days / 7일",
}
_MOST_VALUES = 60  # in the text of one picture


def dashboard_page(request: PageRequest, uid: str) -> PageResponse:
    """Show a dashboard with live data."""
    served = [one["dashboard"] for one in request.site.dashboards()]
    board = next((one for one in served if one.get("uid") == uid), None)
    if board is None:
        return not_found(request, f"There is no dashboard {uid}")
    view = look(request.site, request, board)
    title = str(board.get("title", ""))
    problems = "".join(
        f'<p class="failure" role="alert">{text(problem)}</p>'
        for problem in (view.range.refused, view.failure)
        if problem
    )
    until = datetime.fromtimestamp(view.range.to_ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    body = (
        f"<h1>{text(title)}</h1>{_links(request, board, served, view.range)}{_form(view)}"
        f'<p class="muted">Data until / <span lang="ko">기준 시각</span> <span data-live="when">{until}</span> '
        f'<span data-live="stale" role="status"></span></p><div data-live="problems">{problems}</div>'
        f"{''.join(_rows(request, uid, view))}"
    )
    style = f"/panel/{quote(uid, safe='')}/places.css"
    return page(title, body, style=style, refresh=request.site.scrape_interval())


def _links(request: PageRequest, board: Mapping[str, Any], served: Sequence[Mapping[str, Any]], span: Range) -> str:
    """Write the dashboard's own links; those by tag lead to each dashboard that has all the tags."""
    chosen = [(key, one) for key, values in request.params.items() if key.startswith("var-") for one in values]
    links: dict[str, str] = {}
    for link in board.get("links") or ():
        kept = chosen if link.get("includeVars") else []
        kept = kept + ([("from", span.asked_from), ("to", span.asked_to)] if link.get("keepTime") else [])
        query = f"?{urlencode(kept)}" if kept else ""
        if link.get("type") == "dashboards":
            tags = frozenset(link.get("tags") or ())
            for other in served:
                if other.get("uid") != board.get("uid") and tags <= frozenset(other.get("tags") or ()):
                    links[f"/d/{quote(str(other.get('uid', '')), safe='')}{query}"] = str(other.get("title", ""))
        elif (url := str(link.get("url") or "")).startswith(("/", "http://", "https://")):
            links[url] = str(link.get("title") or url)
    items = "".join(f'<li><a href="{text(url)}">{text(title)}</a></li>' for url, title in links.items())
    return f'<nav aria-label="Links"><ul class="links">{items}</ul></nav>' if items else ""


def _form(view: View) -> str:
    fields = "".join(_select(f"var-{one.name}", one) for one in view.choices)
    ranges = dict(_RANGES)
    if view.range.asked_from not in ranges:
        ranges = {view.range.asked_from: f"from {view.range.asked_from}", **ranges}
    span = Choice(
        name="from",
        label="Time range / 기간",
        options=tuple(ranges.items()),
        selected=(view.range.asked_from,),
        multi=False,
    )
    return (
        f'<form class="choices" method="get">{fields}{_select("from", span)}'
        f'<input type="hidden" name="to" value="{text(view.range.asked_to)}">'
        '<button type="submit">Show / <span lang="ko">보기</span></button></form>'
    )


def _select(name: str, choice: Choice) -> str:
    options = "".join(
        f'<option value="{text(value)}"{" selected" if value in choice.selected else ""}>{text(shown)}</option>'
        for value, shown in choice.options
    )
    several = ' multiple size="3"' if choice.multi else ""
    return f'<label>{text(choice.label)} <select name="{text(name)}"{several}>{options}</select></label>'


def _rows(request: PageRequest, uid: str, view: View) -> Iterator[str]:
    numbered = enumerate(view.panels)
    for name, members in itertools.groupby(numbered, key=lambda item: item[1].row):
        heading = f"<h2>{text(name)}</h2>" if name else ""
        articles = "".join(_article(request, uid, view, index, panel) for index, panel in members)
        yield f'<section>{heading}<div class="grid">{articles}</div></section>'


def _article(request: PageRequest, uid: str, view: View, index: int, panel: Panel) -> str:
    english, korean = describe(panel)
    about = ""
    if english or korean:
        summary = '<summary>About / <span lang="ko">설명</span></summary>'
        about = f'<details>{summary}<p>{text(english)}</p><p lang="ko">{text(korean)}</p></details>'
    title = text(panel.title or f"Panel {panel.id}")
    shown = _shown(request, uid, view, index, panel)
    return (
        f'<article class="panel" id="p{index}"><div class="told" data-testid="data-testid Panel header {title}">'
        f'<h3>{title}</h3><div class="shown" data-live="p{index}">{shown}</div></div>{about}</article>'
    )


def _shown(request: PageRequest, uid: str, view: View, index: int, panel: Panel) -> str:
    outcome, span = view.outcomes.get(index), view.range
    if outcome is None:
        return f'<p class="prose">{text((panel.raw.get("options") or {}).get("content") or "")}</p>'
    if outcome.failure:
        mark = 'data-testid="data-testid Panel data error message"'  # Grafana's own
        return f'<p class="failure" {mark}><strong>Not answered / 응답 없음</strong> {text(outcome.failure)}</p>'
    displayed = shown_of(outcome)
    told = displayed.texts()
    if not told:
        instead = [item.text for item in displayed.items if item.text]  # the panel's own words for nothing
        return f'<p class="empty">{text(instead[0] if instead else panel.no_value or NO_DATA)}</p>'
    more = f"; and {len(told) - _MOST_VALUES} more" if len(told) > _MOST_VALUES else ""
    alternative = f"{panel.title}. {'; '.join(told[:_MOST_VALUES])}{more}"
    pinned = [(key, one) for key, found in request.params.items() if key.startswith("var-") for one in found]
    query = urlencode([*pinned, ("from", span.from_ms), ("to", span.to_ms)])
    address = f"/panel/{quote(uid, safe='')}/{index}.svg?{query}"
    (wide, high), (phone, tall) = size(panel, narrow=False), size(panel, narrow=True)
    return (
        f'<picture><source media="(max-width: 899px)" srcset="{text(address)}&amp;size={NARROW}" '
        f'width="{phone:.0f}" height="{tall:.0f}"><img src="{text(address)}" alt="{text(alternative)}" loading="lazy" '
        f'width="{wide:.0f}" height="{high:.0f}"></picture>'
    )
