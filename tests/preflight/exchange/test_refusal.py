"""X7: the other side's own words are found in whatever shape it answers, without a secret, within bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from preflight.exchange.kinds import ExchangeAnswer
from preflight.exchange.refusal import Refusal, read_refusal

SECRET = "canary-" + "s" * 57
WORDS = "not from 203.0.113.9"


def read(body: Any, status: int = 400, secrets: tuple[str, ...] = (SECRET,)) -> tuple[str, str]:
    text = body if isinstance(body, str) else json.dumps(body)
    refusal = read_refusal(ExchangeAnswer(status=status, text=text, headers={}, seconds=0.1), secrets)
    return refusal.code, refusal.words


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"code": -2015, "msg": WORDS}, ("-2015", WORDS)),
        ({"retCode": 10010, "retMsg": WORDS, "result": {}}, ("10010", WORDS)),
        ({"error": {"name": "no_authorization_ip", "message": WORDS}}, ("no_authorization_ip", WORDS)),
        ({"jsonrpc": "2.0", "id": 7, "error": {"code": 13009, "message": WORDS}}, ("13009", WORDS)),
        ({"result": "error", "error_code": "40", "error_msg": WORDS}, ("40", WORDS)),  # Coinone
        ({"status": "error", "err-code": "api-signature", "err-msg": WORDS, "data": None}, ("api-signature", WORDS)),
        (
            {"error": [f"EAPI:{WORDS}", "EGeneral:more"], "result": {}},
            (f"EAPI:{WORDS}", f"EAPI:{WORDS}; EGeneral:more"),
        ),
        ({"error": WORDS}, (WORDS, WORDS)),  # Bitstamp, as the following two
        ({"status": "error", "reason": WORDS, "code": "API0004"}, ("API0004", WORDS)),
        ({"status": "error", "reason": {"__all__": [WORDS, "again"]}}, ("", f"{WORDS}; again")),
        ({"label": "IP_FORBIDDEN", "message": WORDS}, ("IP_FORBIDDEN", WORDS)),
        ({"label": "INVALID_ARGUMENT", "detail": WORDS}, ("INVALID_ARGUMENT", WORDS)),
        ({"error": "invalid_request", "error_description": WORDS}, ("invalid_request", WORDS)),
        ({"errors": [{"id": "not_found", "message": WORDS}]}, ("not_found", WORDS)),
        ({"errorCode": 205, "error": WORDS}, ("205", WORDS)),
        (["error", 10100, WORDS], ("10100", WORDS)),  # Bitfinex
        ({"success": 0, "data": {"code": 20003}}, ("20003", "")),  # bitbank
        ({"status": "5302", "message": WORDS}, ("5302", WORDS)),  # Bithumb's old API
        ({"outcome": {"what": [WORDS]}}, ("", WORDS)),  # a shape that nobody has seen
        (f"<html><head><title>\n {WORDS}</title></head><body>much</body></html>", ("", WORDS)),
        (f"  {WORDS}\n", ("", WORDS)),
        ('{"msg": "cut off', ("", "")),
        ("", ("", "")),
        ({"code": "0", "msg": "success", "data": []}, ("", "")),
        ({"msg": {"deep": {"er": WORDS}}}, ("", WORDS)),
        ({"status": "9" * 5000}, ("", "")),
    ],
)
def test_x7_every_shape(body: Any, found: tuple[str, str]) -> None:
    """The words of a person's language are taken before a name, and a name before nothing."""
    assert read(body) == found


@pytest.mark.parametrize(
    "body", [{"symbol": "a market", "description": "of two coins"}, [{"message": WORDS}], {"data": [{"error": WORDS}]}]
)
def test_x7_what_was_asked_for_is_no_refusal(body: Any) -> None:
    """Of an answer whose status is fine only what stands at the top, or is named as an error, is its words."""
    assert WORDS not in read(body, status=200)[1]


@pytest.mark.parametrize("before", [0, 250, 290, 4090])
def test_x7_no_half_of_a_secret_stays(before: int) -> None:
    """What was sent and comes back is taken out before the words are cut: half a secret is no longer known as one."""
    code, words = read({"code": SECRET, "msg": "x" * before + SECRET})
    assert "canary" not in f"{code} {words}"
    assert (len(code) <= 40, len(words) <= 300) == (True, True)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SECRET),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["error", "msg", "code", "data", "reason", "status"]) | st.text(), inner)
    ),
    max_leaves=20,
)


@given(body=_json | st.text().map(lambda text: "<title>" + text), status=st.sampled_from([200, 400, 503]))
@example(body={"a" * 70_000: 1}, status=400)
@example(body=[["x y"] * 5000] * 5, status=400)
def test_x7_whatever_it_answers(body: Any, status: int) -> None:
    """It is read without an exception, within bounds, without a secret."""
    code, words = read(body, status)
    assert SECRET not in f"{code} {words}"
    assert (len(code) <= 40, len(words) <= 300) == (True, True)


def test_a_refusal_of_nothing() -> None:
    """A body as long as data is not looked into."""
    long = ExchangeAnswer(status=400, text=json.dumps({"msg": "x" * 70_000}), headers={}, seconds=0.1)
    assert read_refusal(long) == Refusal(code="", words="")
