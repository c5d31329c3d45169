"""The frame of every page, and escaping: every text that comes from outside goes through ``text``."""

from __future__ import annotations

from html import escape

from acceptance.world.grafana.seam import PageResponse

__all__ = ["HTML", "page", "text"]

HTML = "text/html; charset=utf-8"
_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; font-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_NOTICE = (
    '<p class="notice">This is a stand-in, <strong>not Grafana</strong>: it reads the same files and asks the real '
    'Prometheus. <span lang="ko">이것은 대역이며 <strong>Grafana가 아닙니다</strong>. 같은 파일을 읽고 진짜 '
    "Prometheus에 묻습니다.</span></p>"
)


def text(value: object) -> str:
    """Escape for an element's content or an attribute in double quotes."""
    return escape(str(value), quote=True)


def page(
    title: str,
    body: str,
    *,
    status: int = 200,
    style: str = "",
    refresh: float = 0,
    logged_in: bool = True,
) -> PageResponse:
    """Put a page together.

    Args:
        title: Of the window; plain text.
        body: HTML of the main part.
        status: HTTP status.
        style: Address of the style sheet that this page has for itself; none for the empty string.
        refresh: Seconds after which the page is renewed, also without JavaScript; 0: never.
        logged_in: Whether to offer to log out.
    """
    own = f'<link rel="stylesheet" href="{text(style)}">' if style else ""
    renewed = ""
    if refresh:
        renewed = (
            f'<noscript><meta http-equiv="refresh" content="{max(1, round(refresh))}"></noscript>'
            f'<script src="/public/standin.js" data-seconds="{refresh:g}" defer></script>'
        )
    out = '<a href="/logout">Log out / <span lang="ko">로그아웃</span></a>' if logged_in else ""
    home = '<a href="/">Dashboards / <span lang="ko">대시보드</span></a>' if logged_in else ""
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)} · stand-in for Grafana</title>"
        '<link rel="icon" href="/public/standin.svg" type="image/svg+xml">'
        f'<link rel="stylesheet" href="/public/standin.css">{own}{renewed}</head><body>'
        f'<a class="skip" href="#main">To the content / <span lang="ko">본문으로</span></a>'
        f'<header>{_NOTICE}<nav aria-label="Site">{home}{out}</nav></header>'
        f'<main id="main">{body}</main></body></html>'
    )
    return PageResponse(
        status=status,
        content_type=HTML,
        body=document.encode("utf-8", "replace"),
        headers={"Content-Security-Policy": _POLICY, "Referrer-Policy": "same-origin"},
    )
