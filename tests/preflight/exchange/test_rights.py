"""What exchanges say of a key, read through ccxt itself from a server that answers as their documents show."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from preflight.check import Context
from preflight.checks.api_key import ApiKeyCheck
from preflight.config.settings import Settings
from preflight.model import Outcome, Status

KEY, SECRET = "k" * 40, "s" * 40
PATHS = {"bybit": "/v5/user/query-api", "okx": "/api/v5/account/config"}
REGIONS = {"bybiteu": "bybit", "myokx": "okx", "okxus": "okx"}  # sites that answer as the exchange itself
SOUND: dict[str, dict[str, Any]] = {
    "bybit": {"readOnly": 0, "ips": ["203.0.113.7"], "permissions": {"Spot": ["SpotTrade"], "Wallet": []}},
    "okx": {"perm": "read_only,trade", "ip": "203.0.113.7"},
}


def body(exchange: str, found: dict[str, Any]) -> dict[str, Any]:
    return {"retCode": 0, "result": found} if exchange == "bybit" else {"code": "0", "data": [found]}


@pytest.fixture
def ask(
    httpserver: HTTPServer, make_settings: Callable[..., Settings], make_context: Callable[..., Context]
) -> Callable[..., Outcome]:
    """Run `api_key_<exchange>` against a server that says this of the key: `ask("bybit", readOnly=1)`."""

    def run(exchange: str, *, env: str = "live", settings: dict[str, Any] | None = None, **found: Any) -> Outcome:
        alike = REGIONS.get(exchange, exchange)
        answer = {name: value for name, value in {**SOUND[alike], **found}.items() if value is not ...}
        httpserver.expect_request(PATHS[alike], method="GET").respond_with_json(body(alike, answer))
        attested = {"no_withdraw_attested_on": datetime.now(UTC).date(), "no_withdraw_attested_for": "0" * 12}
        section = {"symbols": ["BTC/USDT"], "api_key": KEY, "secret": SECRET, "password": "passphrase", **attested}
        url = httpserver.url_for("").rstrip("/")
        made = make_settings(env=env, exchanges={exchange: {**section, "url": url, **(settings or {})}})
        return ApiKeyCheck(exchange).run(make_context(settings=made))

    return run


@pytest.mark.parametrize("exchange", SOUND)
def test_x4_a_key_with_what_a_bot_needs(exchange: str, ask: Callable[..., Outcome], httpserver: HTTPServer) -> None:
    """Nobody has to attest what the exchange tells; one reading is all that is sent."""
    outcome = ask(exchange, settings={"no_withdraw_attested_on": None, "no_withdraw_attested_for": None})

    assert (outcome.status, outcome.hint) == (Status.PASS, "")
    assert [(request.method, request.path) for request, _ in httpserver.log] == [("GET", PATHS[exchange])]


SOON = f"{datetime.now(UTC) + timedelta(days=2, hours=1):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    ("exchange", "found", "status", "says"),
    [
        ("bybit", {"permissions": {"Spot": ["SpotTrade"], "Wallet": ["Withdraw"]}}, "fail", "may withdraw"),
        (
            "bybit",
            {"permissions": {"Spot": ["SpotTrade"], "Wallet": ["AccountTransfer"]}},
            "fail",
            "may transfer between accounts",
        ),
        ("bybit", {"ips": ["*"]}, "fail", "is not restricted to IP addresses"),
        ("bybit", {"ips": []}, "fail", "is not restricted to IP addresses"),
        ("bybit", {"ips": ["203.0.113.7", "0.0.0.0/0"]}, "fail", "is not restricted to IP addresses"),
        ("bybit", {"readOnly": 1}, "fail", "is not allowed to trade"),
        ("bybit", {"permissions": {"Spot": [], "Wallet": []}}, "fail", "is not allowed to trade"),
        ("bybit", {"expiredAt": SOON}, "warn", "expires in 2 days"),
        ("bybit", {"expiredAt": "2020-01-01T00:00:00Z"}, "fail", "has expired"),
        ("bybit", {"permissions": {"Spot": ["SpotTrade"], "Options": ["OptionsTrade"]}}, "warn", "OptionsTrade"),
        ("bybit", {"permissions": None}, "error", "data of another shape"),
        ("bybit", {"permissions": {}}, "error", "data of another shape"),
        ("bybit", {"readOnly": ...}, "error", "data of another shape"),
        ("bybit", {"expiredAt": "soon"}, "error", "data of another shape"),
        ("bybit", {"permissions": {"Spot": ["SpotTrade"], "Earn": ["FastWithdraw"]}}, "fail", "may withdraw"),
        ("bybit", {"ips": ["0.0.0.0/1", "128.0.0.0/1"]}, "fail", "is not restricted to IP addresses"),
        ("okx", {"ip": "203.0.113.7,::/1"}, "fail", "is not restricted to IP addresses"),
        ("okx", {"perm": "read_only,trade,withdraw"}, "fail", "may withdraw"),
        ("okx", {"perm": "read_only,trade,Withdraw"}, "fail", "may withdraw"),
        ("okx", {"ip": ""}, "fail", "is not restricted to IP addresses"),
        ("okx", {"perm": "read_only"}, "fail", "is not allowed to trade"),
        ("okx", {"perm": "trade"}, "fail", "is not allowed to read"),
        ("okx", {"perm": "read_only,trade,manage_sub"}, "warn", "manage_sub"),
        ("okx", {"perm": ...}, "error", "data of another shape"),
        # Rights by other names, places by other notations, values of other types.
        ("bybit", {"permissions": {"Spot": ["SpotTrade"], "Wallet": ["UniversalTransfer"]}}, "fail", "may transfer"),
        ("bybit", {"permissions": {"Spot": ["SpotTrade"], "Wallet": ["accounttransfer"]}}, "fail", "may transfer"),
        ("okx", {"perm": "read_only,trade,fund_transfer"}, "fail", "may transfer"),
        ("okx", {"perm": ""}, "fail", "is not allowed to read"),
        ("okx", {"ip": "*.*.*.*"}, "fail", "is not restricted to IP addresses"),
        ("okx", {"ip": "0.0.0.0/4"}, "fail", "is not restricted to IP addresses"),
        ("okx", {"ip": "somewhere"}, "error", "data of another shape"),
        ("bybit", {"ips": [None]}, "error", "data of another shape"),
        ("bybit", {"ips": ["0.0.0.0-255.255.255.255"]}, "error", "data of another shape"),
        ("bybit", {"ips": ["2001:db8::/16"]}, "fail", "is not restricted to IP addresses"),
        ("bybit", {"expiredAt": []}, "error", "data of another shape"),
        ("bybit", {"expiredAt": {"at": 1}}, "error", "data of another shape"),
    ],
)
def test_x4_what_the_exchange_says_outweighs_an_attestation(
    exchange: str, found: dict[str, Any], status: str, says: str, ask: Callable[..., Outcome]
) -> None:
    """An operator has attested the key in every one of these, and it weighs nothing."""
    outcome = ask(exchange, **found)

    assert (outcome.status, says in outcome.summary) == (status, True), outcome.summary


def test_x4_a_key_that_only_reads_is_enough_on_paper(ask: Callable[..., Outcome]) -> None:
    """Its names are those of a key that acts; it may do none of that."""
    wallet = {"Spot": ["SpotTrade"], "Wallet": ["Withdraw", "AccountTransfer"]}
    assert ask("bybit", env="paper", readOnly=1, permissions=wallet).status is Status.PASS


@pytest.mark.parametrize(
    ("needs", "status"), [([], Status.WARN), (["options"], Status.PASS), (["options", "futures"], Status.FAIL)]
)
def test_x18_a_right_that_is_needed(needs: list[str], status: Status, ask: Callable[..., Outcome]) -> None:
    """Declared, it is no warning any more; declared and lacking, the bot could not do its work."""
    rights = {"Spot": ["SpotTrade"], "Options": ["OptionsTrade"]}
    assert ask("bybit", permissions=rights, settings={"needs": needs}).status is status


def _claims(token: str) -> dict[str, Any]:
    """Give what a JWT says, once its signature is seen to be right."""
    head, _, signature = token.removeprefix("Bearer ").rpartition(".")
    digest = hmac.new(SECRET.encode(), head.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == signature
    part = head.partition(".")[2]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


@pytest.fixture
def ask_bithumb(
    httpserver: HTTPServer, make_settings: Callable[..., Settings], make_context: Callable[..., Context]
) -> Callable[..., Outcome]:
    """Run `api_key_bithumb` against its present API: `ask_bithumb(days=30)`, or with a refusal by name."""

    def run(*, days: float = 90, refusal: str = "") -> Outcome:
        ends = f"{datetime.now(UTC) + timedelta(days=days, hours=1):%Y-%m-%dT%H:%M:%S+00:00}"
        answers: dict[str, Any] = {
            "/v1/api_keys": [
                {"access_key": "another", "expire_at": "2020-01-01T00:00:00+09:00"},
                {"access_key": KEY, "expire_at": ends},
            ],
            "/v1/accounts": [{"currency": "KRW", "balance": "1000.0", "locked": "0", "avg_buy_price": "0"}],
        }
        said = {"error": {"name": refusal, "message": "권한이 부족합니다."}}
        for path, found in answers.items():
            expected = httpserver.expect_request(path, method="GET")
            expected.respond_with_json(said if refusal else found, status=401 if refusal else 200)
        attested = {
            "no_withdraw_attested_on": datetime.now(UTC).date(),
            "no_withdraw_attested_for": hashlib.sha256(KEY.encode()).hexdigest()[:12],
        }
        url = httpserver.url_for("").rstrip("/")
        section = {"symbols": ["BTC/KRW"], "api_key": KEY, "secret": SECRET, "url": url, **attested}
        return ApiKeyCheck("bithumb").run(
            make_context(settings=make_settings(env="live", exchanges={"bithumb": section}))
        )

    return run


def test_x16_bithumb_is_asked_by_token(ask_bithumb: Callable[..., Outcome], httpserver: HTTPServer) -> None:
    """Its present API tells when the key ends; each question has a token of its own, signed with the secret."""
    outcome = ask_bithumb()

    assert (outcome.status, "the Bithumb key works, lives until" in outcome.summary) == (Status.PASS, True), outcome
    assert [(request.method, request.path) for request, _ in httpserver.log] == [
        ("GET", "/v1/api_keys"),
        ("GET", "/v1/accounts"),
    ]
    claims = [_claims(request.headers["Authorization"]) for request, _ in httpserver.log]
    assert {each["access_key"] for each in claims} == {KEY}
    assert len({each["nonce"] for each in claims}) == 2
    assert all(abs(each["timestamp"] / 1000 - datetime.now(UTC).timestamp()) < 60 for each in claims)


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({"days": 2}, Status.WARN, "the key expires in 2 days"),
        ({"days": -3}, Status.FAIL, "the Bithumb key expired on"),
        ({"refusal": "NotAllowIP"}, Status.FAIL, "does not allow the API key from this address"),
        ({"refusal": "out_of_scope"}, Status.FAIL, "denies the API key a right"),
        ({"refusal": "jwt_verification"}, Status.FAIL, "the secret does not belong to the API key"),
        ({"refusal": "expired_jwt"}, Status.ERROR, "rejects the request's timestamp"),
    ],
)
def test_x16_what_bithumb_says_of_a_key(
    given: dict[str, Any], status: Status, says: str, ask_bithumb: Callable[..., Outcome]
) -> None:
    """Its end and its refusals are told apart as Upbit's are."""
    outcome = ask_bithumb(**given)
    assert (outcome.status, says in outcome.summary) == (status, True), outcome


