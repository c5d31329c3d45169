from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import LedgerError
from preflight.message import (
    AND,
    BadMessageError,
    Message,
    cleaned,
    from_data,
    joined,
    message,
    to_data,
    translated,
    values_of,
)

GERMAN = {
    "{who} refuses the {what}": "Das {what} wird von {who} abgelehnt",
    "password": "Passwort",
    " and ": " und ",
}


def gettext(template: str) -> str:
    return GERMAN.get(template, template)


REFUSES = message("{who} refuses the {what}", who="Redis", what=message("password"))


def test_a_message_is_its_english_text() -> None:
    """It can be compared, searched and written like any text."""
    assert REFUSES == "Redis refuses the password"
    assert isinstance(REFUSES, str)
    assert (REFUSES.template, values_of(REFUSES)) == (
        "{who} refuses the {what}",
        {"who": "Redis", "what": "password"},
    )


def test_values_are_plain() -> None:
    """A path or an exception becomes text, a number stays one and is formatted by the template."""
    made = message("{path}: {error}, {ms:.1f} ms", path=Path("/x"), error=OSError("no"), ms=1.25)
    assert made == "/x: no, 1.2 ms"
    assert values_of(made) == {"path": "/x", "error": "no", "ms": 1.25}


def test_translation_reaches_the_values() -> None:
    """The template of the other language may take the values in another order; messages among them are translated."""
    assert translated(REFUSES, gettext) == "Das Passwort wird von Redis abgelehnt"
    assert translated(joined((REFUSES, "errno 5"), AND), gettext) == "Das Passwort wird von Redis abgelehnt und errno 5"


@pytest.mark.parametrize("text", ["plain", Message("words of a server"), message("unknown {here}", here=1)])
def test_what_has_no_translation_stays(text: str) -> None:
    """A text without a template, or whose template the catalogue does not know, is the same in every language."""
    assert translated(text, gettext) == text


def test_an_exception_keeps_its_message() -> None:
    """The text of an exception that was raised with a message is that message."""
    assert str(LedgerError(REFUSES)) is REFUSES


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])  # noqa: S301
def test_it_can_be_copied(again: Callable[[Message], Message]) -> None:
    """A copy has the same text, template and values."""
    other = again(REFUSES)
    assert (other, other.template, dict(other.values)) == (REFUSES, REFUSES.template, dict(REFUSES.values))


def test_one_part_alone_is_joined_too() -> None:
    """One text is itself; more than a message may have values are kept as text."""
    assert translated(joined((REFUSES,)), gettext) == translated(REFUSES, gettext)
    for parts in ((REFUSES,), (REFUSES, "x"), ()):
        one = joined(parts, AND)
        assert from_data(to_data(one)) == one
    many = joined(str(number) for number in range(100))
    assert (many.template, many[:10]) == (None, "0; 1; 2; 3")


def test_a_message_without_its_secret_is_still_one() -> None:
    """Cleaning goes through the values, whole and nested; the text and what it was made from say the same."""
    inner = message("token {token}", token="hunter2")
    clean = cleaned(message("{who}: {what}", who="bot", what=inner), lambda text: text.replace("hunter2", "[secret]"))
    assert clean == "bot: token [secret]"
    assert "hunter2" not in repr(to_data(clean))
    assert clean.template == "{who}: {what}"


def test_a_secret_over_two_values_costs_the_template() -> None:
    """Where only the whole text shows the secret, the text is cleaned and what it was made from is dropped."""
    clean = cleaned(message("{a}{b}", a="hunt", b="er2"), lambda text: text.replace("hunter2", "[secret]"))
    assert (clean, clean.template, dict(clean.values)) == ("[secret]", None, {})


def test_it_travels_as_data() -> None:
    """What one process wrote is the same message in another."""
    again = from_data(to_data(REFUSES))
    assert (again, translated(again, gettext)) == (REFUSES, translated(REFUSES, gettext))
    assert to_data(Message("plain")) is None


@pytest.mark.parametrize(
    "data",
    [
        None,
        "text",
        {},
        {"template": "x"},
        {"template": 1, "values": {}},
        {"template": "x", "values": {}, "more": 1},
        {"template": "x" * 1001, "values": {}},
        {"template": "{a}", "values": {}},
        {"template": "{a}", "values": {"a": 1, "b": 2}},
        {"template": "{a}", "values": {"a": [1]}},
        {"template": "{a.__class__}", "values": {"a.__class__": "x"}},
        {"template": "{a[0]}", "values": {"a[0]": "x"}},
        {"template": "{a:999999999}", "values": {"a": "x"}},
        {"template": "{a:{b}}", "values": {"a": "x", "b": 1}},
        {"template": "{a!a}", "values": {"a": "x"}},
        {"template": "{0}", "values": {"0": "x"}},
        {"template": "{a:.1f}", "values": {"a": "x"}},
        {"template": "{", "values": {}},
        {"template": "{a}", "values": {"a": {"template": "{a}", "values": {"a": {"template": 1, "values": {}}}}}},
    ],
)
def test_data_that_is_not_a_message(data: Any) -> None:
    """A template that asks for more than values by name, or values that are not its own, are refused."""
    with pytest.raises(BadMessageError):
        from_data(data)


def test_depth_has_an_end() -> None:
    """Messages in messages without end are refused, not followed."""
    data: dict[str, Any] = {"template": "x", "values": {}}
    for _ in range(50):
        data = {"template": "{a}", "values": {"a": data}}
    with pytest.raises(BadMessageError):
        from_data(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["template", "values", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON)
def test_any_data_is_a_message_or_refused(data: Any) -> None:
    """Nothing else than BadMessageError comes out, whatever a process wrote."""
    try:
        found = from_data(data)
    except BadMessageError as e:
        assert str(e)  # noqa: PT017 - either way is right
    else:
        assert isinstance(found, Message)
