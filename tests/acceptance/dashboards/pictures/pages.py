"""Pages shaped like Grafana's, for the DOM judge and for the browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

GOOD = '<div data-testid="data-testid panel content"><div class="uplot"><canvas width="10"></canvas></div></div>'
NO_DATA = (
    '<div data-testid="data-testid panel content">'
    '<div data-testid="data-testid Panel data error message"><span>No data</span></div></div>'
)
KOREAN_NO_DATA = '<div data-testid="data-testid panel content"><svg></svg><span>no data / 데이터 없음</span></div>'
ERROR = (
    '<div><button data-testid="data-testid Panel status error" aria-label="Panel status"><svg></svg></button></div>'
    '<div data-testid="data-testid panel content"></div>'
)
LOADING = '<div aria-label="Panel loading bar"></div><div data-testid="data-testid panel content"></div>'
BARE = '<div data-testid="data-testid panel content"></div>'


def panel(title: str, content: str = GOOD) -> str:
    """One panel as Grafana writes it."""
    name = escape(title, quote=True)
    return (
        f'<section class="panel" data-testid="data-testid Panel header {name}"><div '
        f'data-testid="data-testid header-container"><h2 title="{name}">{escape(title)}</h2></div>{content}</section>'
    )


def page(titles: Sequence[str], contents: Mapping[str, str] | None = None, *, script: str = "") -> str:
    """A dashboard page; panels show data where `contents` does not say otherwise."""
    body = "".join(panel(title, (contents or {}).get(title, GOOD)) for title in titles)
    return (
        '<!doctype html><html><head><meta charset="utf-8"><title>Grafana</title><style>.a{}</style></head>'
        f'<body><img src="data:,"><div id="reactRoot">{body}</div><script>{script}</script></body></html>'
    )
