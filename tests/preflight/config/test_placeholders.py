from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.config.placeholders import why_no_chat_id, why_placeholder

REAL = (
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "correct-horse-battery-staple",
    "Vx7!kq2#Zp",
    "8214563297:AAFq0y1mDk3zJ9s8Xb2uQwErTyUiOpLkJhG",
    "a1b2c3d4-0000-4fff-8888-1234567890ab",
)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        pytest.param("s3cr3t!", "shorter", id="short"),
        pytest.param("        x", "shorter", id="blanks do not count"),
        pytest.param("aaaaaaaaaaaa", "over and over", id="one character"),
        pytest.param("000000000000", "over and over", id="zeros"),
        pytest.param("changeme", "changeme", id="changeme"),
        pytest.param("ChangeMe-2026", "changeme", id="changeme with a year"),
        pytest.param("change_me_please", "nothing but", id="change me please"),
        pytest.param("your_api_key_here", "your", id="your"),
        pytest.param("YOUR-upbit-QX81", "your", id="your, whatever follows"),
        pytest.param("<your token>", "template", id="angle brackets"),
        pytest.param("${REDIS_PASSWORD}", "template", id="shell variable"),
        pytest.param("$REDIS_PASSWORD", "template", id="bare shell variable"),
        pytest.param("{{ redis_password }}", "template", id="jinja"),
        pytest.param("xxxxxxxxxx-1", "xxx", id="xxx"),
        pytest.param("binance-xxxx", "xxx", id="xxx behind a name"),
        pytest.param("an-example-key-9", "changeme", id="example"),
        pytest.param("placeholder1", "changeme", id="placeholder"),
        pytest.param("TODO: ask Kim", "changeme", id="todo"),
        pytest.param("dummy-key-0815", "changeme", id="dummy"),
        pytest.param("password", "nothing but", id="password"),
        pytest.param("Password123", "nothing but", id="password with digits"),
        pytest.param("my-secret-password", "nothing but", id="filler words only"),
        pytest.param("postgres2026", "nothing but", id="a service's name"),
        pytest.param("kraken-kraken", "nothing but", id="this service's name"),
        pytest.param("12345678", "counts up", id="counts up"),
        pytest.param("87654321", "counts up", id="counts down"),
        pytest.param("abcdefghij", "counts up", id="alphabet"),
        pytest.param("110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "documentation", id="printed in the docs"),
    ],
)
def test_stand_ins_are_found(value: str, word: str) -> None:
    """What examples and templates hold is told from a secret, and the answer does not repeat it."""
    why = why_placeholder(value, service="kraken")
    assert why is not None
    assert word in why
    assert len(value.strip()) < 12 or value not in why


@pytest.mark.parametrize("value", REAL)
def test_real_secrets_pass(value: str) -> None:
    """A secret is not held up, even where it holds an ordinary word."""
    assert why_placeholder(value, service="redis") is None


@given(st.binary(min_size=16, max_size=32))
def test_random_bytes_pass(raw: bytes) -> None:
    """What `openssl rand -hex` makes passes, unless it is one digit all over."""
    assert (why_placeholder(raw.hex()) is None) == (len(set(raw.hex())) > 1)


@pytest.mark.parametrize("value", ["7", "-1001234567", "42"])
def test_short_by_nature(value: str) -> None:
    """A chat id may be short."""
    assert why_placeholder(value, min_length=1) is None


@pytest.mark.parametrize("value", ["7", "-42", "-1001234567890", "@arbitrage_live", "@test_channel", " 12 "])
def test_x11_a_chat_id_is_judged_by_its_form(value: str) -> None:
    """A number or a public name is one, whatever words the name is made of."""
    assert why_no_chat_id(value) is None


@pytest.mark.parametrize(
    "value", ["", "your-chat-id", "<chat id>", "arbitrage_live", "@abc", "t.me/x", "1 2", "@1abcd"]
)
def test_x11_what_is_no_chat_id(value: str) -> None:
    """Anything else cannot be where an alert goes."""
    assert "is not a chat id" in str(why_no_chat_id(value))
