from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from acceptance.probes.grafana import GrafanaClient
from acceptance.world.grafana.accounts import Accounts
from acceptance.world.grafana.login import Login
from tests.acceptance.world.grafana.provisioning_files import SOURCE
from tests.acceptance.world.grafana.running import ADMIN, Running, standin

USER, PASSWORD = ADMIN


@pytest.fixture
def running(folder: Path, prometheus: str) -> Iterator[Running]:
    with standin(folder, prometheus) as site:
        yield site


def post(running: Running, path: str, body: Any, **more: Any) -> requests.Response:
    return requests.post(f"{running.url}{path}", json=body, auth=more.pop("auth", ADMIN), timeout=10, **more)


def token_of(running: Running, role: str, **more: Any) -> tuple[int, str]:
    """Make a service account with a token, as an administrator would."""
    account = post(running, "/api/serviceaccounts", {"name": f"sa {role}", "role": role})
    made = post(running, f"/api/serviceaccounts/{account.json()['id']}/tokens", {"name": "t", **more})
    assert (account.status_code, made.status_code) == (201, 200)
    return int(account.json()["id"]), str(made.json()["key"])


def status(running: Running, path: str, **more: Any) -> int:
    return requests.get(f"{running.url}{path}", timeout=10, allow_redirects=False, **more).status_code


def test_a_viewers_token_reads_and_asks_and_no_more(running: Running) -> None:
    """In both of its forms: dashboards, search, datasources and queries; no service accounts, its own included."""
    number, key = token_of(running, "Viewer")
    bearer = {"headers": {"Authorization": f"Bearer {key}"}}
    allowed = ("/api/search", "/api/dashboards/uid/a", f"/api/datasources/uid/{SOURCE}/health", "/api/datasources")
    denied = ("/api/serviceaccounts/search", f"/api/serviceaccounts/{number}/tokens")
    for login in (bearer, {"auth": ("api_key", key)}):
        assert [status(running, path, **login) for path in allowed] == [200] * 4
        assert [status(running, path, **login) for path in denied] == [403] * 2
    with GrafanaClient(running.url, token=key) as grafana:
        target = {"refId": "A", "datasource": {"uid": SOURCE}, "expr": "vector(7)", "instant": True}
        assert [one.last for one in grafana.query([target], 0, 1).of("A")] == [7.0]
    refused = post(running, "/api/serviceaccounts", {"name": "more"}, auth=("api_key", key))
    assert refused.status_code == 403
    assert refused.json()["message"].endswith("Permissions needed: serviceaccounts:create")


def test_an_administrators_token_may_all(running: Running) -> None:
    """Role Admin makes service accounts."""
    _, key = token_of(running, "Admin")
    assert post(running, "/api/serviceaccounts", {"name": "more"}, auth=("api_key", key)).status_code == 201


def test_a_token_ends(running: Running) -> None:
    """With its time, its deletion, or its account's."""
    number, key = token_of(running, "Viewer")
    api = f"{running.url}/api/serviceaccounts/{number}"
    listed = requests.get(f"{api}/tokens", auth=ADMIN, timeout=10).json()
    assert [(one["name"], one["hasExpired"], "key" in one) for one in listed] == [("t", False, False)]
    assert requests.delete(f"{api}/tokens/{listed[0]['id']}", auth=ADMIN, timeout=10).status_code == 200
    assert status(running, "/api/search", auth=("api_key", key)) == 401
    assert requests.delete(f"{api}/tokens/{listed[0]['id']}", auth=ADMIN, timeout=10).status_code == 404
    other = post(running, f"/api/serviceaccounts/{number}/tokens", {"name": "t"}).json()["key"]
    assert status(running, "/api/search", auth=("api_key", other)) == 200
    assert requests.delete(api, auth=ADMIN, timeout=10).status_code == 200
    assert status(running, "/api/search", auth=("api_key", other)) == 401
    assert requests.delete(api, auth=ADMIN, timeout=10).status_code == 404