@pytest.fixture
def ask_binance(
    httpserver: HTTPServer, make_settings: Callable[..., Settings], make_context: Callable[..., Context]
) -> Callable[..., Outcome]:
    """Run `api_key_binance` against a server that says this of a sound key besides: `ask_binance(enableX=True)`."""

    def run(**found: Any) -> Outcome:
        sound = {"ipRestrict": True, "createTime": 1, "enableReading": True, "enableSpotAndMarginTrading": False}
        off = dict.fromkeys(("enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer"), False)
        httpserver.expect_request("/sapi/v1/account/apiRestrictions").respond_with_json({**sound, **off, **found})
        section = {"symbols": ["BTC/USDT"], "api_key": KEY, "secret": SECRET, "url": httpserver.url_for("").rstrip("/")}
        made = make_settings(env="paper", exchanges={"binance": section})
        return ApiKeyCheck("binance").run(make_context(settings=made))

    return run


@pytest.mark.parametrize(
    ("found", "status", "says"),
    [
        ({}, Status.PASS, "only the permissions"),
        ({"enableFutures": False}, Status.PASS, "only the permissions"),
        ({"enableFutures": True}, Status.WARN, "enableFutures"),
        ({"enableSubAccountWithdraw": True}, Status.FAIL, "may withdraw"),
        ({"permitsPartnerTransfer": True}, Status.FAIL, "may transfer"),
        ({"enableSubAccountWithdraw": "true"}, Status.ERROR, "data of another shape"),
        ({"enablePayout": 1}, Status.ERROR, "data of another shape"),
        ({"permissions": ["WITHDRAW"]}, Status.ERROR, "data of another shape"),
        ({"enableWithdrawals": None}, Status.ERROR, "data of another shape"),
        ({"tradingAuthorityExpirationTime": int("9" * 30)}, Status.ERROR, "data of another shape"),
    ],
)
def test_x4_a_right_of_binance_that_is_new(
    found: dict[str, Any], status: Status, says: str, ask_binance: Callable[..., Outcome]
) -> None:
    """One whose value is neither on nor off is none that is off."""
    outcome = ask_binance(**found)
    assert (outcome.status, says in outcome.summary) == (status, True), outcome


