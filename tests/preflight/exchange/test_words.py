"""What exchanges answer, through ccxt itself: each refusal by its code, in the exchange's own words, within bounds."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from preflight.config.sections import ExchangeSection
from preflight.exchange.client import ExchangeClient, open_exchange
from preflight.exchange.codes import CODES
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
QUESTIONS = {"upbit": "private_get_accounts", "binance": "private_get_account"}


@pytest.fixture
def ask(httpserver: HTTPServer) -> Iterator[Callable[..., Trouble]]:
    """Ask an exchange whose server answers this: `ask("okx", response)`; gives the trouble."""
    opened: list[ExchangeClient] = []

    def run(exchange: str, response: Response) -> Trouble:
        httpserver.respond_nohandler = lambda *_: response  # type: ignore[method-assign]
        section = ExchangeSection.model_validate(
            {"symbols": ["BTC/USDT"], "url": httpserver.url_for("").rstrip("/"), **KEYS}
        )
        client = open_exchange(exchange, section)
        opened.append(client)
        question: Callable[..., Any] = client.ask
        what = QUESTIONS.get(exchange, "fetch_balance")
        if exchange == "bithumb":  # ccxt knows its old API only
            question, what = client.get_by_token, "/v1/accounts"
        with pytest.raises(TroubleError) as caught:
            question(what)
        return caught.value.trouble

    yield run
    for client in opened:
        client.close()


def answer(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status=status, content_type="application/json")


@pytest.mark.parametrize(("exchange", "code"), [(name, code) for name, table in CODES.items() for code in table])
def test_x6_each_code_says_what_it_means(exchange: str, code: str, ask: Callable[..., Trouble]) -> None:
    """IP address, passphrase, signature, expiry and region are told apart; the exchange's own words are kept."""
    status, shape = SHAPES[exchange]
    trouble = ask(exchange, answer(shape(code), status))

    assert (trouble.kind, trouble.said) == (CODES[exchange][code], WORDS)
    assert code in trouble.actual


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
            lambda: Response(gzip.compress(b" " * 400_000_000), headers={"Content-Encoding": "gzip"}),
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


def test_x21_banned_until() -> None:
    """Milliseconds in the exchange's own words, seconds or a date in its header: until when is said."""

    def wait(text: str = "", after: str = "") -> str:
        return waiting_time(ExchangeAnswer(status=418, text=text, headers={"Retry-After": after}, seconds=0.1))

    until = "until 2026-11-26 21:40:00 UTC"
    assert wait('{"code":-1003,"msg":"IP banned until 1795729200000."}') == until
    assert wait(after=formatdate(1795729200, usegmt=True)) == until
    assert wait(after="7") == "for 7 s"
    assert [wait(after=odd) for odd in ("soon", "-1", "9" * 30, "")] == [""] * 4
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
