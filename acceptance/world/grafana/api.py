"""The paths of ``/api`` that this project asks, answered as Grafana answers them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from acceptance.world.grafana import identity
from acceptance.world.grafana.accounts import ROLES, DuplicateNameError, GrafanaAccount
from acceptance.world.grafana.exchange import Request, Response, json_response, refusal
from acceptance.world.grafana.login import Identity
from acceptance.world.grafana.queries import QueryRefusedError
from acceptance.world.grafana.search import search
from acceptance.world.grafana.site import GrafanaSite

__all__ = ["HEALTH", "Api"]

HEALTH = "/api/health"  # needs no login

_ORGANISATION = {"id": 1, "name": "Main Org."}
_ADDRESS = dict.fromkeys(("address1", "address2", "city", "zipCode", "state", "country"), "")
_LONGEST_NAME = 190

Handler = Callable[["Api", Request, Identity, "re.Match[str]"], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    method: str
    path: re.Pattern[str]
    handler: Handler
    permission: str  # what only an administrator may; "" is anybody who is logged in


class Api:
    """Answers for one site."""

    def __init__(self, site: GrafanaSite) -> None:
        self._site = site

    def answer(self, request: Request, who: Identity | None) -> Response:
        """Answer one request below ``/api``; ``who`` is None without a login."""
        if request.path == HEALTH and request.method == "GET":
            return json_response(200, identity.health())
        if who is None:
            return json_response(401, {"message": "Unauthorized"})
        for route in _ROUTES:
            found = route.path.fullmatch(request.path)
            if found and route.method == request.method:
                if route.permission and not who.is_admin:
                    return _denied(route.permission)
                return route.handler(self, request, who, found)
        return json_response(404, {"message": "Not found"})

    def _organisation(self, _: Request, __: Identity, ___: re.Match[str]) -> Response:
        return json_response(200, {**_ORGANISATION, "address": _ADDRESS})

    def _user(self, _: Request, who: Identity, __: re.Match[str]) -> Response:
        return json_response(
            200, {"id": 1, "login": who.name, "name": who.name, "orgId": 1, "isGrafanaAdmin": who.is_admin}
        )

    def _search(self, request: Request, _: Identity, __: re.Match[str]) -> Response:
        return json_response(200, search(self._site.library, request.params))

    def _folders(self, _: Request, __: Identity, ___: re.Match[str]) -> Response:
        rows = [{"id": each.id, "uid": each.uid, "title": each.title} for each in self._site.library.folders]
        return json_response(200, rows)

    def _dashboard(self, _: Request, __: Identity, found: re.Match[str]) -> Response:
        served = self._site.library.by_uid(found[1])
        return json_response(200, served.document()) if served else refusal(404, "Dashboard not found")

    def _datasources(self, _: Request, __: Identity, ___: re.Match[str]) -> Response:
        return json_response(200, [source.listed() for source in self._site.queries.sources])

    def _datasource(self, _: Request, __: Identity, found: re.Match[str]) -> Response:
        source = self._site.queries.by_uid(found[1])
        return json_response(200, source.served()) if source else refusal(404, "Data source not found")

    def _datasource_health(self, _: Request, __: Identity, found: re.Match[str]) -> Response:
        source = self._site.queries.by_uid(found[1])
        if source is None:
            return refusal(404, "Data source not found")
        answer = self._site.queries.health(source)
        return json_response(answer.status, answer.body)

    def _query(self, request: Request, _: Identity, __: re.Match[str]) -> Response:
        try:
            answer = self._site.queries.answer(request.json())
        except ValueError:
            return refusal(400, "bad request data")
        except QueryRefusedError as refused:
            return json_response(refused.status, refused.body)
        return json_response(answer.status, answer.body)

    def _accounts(self, _: Request, __: Identity, ___: re.Match[str]) -> Response:
        rows = [account.shown(tokens) for account, tokens in self._site.accounts.all()]
        return json_response(200, {"totalCount": len(rows), "serviceAccounts": rows, "page": 1, "perPage": 1000})

    def _create_account(self, request: Request, _: Identity, __: re.Match[str]) -> Response:
        name, body = _named(request)
        role = body.get("role") or "Viewer"
        if not name or role not in ROLES:
            return refusal(400, "bad request data")
        try:
            return json_response(201, self._site.accounts.create(name, str(role)).shown())
        except DuplicateNameError:
            return refusal(400, "service account already exists")

    def _delete_account(self, _: Request, __: Identity, found: re.Match[str]) -> Response:
        done = self._site.accounts.delete(int(found[1]))
        return json_response(200, {"message": "Service account deleted"}) if done else _no_account()

    def _tokens(self, _: Request, __: Identity, found: re.Match[str]) -> Response:
        account = self._account(found)
        return json_response(200, self._site.accounts.tokens_of(account)) if account else _no_account()

    def _create_token(self, request: Request, _: Identity, found: re.Match[str]) -> Response:
        account = self._account(found)
        if account is None:
            return _no_account()
        name, body = _named(request)
        lifetime = body.get("secondsToLive") or 0
        if not name or not isinstance(lifetime, int) or not 0 <= lifetime < 10**10:
            return refusal(400, "bad request data")
        try:
            return json_response(200, self._site.accounts.create_token(account, name, lifetime))
        except DuplicateNameError:
            return refusal(400, "service account token with given name already exists in the organization")

    def _delete_token(self, _: Request, __: Identity, found: re.Match[str]) -> Response:
        account = self._account(found)
        done = account is not None and self._site.accounts.delete_token(account, int(found[2]))
        if not done:
            return refusal(404, "service account token not found")
        return json_response(200, {"message": "Service account token deleted"})

    def _account(self, found: re.Match[str]) -> GrafanaAccount | None:
        return self._site.accounts.by_id(int(found[1]))


def _named(request: Request) -> tuple[str, dict[str, object]]:
    """Read a body with a ``name``; "" where it has none that can be used."""
    try:
        body = request.json()
    except ValueError:
        return "", {}
    name = body.get("name") if isinstance(body, dict) else None
    usable = isinstance(name, str) and 0 < len(name.strip()) <= _LONGEST_NAME
    return (str(name).strip() if usable else ""), (body if isinstance(body, dict) else {})


def _no_account() -> Response:
    return refusal(404, "service account not found")


def _denied(permission: str) -> Response:
    """Refuse somebody who is logged in, as Grafana's page on access control documents it."""
    return json_response(
        403,
        {
            "accessErrorId": "ACE0000000000",
            "message": f"You'll need additional permissions to perform this action. Permissions needed: {permission}",
            "title": "Access denied",
        },
    )