def test_a_token_expires() -> None:
    """After its secondsToLive, by the clock."""
    now = [1000.0]
    accounts = Accounts(None, clock=lambda: now[0])
    account = accounts.create("a", "Viewer")
    key = accounts.create_token(account, "t", 60)["key"]
    assert accounts.of_token(key) == account
    now[0] += 60
    assert accounts.of_token(key) is None
    assert accounts.tokens_of(account)[0]["hasExpired"] is True


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "x" * 191}, {"name": "x", "role": "Root"}, [], {"name": 7}], ids=str
)
def test_an_account_that_cannot_be_made(body: Any, running: Running) -> None:
    """Without a usable name, or with a role that is none: 400."""
    assert post(running, "/api/serviceaccounts", body).status_code == 400


def test_a_token_that_cannot_be_made(running: Running) -> None:
    """For nobody, without a name, with a lifetime that is none, or under a name that is taken; accounts alike."""
    number, _ = token_of(running, "Viewer")
    path = f"/api/serviceaccounts/{number}/tokens"
    assert post(running, "/api/serviceaccounts/99/tokens", {"name": "x"}).status_code == 404
    bodies: list[dict[str, Any]] = [{}, {"name": "t"}, {"name": "x", "secondsToLive": -1}]
    assert [post(running, path, body).status_code for body in bodies] == [400] * 3
    assert post(running, "/api/serviceaccounts", {"name": "sa Viewer"}).status_code == 400
    assert requests.get(f"{running.url}/api/serviceaccounts/99/tokens", auth=ADMIN, timeout=10).status_code == 404


def test_tokens_outlive_a_restart_as_hashes(folder: Path, tmp_path: Path) -> None:
    """What --data holds lets nobody in, nobody else may read it, and the token still works after a restart."""
    data = tmp_path / "data"
    with standin(folder, "", data=data) as first:
        _, key = token_of(first, "Viewer")
        assert key not in first.log.getvalue()
    files = list(data.iterdir())
    assert [(file.name, stat.S_IMODE(file.stat().st_mode)) for file in files] == [("service-accounts.json", 0o600)]
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert key not in files[0].read_text(encoding="utf-8")
    with standin(folder, "", data=data) as second:
        assert status(second, "/api/search", auth=("api_key", key)) == 200
        assert status(second, "/api/search", auth=("api_key", files[0].read_text(encoding="utf-8"))) == 401
        accounts = requests.get(f"{second.url}/api/serviceaccounts/search", auth=ADMIN, timeout=10).json()
    assert [(one["name"], one["role"], one["tokens"]) for one in accounts["serviceAccounts"]] == [
        ("sa Viewer", "Viewer", 1)
    ]
    files[0].write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"holds no service accounts; remove it"):
        Accounts(data)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Basic eDp5", "invalid username or password"),
        ("Basic !!!", "invalid username or password"),
        ("Basic YWRtaW4=", "invalid username or password"),  # admin, without a colon
        ("Basic //8=", "invalid username or password"),  # no UTF-8
        ("Basic YXBpX2tleTp4", "invalid API key"),  # api_key:x
        ("Bearer x", "invalid API key"),
        ("Bearer ", "invalid API key"),
    ],
)
def test_a_wrong_login_is_refused(header: str, message: str, running: Running) -> None:
    """Whatever its form; asking for health needs none."""
    headers = {"Authorization": header}
    answer = requests.get(f"{running.url}/api/search", headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["message"]) == (401, message)
    assert status(running, "/api/health", headers=headers) == 200
    assert status(running, "/", headers=headers) == 401


