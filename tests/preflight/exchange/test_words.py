"""What exchanges answer, through ccxt itself: each refusal by its code, in the exchange's own words, within bounds."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from preflight.config.sections import ExchangeSection
from preflight.exchange.client import ExchangeClient, open_exchange
from preflight.exchange.codes import CODES, meaning_of
from preflight.exchange.kinds import ExchangeAnswer, Trouble, TroubleError, TroubleKind, make_trouble, waiting_time

KEYS = {"api_key": "k" * 40, "secret": "s" * 40, "password": "passphrase"}
WORDS = "the words of the exchange, request ip: 203.0.113.9"
# Exchange -> HTTP status with which it refuses, and the shape of its refusals.
SHAPES: dict[str, tuple[int, Callable[[str], dict[str, Any]]]] = {
    "binance": (400, lambda code: {"code": int(code), "msg": WORDS}),
    "upbit": (401, lambda code: {"error": {"name": code, "message": WORDS}}),
    "bithumb": (401, lambda code: {"error": {"name": code, "message": WORDS}}),
    "bybit": (200, lambda code: {"retCode": int(code), "retMsg": WORDS, "result": {}}),
    "okx": (401, lambda code: {"code": code, "msg": WORDS, "data": []}),
    "kucoin": (401, lambda code: {"code": code, "msg": WORDS}),
    "bitget": (400, lambda code: {"code": code, "msg": WORDS}),
}
QUESTIONS = {
    "upbit": "private_get_accounts",
    "binance": "private_get_account",
    # Whose balance is asked by POST, which is never sent: any other question is refused in the same shape.
    **dict.fromkeys(("bitstamp", "coinone", "htx", "kraken"), "fetch_markets"),
}

# Prints the kind of the trouble, and by how many bytes the process was larger at most than before the question.
ASKS_ONCE = """
import json, sys
from pathlib import Path
from preflight.config.sections import ExchangeSection
from preflight.exchange.client import open_exchange
from preflight.exchange.kinds import TroubleError

def status_bytes(name):
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024

section = ExchangeSection.model_validate({"symbols": ["BTC/USDT"], "url": sys.argv[1], **json.loads(sys.argv[2])})
client = open_exchange("kucoin", section)
Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is counted from here
before = status_bytes("VmRSS")
try:
    client.ask("fetch_balance")
except TroubleError as error:
    print(error.trouble.kind, status_bytes("VmHWM") - before)
"""


@pytest.fixture
def ask(httpserver: HTTPServer) -> Iterator[Callable[..., Trouble]]:
    """Ask an exchange whose server answers this: `ask("okx", response)`; gives the trouble."""
    opened: dict[str, ExchangeClient] = {}
    section = ExchangeSection.model_validate(
        {"symbols": ["BTC/USDT"], "url": httpserver.url_for("").rstrip("/"), **KEYS}
    )

    def run(exchange: str, response: Response) -> Trouble:
        httpserver.respond_nohandler = lambda *_: response  # type: ignore[method-assign]
        if exchange not in opened:
            opened[exchange] = open_exchange(exchange, section)
        client = opened[exchange]
        question: Callable[..., Any] = client.ask
        what = QUESTIONS.get(exchange, "fetch_balance")
        if exchange == "bithumb":  # ccxt knows its old API only
            question, what = client.get_by_token, "/v1/accounts"
        with pytest.raises(TroubleError) as caught:
            question(what)
        return caught.value.trouble

    yield run
    for client in opened.values():
        client.close()


def answer(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status=status, content_type="application/json")


@pytest.mark.parametrize("exchange", CODES)
def test_x6_each_code_says_what_it_means(exchange: str, ask: Callable[..., Trouble]) -> None:
    """IP address, passphrase, signature, expiry and region are told apart; the exchange's own words are kept."""
    status, shape = SHAPES[exchange]
    for code, kind in CODES[exchange].items():
        trouble = ask(exchange, answer(shape(code), status))
        assert (code, trouble.kind, trouble.said) == (code, kind, WORDS)
        assert code in trouble.actual


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (TroubleKind.KEY, "binance -2008, okx 50103, bitget 40001"),
        (TroubleKind.UNAVAILABLE, "binance -1008, binance -1016, okx 50013, bybit 10019"),
        (TroubleKind.SERVER_ERROR, "bybit 10016, binance -1001, kucoin 500000"),
        (TroubleKind.RATE_LIMIT, "bybit 10429, upbit too_many_requests, bithumb too_many_requests"),
        (TroubleKind.SUSPENDED, "okx 50100, binance -2017, bybit 10008, kucoin 411100, bithumb blocked_member_id"),
        (TroubleKind.PASSPHRASE, "okx 50104, bitget 40011"),
        (TroubleKind.CLOCK, "okx 50112, bybit -1, bitget 40004"),
        (TroubleKind.EXPIRED, "bybit -2015"),
        (TroubleKind.IP, "binance -1005, bybit 10010, okx 50110, kucoin 400006, bitget 40018, bithumb NotAllowIP"),
        (TroubleKind.RATE_LIMIT, "myokx 50011, okxus 50011, bybiteu 10006, kucoineu 429000, binanceus -1003"),
    ],
)
def test_x6_what_the_documents_say(kind: TroubleKind, codes: str) -> None:
    """As each exchange's table of errors has it; the sites of other regions answer with the same codes."""
    for exchange, code in (pair.split() for pair in codes.split(", ")):
        assert (exchange, code, meaning_of(exchange, code)) == (exchange, code, kind)