def _route(method: str, path: str, handler: Handler, permission: str = "") -> _Route:
    return _Route(method=method, path=re.compile(path), handler=handler, permission=permission)


_UID = "([A-Za-z0-9_.-]+)"
_ID = "([0-9]{1,9})"
_ROUTES = (
    _route("GET", "/api/org/?", Api._organisation),
    _route("GET", "/api/user/?", Api._user),
    _route("GET", "/api/search/?", Api._search),
    _route("GET", "/api/folders/?", Api._folders),
    _route("GET", f"/api/dashboards/uid/{_UID}", Api._dashboard),
    # Without a licence Grafana lets every role of the organisation read datasources: the Viewer's token of
    # tests/acceptance/stack/test_external.py did so on a Grafana 10.0.0.
    _route("GET", "/api/datasources/?", Api._datasources),
    _route("GET", f"/api/datasources/uid/{_UID}", Api._datasource),
    _route("GET", f"/api/datasources/uid/{_UID}/health", Api._datasource_health),
    _route("POST", "/api/ds/query", Api._query),
    _route("GET", "/api/serviceaccounts/search", Api._accounts, "serviceaccounts:read"),
    _route("POST", "/api/serviceaccounts/?", Api._create_account, "serviceaccounts:create"),
    _route("DELETE", f"/api/serviceaccounts/{_ID}", Api._delete_account, "serviceaccounts:delete"),
    _route("GET", f"/api/serviceaccounts/{_ID}/tokens", Api._tokens, "serviceaccounts:read"),
    _route("POST", f"/api/serviceaccounts/{_ID}/tokens", Api._create_token, "serviceaccounts:write"),
    _route("DELETE", f"/api/serviceaccounts/{_ID}/tokens/{_ID}", Api._delete_token, "serviceaccounts:write"),
)