def _attested() -> dict[str, Any]:
    return {
        "no_withdraw_attested_on": datetime.now(UTC).date(),
        "no_withdraw_attested_for": hashlib.sha256(KEY.encode()).hexdigest()[:12],
    }


@pytest.fixture
def ask_upbit(
    httpserver: HTTPServer, make_settings: Callable[..., Settings], make_context: Callable[..., Context]
) -> Callable[..., Outcome]:
    """Run `api_key_upbit` in live against a list of pockets that names these rights of the key."""

    def run(*rights: str, response: Response | None = None) -> Outcome:
        keys = [{"access_key": KEY, "permissions": list(rights), "allowed_ips": ["203.0.113.7"], "expired_at": None}]
        pocket = httpserver.expect_request("/v1/pockets/api_keys")
        pocket.respond_with_response(response or Response(json.dumps([{"uuid": "u", "api_keys": keys}])))
        ends = f"{datetime.now(UTC) + timedelta(days=90):%Y-%m-%dT%H:%M:%S+00:00}"
        httpserver.expect_request("/v1/api_keys").respond_with_json([{"access_key": KEY, "expire_at": ends}])
        httpserver.expect_request("/v1/accounts").respond_with_json([])
        section = {"symbols": ["BTC/KRW"], "api_key": KEY, "secret": SECRET, "url": httpserver.url_for("").rstrip("/")}
        made = make_settings(env="live", exchanges={"upbit": {**section, **_attested()}})
        return ApiKeyCheck("upbit").run(make_context(settings=made))

    return run


