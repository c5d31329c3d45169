"""Sorts requests: the API, the login, and pages, which need one."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable
from urllib.parse import parse_qs, quote, unquote, urlsplit

from acceptance.world.grafana.api import HEALTH, Api
from acceptance.world.grafana.exchange import Request, Response, json_response, redirect, refusal
from acceptance.world.grafana.logfmt import LogfmtLog
from acceptance.world.grafana.login import COOKIE, LoginRefusedError
from acceptance.world.grafana.seam import PageRequest, PageResponse
from acceptance.world.grafana.site import GrafanaSite

__all__ = ["Front", "Pages", "drawn_pages"]

Pages = Callable[[PageRequest], PageResponse]

HEALTHZ = "/healthz"
_BACK = "redirect_to"  # cookie: where a browser wanted to go before it had to log in
_ATTRIBUTES = "Path=/; HttpOnly; SameSite=Lax"


def drawn_pages(request: PageRequest) -> PageResponse:
    """Give the stand-in's own pages; they bring matplotlib, which nobody else has to wait for."""
    response: PageResponse = importlib.import_module("acceptance.world.grafana.pages").respond(request)
    return response


class Front:
    """Answers every request of one site; whatever goes wrong is a 500 and a line in the log."""

    def __init__(self, site: GrafanaSite, pages: Pages, log: LogfmtLog) -> None:
        self._site = site
        self._api = Api(site)
        self._pages = pages
        self._log = log

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        try:
            return self._answer(request)
        except Exception as error:  # noqa: BLE001 - the server outlives every request
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{place.filename}:{place.lineno}"
            self._log.error("Request error", logger="context", path=request.path, error=type(error).__name__, at=where)
            return refusal(500, "Internal server error")

    def _answer(self, request: Request) -> Response:
        if request.method != "GET" and not _same_origin(request):
            return json_response(403, {"message": "origin not allowed"})
        if (request.method, request.path) == ("GET", HEALTHZ):
            return self._provisioned()
        if (request.method, request.path) == ("POST", "/login"):
            return self._log_in(request)
        try:
            who = self._site.login.who(request.headers)
        except LoginRefusedError as refused:
            if request.path != HEALTH:
                return refusal(401, str(refused))
            who = None
        if request.path.startswith("/api/"):
            return self._api.answer(request, who)
        return self._page(request, logged_in=who is not None)

    def _provisioned(self) -> Response:
        """Say without a login how much was provisioned, for a healthcheck, where a Grafana says `Ok` and no more."""
        sources, dashboards = len(self._site.queries.sources), len(self._site.library.dashboards)
        told = f"datasources {sources}, dashboards {dashboards}"
        return Response(status=200, content_type="text/plain; charset=utf-8", body=told.encode())

    def _page(self, request: Request, *, logged_in: bool) -> Response:
        if request.method != "GET":
            return json_response(404, {"message": "Not found"})
        if request.path == "/logout":
            self._site.login.end(request.headers.get("Cookie", ""))
            return redirect("/login", {"Set-Cookie": f"{COOKIE}=; Max-Age=0; {_ATTRIBUTES}"})
        if request.path == "/login" and logged_in:
            return redirect("/")
        if not logged_in and request.path != "/login" and not request.path.startswith("/public/"):
            return redirect("/login", self._remembered(request))
        page = self._pages(PageRequest(path=request.path, params=request.params, logged_in=logged_in, site=self._site))
        return Response(status=page.status, content_type=page.content_type, body=page.body, headers=page.headers)

    def _remembered(self, request: Request) -> dict[str, str]:
        """Set the cookie that brings a browser back; a picture or script that it also asks for is no place to go."""
        if "text/html" not in request.headers.get("Accept", ""):
            return {}
        query = "&".join(f"{quote(key)}={quote(each)}" for key, values in request.params.items() for each in values)
        place = quote(request.path) + (f"?{query}" if query else "")
        return {"Set-Cookie": f"{_BACK}={quote(place, safe='')}; {_ATTRIBUTES}"}

    def _log_in(self, request: Request) -> Response:
        """Begin a session, for a program that sends JSON or a browser that sends a form."""
        form = request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
        user, password = _form_login(request) if form else _json_login(request)
        if not self._site.login.right(user, password):
            self._log.warning("Invalid username or password", logger="context", path=request.path)
            if form:
                return redirect("/login?error=1")
            return json_response(
                401, {"message": "Invalid username or password", "messageId": "password-auth.failed", "statusCode": 401}
            )
        session = {"Set-Cookie": f"{COOKIE}={self._site.login.begin()}; {_ATTRIBUTES}"}
        if form:
            return redirect(_way_back(request.headers.get("Cookie", "")), session)
        return json_response(200, {"message": "Logged in", "redirectUrl": "/"}, session)


def _form_login(request: Request) -> tuple[str, str]:
    fields = parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return fields.get("user", [""])[0], fields.get("password", [""])[0]


def _json_login(request: Request) -> tuple[str, str]:
    try:
        body = request.json()
    except ValueError:
        return "", ""
    return (str(body.get("user", "")), str(body.get("password", ""))) if isinstance(body, dict) else ("", "")


def _way_back(cookies: str) -> str:
    """Give the page that was asked for before the login, one of this server only; else the first page."""
    values = [pair.strip().partition("=")[2] for pair in cookies.split(";") if pair.strip().startswith(f"{_BACK}=")]
    place = unquote(values[0]) if values else "/"
    ours = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isascii() and place.isprintable()
    return place if ours else "/"


def _same_origin(request: Request) -> bool:
    """Say whether a browser's request comes from a page of this server; a program names no origin."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("Host", "")