@pytest.mark.parametrize(
    ("exchange", "refusal", "kind", "says"),
    [
        ("kucoin", ({}, 401), TroubleKind.KEY_REFUSED, "for a reason that this gate does not know"),
        ("binance", ("", 401), TroubleKind.KEY_REFUSED, "for a reason that this gate does not know"),
        ("mexc", ({"code": 700006, "msg": "ip non white list"}, 400), TroubleKind.UNKNOWN_ERROR, "(700006)"),
        ("gate", ({"label": "INVALID_KEY", "message": "x"}, 401), TroubleKind.KEY_REFUSED, "does not know"),
        ("gate", ({"label": "REQUEST_EXPIRED", "message": "x"}, 401), TroubleKind.KEY_REFUSED, "does not know"),
        ("okx", ({}, 400), TroubleKind.UNKNOWN_ERROR, "an error that this gate does not know (HTTP 400)"),
        ("binance", ({"status": 404, "error": "Not Found"}, 404), TroubleKind.NO_ENDPOINT, "has no such endpoint"),
        ("binance", ({"error": "Bad Request"}, 400), TroubleKind.UNKNOWN_ERROR, "does not know (Bad Request)"),
        ("okx", ({"code": "99999", "msg": "x"}, 200), TroubleKind.UNKNOWN_ERROR, "does not know (99999)"),
        ("bybit", ({"retCode": 987654, "retMsg": "x"}, 200), TroubleKind.UNKNOWN_ERROR, "does not know (987654)"),
        ("upbit", ({"error": {"name": "new_refusal"}}, 403), TroubleKind.UNKNOWN_ERROR, "does not know (new_refusal)"),
        ("bithumb", ({"error": {"name": "NotAllowIP", "message": "x"}}, 200), TroubleKind.IP, "from this address"),
        ("upbit", ({"error": {"name": "out_of_scope", "message": "x"}}, 200), TroubleKind.RIGHTS, "a right it needs"),
        ("kraken", ({"error": ["EAPI:Invalid nonce"]}, 200), TroubleKind.TIME_OR_NONCE, "time or nonce"),
    ],
)
def test_x6_a_reason_that_is_not_known_is_not_made_up(
    exchange: str, refusal: tuple[Any, int], kind: TroubleKind, says: str, ask: Callable[..., Trouble]
) -> None:
    """A bare 401 says nothing of why; a code in HTTP 200 counts; ccxt's one class for all refusals of a key is none."""
    body, status = refusal
    trouble = ask(exchange, answer(body, status) if body != "" else Response("", status=status))
    assert (trouble.kind, says in trouble.meaning) == (kind, True), trouble