@pytest.mark.parametrize(
    ("rights", "status", "says"),
    [
        (("자산조회", "주문조회", "주문하기", "출금조회", "입금하기"), Status.PASS, "only the permissions"),
        (("view_asset", "make_order", "view_withdraw"), Status.PASS, "only the permissions"),
        (("자산조회", "주문하기", "출금조회 및 출금하기"), Status.FAIL, "may withdraw"),
        (("asset:read", "order", "withdraw_whitelist"), Status.FAIL, "may withdraw"),
        (("asset:read", "order", "withdraw_read_write"), Status.FAIL, "may withdraw"),
        (("자산조회", "주문하기", "자산이전"), Status.FAIL, "may transfer between pockets"),
        (("자산조회", "주문하기", "주문하기및대여"), Status.WARN, "주문하기및대여"),
        (("asset:read", "order", "deposit_lend"), Status.WARN, "deposit_lend"),
        ((), Status.FAIL, "is not allowed to read"),
    ],
)
def test_x4_a_right_of_upbit_by_another_name(
    rights: tuple[str, ...], status: Status, says: str, ask_upbit: Callable[..., Outcome]
) -> None:
    """A word that means looking hides none that means acting, and a known word no unknown one."""
    outcome = ask_upbit(*rights)
    assert (outcome.status, says in outcome.summary) == (status, True), outcome


def test_x16_a_site_of_upbit_that_has_no_pockets(ask_upbit: Callable[..., Outcome]) -> None:
    """Another region's site may know the question not at all: then the attestation counts."""
    outcome = ask_upbit(response=Response("<html>Not Found</html>", status=404, content_type="text/html"))
    assert (outcome.status, "was attested not to withdraw" in outcome.summary) == (Status.PASS, True), outcome