def test_nobody_reads_anything_without_a_login(running: Running) -> None:
    """Every path of the API but health says 401, and every page leads to the login."""
    paths = (
        "/api/search",
        "/api/dashboards/uid/a",
        "/api/datasources",
        "/api/ds/query",
        "/api/nothing",
        "/api/folders",
    )
    assert [status(running, path) for path in paths] == [401] * len(paths)
    assert post(running, "/api/ds/query", {}, auth=None).status_code == 401
    for path in ("/", "/d/a/x", "/logout"):
        answer = requests.get(f"{running.url}{path}", timeout=10, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/login")


def test_a_program_logs_in_with_json(running: Running) -> None:
    """The cookie opens API and pages, is hidden from scripts and other sites, and ends with the logout."""
    with requests.Session() as session:
        refused = session.post(f"{running.url}/login", json={"user": USER, "password": "x"}, timeout=10)
        assert (refused.status_code, refused.json()["message"]) == (401, "Invalid username or password")
        answer = session.post(f"{running.url}/login", json={"user": USER, "password": PASSWORD}, timeout=10)
        assert (answer.status_code, answer.json()["message"]) == (200, "Logged in")
        assert answer.headers["Set-Cookie"].endswith("; Path=/; HttpOnly; SameSite=Lax")
        assert session.get(f"{running.url}/api/datasources", timeout=10).status_code == 200
        assert (
            session.get(f"{running.url}/d/a?var-env=x&var-env=y", timeout=10).text
            == "/d/a [('var-env', ('x', 'y'))] True"
        )
        old = dict(session.cookies)
        assert session.get(f"{running.url}/logout", timeout=10).text == "/login [] False"
        assert status(running, "/api/search", cookies=old) == 401
    assert PASSWORD not in running.log.getvalue()


def form(session: requests.Session, running: Running, password: str, **headers: str) -> requests.Response:
    data = {"user": USER, "password": password}
    return session.post(f"{running.url}/login", data=data, headers=headers, timeout=10, allow_redirects=False)


def test_a_browser_logs_in_with_a_form(running: Running) -> None:
    """It comes back to the page that it asked for; after a wrong password, to the login."""
    with requests.Session() as session:
        asked = session.get(
            f"{running.url}/d/a?x=%2F", headers={"Accept": "text/html"}, timeout=10, allow_redirects=False
        )
        assert asked.headers["Location"] == "/login"
        session.get(f"{running.url}/favicon.ico", timeout=10)
        wrong = form(session, running, "wrong")
        assert (wrong.status_code, wrong.headers["Location"]) == (302, "/login?error=1")
        right = form(session, running, PASSWORD)
        assert (right.status_code, right.headers["Location"]) == (302, "/d/a?x=/")
        assert session.get(f"{running.url}/login", timeout=10, allow_redirects=False).headers["Location"] == "/"


@pytest.mark.parametrize("place", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nX: y", ""])
def test_a_login_leads_to_no_other_site(place: str, running: Running) -> None:
    """A cookie that names another place is not followed."""
    with requests.Session() as session:
        cookie = f"redirect_to={quote(place, safe='')}"
        assert form(session, running, PASSWORD, Cookie=cookie).headers["Location"] == "/"


def test_another_sites_page_changes_nothing(running: Running) -> None:
    """A browser that was sent by a page of another site is refused; one of our own is not."""
    for origin, expected in (("http://evil.example", 403), (running.url, 200), ("null", 403)):
        body = {"user": USER, "password": PASSWORD}
        answer = post(running, "/login", body, headers={"Origin": origin}, auth=None)
        assert answer.status_code == expected


def test_a_session_ends_by_itself() -> None:
    """After seven days without a request; and of too many, the oldest make room."""
    now = [0.0]
    login = Login(USER, PASSWORD, Accounts(None), clock=lambda: now[0])
    cookie = {"Cookie": f"grafana_session={login.begin()}"}
    now[0] += 7 * 86400
    assert login.who(cookie) is not None
    now[0] += 7 * 86400 + 1
    assert login.who(cookie) is None
    first = {"Cookie": f"grafana_session={login.begin()}"}
    for _ in range(1000):
        now[0] += 1
        login.begin()
    assert login.who(first) is None
    assert login.who({"Cookie": "grafana_session=\x00; ="}) is None


def test_a_login_is_right_in_both_parts() -> None:
    """Neither part alone, nor the beginning of one, nor what is no text."""
    login = Login(USER, PASSWORD, Accounts(None))
    tried = [(USER, PASSWORD), (USER, PASSWORD[:-1]), (USER[:-1], PASSWORD), ("\ud800", "")]
    assert [login.right(*pair) for pair in tried] == [True, False, False, False]