@pytest.mark.parametrize(
    ("exchange", "body"),
    [
        ("coinone", {"result": "error", "error_code": "4", "error_msg": WORDS}),
        ("htx", {"status": "error", "err-code": "api-signature-not-valid", "err-msg": WORDS, "data": None}),
        ("kraken", {"error": [f"EAPI:Invalid key: {WORDS}"], "result": {}}),
        ("bitstamp", {"status": "error", "reason": WORDS, "code": "API0001"}),
        ("bitstamp", {"error": WORDS}),
    ],
)
@pytest.mark.parametrize("status", [200, 403])
def test_x7_the_words_of_other_shapes(exchange: str, body: Any, status: int, ask: Callable[..., Trouble]) -> None:
    """Error bodies of another shape than those with a table of codes; whatever the status."""
    assert WORDS in ask(exchange, answer(body, status)).said


@pytest.mark.parametrize("before", [0, 280])
def test_x7_the_key_is_not_in_the_words(before: int, ask: Callable[..., Trouble]) -> None:
    """An exchange that says back what it was sent; not half of it either, where its words are cut."""
    said = ask("binance", answer({"code": -1022, "msg": "x" * before + KEYS["api_key"]}, 400)).said
    assert "kkkk" not in said


@pytest.mark.parametrize("exchange", SHAPES)
def test_x6_a_code_that_nobody_knows_is_shown(exchange: str, ask: Callable[..., Trouble]) -> None:
    """X7: It is not guessed at: what came is there to be looked up."""
    status, shape = SHAPES[exchange]
    code = "some_new_refusal" if exchange == "upbit" else "987654"
    trouble = ask(exchange, answer(shape(code), status))

    assert (code in trouble.actual, trouble.said) == (True, WORDS)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        pytest.param(
            "<html>The Amazon CloudFront distribution is configured to block access from your country.</html>",
            403,
            TroubleKind.LOCATION,
            id="country",
        ),
        pytest.param("<html>Request blocked</html>", 403, TroubleKind.FORBIDDEN, id="firewall"),
        pytest.param("error code: 1009", 403, TroubleKind.LOCATION, id="cloudflare, country"),
        pytest.param("error code: 1006", 403, TroubleKind.BANNED, id="cloudflare, address"),
        pytest.param("error code: 1020", 403, TroubleKind.FIREWALL, id="cloudflare, rule"),
        pytest.param("<html>Not Found</html>", 404, TroubleKind.NO_ENDPOINT, id="testnet"),
    ],
)
def test_x14_pages_that_say_no(body: str, status: int, kind: TroubleKind, ask: Callable[..., Trouble]) -> None:
    """A country that is not served, a firewall, and an endpoint that a testnet lacks are three things."""
    assert ask("binance", Response(body, status=status, content_type="text/html")).kind is kind


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        pytest.param(
            lambda: Response(gzip.compress(b" " * 4_000_000) * 100, headers={"Content-Encoding": "gzip"}),
            TroubleKind.TOO_LARGE,
            id="gzip that unpacks to 400 MB",
        ),
        pytest.param(
            lambda: Response(b"[" * 100_000, content_type="application/json"), TroubleKind.NOT_JSON, id="nested"
        ),
        pytest.param(lambda: Response(b"x" * 9_000_000), TroubleKind.TOO_LARGE, id="9 MB"),
        pytest.param(
            lambda: Response(
                gzip.compress(b'{"a": "' + b"b" * 90_000 + b'"}')[:-40], headers={"Content-Encoding": "gzip"}
            ),
            TroubleKind.NOT_JSON,
            id="gzip that ends early",
        ),
    ],
)
def test_x20_an_answer_without_measure(
    made: Callable[[], Response], kind: TroubleKind, ask: Callable[..., Trouble]
) -> None:
    """It is given up within the bounds of any answer, and is no bug of the check."""
    assert ask("binance", made()).kind is kind


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: b"[" + b"{}," * 2_700_000 + b"{}]", id="objects"),
        pytest.param(lambda: b"[" + b",".join(b'{"%x":[]}' % n for n in range(500_000)) + b"]", id="objects of lists"),
        pytest.param(lambda: b'{"data":[' + b"[]," * 2_700_000 + b"[]]}", id="lists"),
    ],
)
def test_x20_small_json_takes_no_memory(make: Callable[[], bytes], httpserver: HTTPServer) -> None:
    """8 MiB of it would be some hundred MB of objects: it is given up below 100 MB.

    In a process of its own, as a check is: one that has had threads owns memory which counts as taken and is not used.
    """
    body = make()
    assert len(body) <= 8 * 2**20 + 10
    response = Response(body, content_type="application/json")
    httpserver.respond_nohandler = lambda *_: response  # type: ignore[method-assign]
    done = subprocess.run(
        (sys.executable, "-c", ASKS_ONCE, httpserver.url_for("").rstrip("/"), json.dumps(KEYS)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kind, taken = done.stdout.split()
    assert (kind, int(taken) < 110 * 2**20) == (TroubleKind.TOO_LARGE, True), taken


@pytest.mark.parametrize("depth", [100, 900, 990])
def test_x20_nested_as_far_as_python_goes(depth: int, ask: Callable[..., Trouble]) -> None:
    """What can be parsed and not be walked through is given up as well: no check meets it."""
    assert (
        ask("upbit", Response("[" * depth + "]" * depth, content_type="application/json")).kind is TroubleKind.NOT_JSON
    )


def test_x21_banned_until() -> None:
    """Milliseconds in the exchange's own words, seconds or a date in its header: until when is said."""

    def wait(text: str = "", after: str = "", status: int = 418, **more: str) -> str:
        headers = {"Retry-After": after, **{name.replace("_", "-"): value for name, value in more.items()}}
        return waiting_time(ExchangeAnswer(status=status, text=text, headers=headers, seconds=0.1))

    until = "until 2026-11-26 21:40:00 UTC"
    assert wait('{"code":-1003,"msg":"IP banned until 1795729200000."}') == until
    assert wait(after=formatdate(1795729200, usegmt=True)) == until
    assert wait("banned until 1795729200.") == wait("blocked until: 2026-11-26T21:40:00Z, wait") == until
    assert wait("until 2026-11-26 21:40:00.") == wait("until 2026-11-27T06:40:00+09:00") == until
    assert wait(X_RateLimit_Reset="1795729200") == wait(X_Bapi_Limit_Reset_Timestamp="1795729200000") == until
    assert wait(status=503, X_RateLimit_Reset="1795729200") == wait(X_RateLimit_Reset="12") == ""
    assert wait(after="7") == "for 7 s"
    dates = ("Wed, 21 Oct 99999999999 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359")
    assert [wait(after=odd) for odd in ("soon", "-1", "9" * 30, "", *dates)] == [""] * 6
    assert [wait(f"until {odd}") for odd in ("9" * 16, "2026-99-99T00:00:00Z", "then")] == [""] * 3
    ban = ExchangeAnswer(status=418, text="banned until 1795729200000", headers={}, seconds=0.1)
    assert make_trouble("binance", TroubleKind.BANNED, ban).meaning == f"has banned this address, {until}"


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("[]", True),
        ('{"data": []}', True),
        ('{"success": {"all": true}, "data": []}', True),  # a word that others give a yes or no
        ('{"success": false, "data": []}', False),
        ('{"error": ["EAPI:Invalid key"], "result": {}}', False),
        ("{}", False),
        ("<html>", False),
    ],
)
def test_x4_an_answer_that_lists_something(text: str, lists: bool) -> None:
    """A balance without an amount counts only where the body lists none, instead of saying nothing or a failure."""
    assert ExchangeAnswer(status=200, text=text, headers={}, seconds=0.1).lists_something is lists
