"""The pages without data: the list of dashboards, the login, and the one for what is not there."""

from __future__ import annotations

from urllib.parse import quote

from acceptance.world.grafana.pages.html import page, text
from acceptance.world.grafana.seam import PageRequest, PageResponse

__all__ = ["dashboard_list", "login", "not_found"]


def dashboard_list(request: PageRequest) -> PageResponse:
    """List the dashboards with title, folder and tags."""
    items = []
    for one in request.site.dashboards():
        board, meta = one["dashboard"], one.get("meta") or {}
        tags = "".join(f"<li>{text(tag)}</li>" for tag in board.get("tags") or ())
        folder = f'<span class="muted">{text(meta["folderTitle"])}</span>' if meta.get("folderTitle") else ""
        items.append(
            f'<li><h2><a href="/d/{quote(str(board.get("uid", "")), safe="")}">{text(board.get("title", ""))}</a></h2>'
            f'{folder}<ul class="tags" aria-label="Tags">{tags}</ul></li>'
        )
    shown = f'<ul class="dashboards">{"".join(items)}</ul>' if items else "<p>No dashboard is provisioned.</p>"
    return page("Dashboards", f'<h1>Dashboards / <span lang="ko">대시보드</span></h1>{shown}')


def login(request: PageRequest) -> PageResponse:
    """Show the form; the server answers what it posts."""
    wrong = ""
    if "error" in request.params:
        wrong = (
            '<p class="failure" role="alert">User or password is wrong. '
            '<span lang="ko">사용자 또는 비밀번호가 틀립니다.</span></p>'
        )
    form = (
        '<form class="login" method="post" action="/login">'
        '<label for="user">User / <span lang="ko">사용자</span></label>'
        '<input id="user" name="user" autocomplete="username" required autofocus>'
        '<label for="password">Password / <span lang="ko">비밀번호</span></label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        '<button type="submit">Log in / <span lang="ko">로그인</span></button></form>'
    )
    heading = '<h1>Log in / <span lang="ko">로그인</span></h1>'
    return page("Log in", f"{heading}{wrong}{form}", logged_in=False)


def not_found(request: PageRequest, what: str) -> PageResponse:
    """Say that something is not there, and where to go on."""
    body = (
        '<h1>Not found / <span lang="ko">찾을 수 없음</span></h1>'
        f'<p>{text(what)}</p><p><a href="/">Dashboards / <span lang="ko">대시보드</span></a></p>'
    )
    return page("Not found", body, status=404, logged_in=request.logged_in)