@pytest.mark.parametrize(
    ("exchange", "body", "status"),
    [
        ("mexc", {"balances": [{"asset": "BTC", "free": "0", "locked": "0"}]}, Status.PASS),
        ("bitget", {"code": "00000", "data": []}, Status.PASS),  # an account that holds nothing
        ("mexc", {"balances": []}, Status.PASS),
        ("bitget", {}, Status.ERROR),
        ("gate", {}, Status.ERROR),
        ("bitget", {"status": "fail", "message": "no"}, Status.ERROR),
        ("mexc", {"result": "error", "error_code": "4", "error_msg": "no"}, Status.ERROR),
        ("mexc", {"success": False, "data": []}, Status.ERROR),
        ("bingx", {"error": {"name": "new_refusal", "message": "no"}}, Status.ERROR),
        ("coinbase", {"code": "98765", "msg": "new words"}, Status.ERROR),
        ("deribit", {"code": "98765", "msg": "new words"}, Status.ERROR),
    ],
)
def test_x4_an_answer_that_holds_no_balance_shows_no_key_at_work(  # noqa: PLR0917 - a table
    exchange: str,
    body: Any,
    status: Status,
    httpserver: HTTPServer,
    make_settings: Callable[..., Settings],
    make_context: Callable[..., Context],
) -> None:
    """Of whatever it does not know ccxt makes an empty balance; with an attestation that would be a PASS."""
    httpserver.respond_nohandler = lambda *_: Response(json.dumps(body))  # type: ignore[method-assign]
    url = httpserver.url_for("").rstrip("/")
    section = {"symbols": ["BTC/USDT"], "api_key": KEY, "secret": SECRET, "password": "passphrase", "url": url}
    made = make_settings(env="live", exchanges={exchange: {**section, **_attested()}})
    outcome = ApiKeyCheck(exchange).run(make_context(settings=made))
    assert outcome.status is status, outcome


@pytest.mark.parametrize(
    ("exchange", "refusal", "expected"),
    [
        ("bithumb", (200, {"error": {"name": "NotAllowIP", "message": "x"}}), ("fail", "from this address")),
        ("bithumb", (200, {"error": {"name": "new_one", "message": "x"}}), ("error", "does not know (new_one)")),
        ("kucoin", (401, {}), ("fail", "refuses the API key, for a reason that this gate does not know")),
        ("okx", (401, {"code": "50100", "msg": "x"}), ("fail", "are suspended, locked or restricted")),
        ("okx", (200, {"code": "50013", "msg": "x"}), ("error", "maintenance or overload")),
        ("bybit", (403, "error code: 1009"), ("error", "does not serve this location")),
    ],
)
def test_x6_a_refused_key(  # noqa: PLR0917 - a table
    exchange: str,
    refusal: tuple[int, Any],
    expected: tuple[str, str],
    httpserver: HTTPServer,
    make_settings: Callable[..., Settings],
    make_context: Callable[..., Context],
) -> None:
    """What shows that the key cannot be used is a FAIL, what says nothing of it an ERROR; the reason is not made up."""
    status, told = refusal
    text = told if isinstance(told, str) else json.dumps(told)
    httpserver.respond_nohandler = lambda *_: Response(text, status=status)  # type: ignore[method-assign]
    section = {"symbols": ["BTC/USDT"], "api_key": KEY, "secret": SECRET, "password": "passphrase"}
    made = make_settings(env="live", exchanges={exchange: {**section, "url": httpserver.url_for("").rstrip("/")}})
    outcome = ApiKeyCheck(exchange).run(make_context(settings=made))
    assert (outcome.status, expected[1] in outcome.summary) == (Status(expected[0]), True), outcome
    assert outcome.said == ("" if told == {} else text if isinstance(told, str) else "x")


@pytest.mark.parametrize("exchange", REGIONS)
def test_x4_the_sites_of_other_regions(exchange: str, ask: Callable[..., Outcome]) -> None:
    """They tell a key's rights as the exchange itself does, and it outweighs an attestation there too."""
    harm: dict[str, Any] = {"perm": "read_only,trade,withdraw"}
    if REGIONS[exchange] == "bybit":
        harm = {"permissions": {"Spot": ["SpotTrade"], "Wallet": ["Withdraw"]}}
    outcome = ask(exchange, **harm)
    assert (outcome.status, "may withdraw" in outcome.summary) == (Status.FAIL, True)
