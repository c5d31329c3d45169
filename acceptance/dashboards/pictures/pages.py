"""Judges a dashboard's web page from its DOM. Pure: takes HTML text, touches no browser.

The marks are the `data-testid` values that Grafana publishes for tests (its package e2e-selectors): a panel's header
since 8.1, its status badge and its message instead of data since 10.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["PagePanel", "judge_page", "read_page", "still_loading"]

_HEADER = "data-testid Panel header "
_STATUS = "data-testid Panel status "
_MESSAGE = "data-testid Panel data error message"
_LOADING = frozenset({"Panel loading bar", "data-testid Panel loading bar"})
_NO_DATA = ("no data", "데이터 없음", "panel plugin not found")
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_SILENT = frozenset({"script", "style", "template"})


@dataclass(slots=True, kw_only=True)
class PagePanel:
    """One panel as the page shows it."""

    title: str
    texts: list[str] = field(default_factory=list)  # what a person reads in it, without the title
    badges: list[str] = field(default_factory=list)  # "error", "warning", ...
    messages: list[str] = field(default_factory=list)  # shown instead of data
    drawn: bool = False  # it has text or something drawn
    loading: bool = False


class _Reader(HTMLParser):
    """Collects panels; keeps the stack of open elements, since a panel ends where its element ends."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.panels: list[PagePanel] = []
        self._open: list[tuple[str, PagePanel | None, bool]] = []  # tag, the panel it is in, inside a message

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        _, panel, message = self._open[-1] if self._open else ("", None, False)
        values = {name: value or "" for name, value in attrs}
        mark = values.get("data-testid", "")
        if mark.startswith(_HEADER):
            panel, message = PagePanel(title=mark.removeprefix(_HEADER)), False
            self.panels.append(panel)
        elif panel is not None:
            if mark.startswith(_STATUS):
                panel.badges.append(mark.removeprefix(_STATUS))
            panel.loading |= bool(_LOADING & {mark, values.get("aria-label", "")})
            panel.drawn |= tag in {"canvas", "img", "svg"}
            if mark == _MESSAGE:
                message = True
                panel.messages.append("")
        if tag not in _VOID:
            self._open.append((tag, panel, message))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        # An element that was never closed ends with the one around it.
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index][0] == tag:
                del self._open[index:]
                return

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if not text or not self._open:
            return
        tag, panel, message = self._open[-1]
        if panel is None or tag in _SILENT:
            return
        if message:
            panel.messages[-1] = f"{panel.messages[-1]} {text}".strip()
        if text != panel.title:
            panel.texts.append(text)
            panel.drawn = True


def read_page(html: str) -> tuple[PagePanel, ...]:
    """List the panels of a page, in its order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return tuple(reader.panels)


def still_loading(html: str, titles: Sequence[str]) -> tuple[str, ...]:
    """Name what the page has yet to show: a panel that is not there, is loading, or has nothing drawn."""
    panels = read_page(html)
    finished = [
        panel.title for panel in panels if not panel.loading and (panel.drawn or panel.messages or panel.badges)
    ]
    return tuple(title for title in titles if finished.count(title) < titles.count(title))


def judge_page(
    html: str,
    titles: Sequence[str],
    *,
    nothing: Mapping[str, Collection[str]] | None = None,
    excused: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Find what is wrong with a page that had its time.

    Args:
        html: The DOM as text.
        titles: The panels that the dashboard has.
        nothing: Panel -> its own words for having no value ("no run yet"), which count as no data.
        excused: Panel -> reason why it may be empty; an error badge is never excused.

    Returns:
        One sentence per fault; none for a page on which every panel shows data.
    """
    panels = read_page(html)
    if titles and not panels:
        said = " ".join(re.sub(r"(?s)<(script|style)\b.*?</\1>|<[^>]*>", " ", html).split())[:120]
        return (f"no panel at all on the page: a login page, or a Grafana without web pages? It says {said!r}",)
    found = [panel.title for panel in panels]
    faults = [f"panel {title!r} is not on the page" for title in titles if title not in found]
    for panel in panels:
        if "error" in panel.badges:
            faults.append(f"panel {panel.title!r} has an error badge: {_said(panel)}")
        signs = (*_NO_DATA, *(words.lower() for words in (nothing or {}).get(panel.title, ())))
        empty = bool(panel.messages) or any(sign in text.lower() for text in panel.texts for sign in signs)
        if empty and panel.title not in (excused or {}):
            faults.append(f"panel {panel.title!r} shows no data: {_said(panel)}")
        if panel.loading:
            faults.append(f"panel {panel.title!r} is still loading")
        elif not (empty or panel.drawn or panel.badges):
            faults.append(f"panel {panel.title!r} has nothing drawn")
    return tuple(faults)


def _said(panel: PagePanel) -> str:
    return "; ".join(panel.messages or panel.texts)[:200] or "without a text"
