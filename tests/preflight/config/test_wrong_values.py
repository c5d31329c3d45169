from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from preflight.config.settings import Settings
from preflight.config.wrong_values import _OURS, _TEMPLATES, what_is_wrong
from preflight.language import speaker

# By pydantic's type of error: settings that it refuses so, and the sentence of which the key is the subject.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "bool_parsing": ({"redis": {"tls": "maybe"}}, "should be a valid boolean, unable to interpret input"),
    "bool_type": ({"redis": {"tls": []}}, "should be a valid boolean"),
    "date_from_datetime_inexact": (
        {"exchanges": {"upbit": {"no_withdraw_attested_on": "2026-01-01T10:00"}}},
        "Datetimes provided to dates should have zero time - e.g. be exact dates",
    ),
    "date_from_datetime_parsing": (
        {"exchanges": {"upbit": {"no_withdraw_attested_on": "x"}}},
        "should be a date, such as 2026-11-20",
    ),
    "date_type": ({"exchanges": {"upbit": {"no_withdraw_attested_on": []}}}, "should be a valid date"),
    "dict_type": ({"exchanges": 3}, "should be a valid dictionary"),
    "enum": ({"positions": {"policy": "x"}}, "should be 'fail', 'warn' or 'allow'"),
    "finite_number": ({"redis": {"timeout": float("inf")}}, "should be a finite number"),
    "float_parsing": ({"redis": {"timeout": "x"}}, "should be a valid number, unable to parse string as a number"),
    "float_type": ({"redis": {"timeout": []}}, "should be a valid number"),
    "greater_than": ({"redis": {"timeout": -1}}, "should be greater than 0"),
    "greater_than_equal": ({"redis": {"port": 0}}, "should be greater than or equal to 1"),
    "int_from_float": (
        {"redis": {"port": 1.5}},
        "should be a valid integer, got a number with a fractional part",
    ),
    "int_parsing": ({"redis": {"port": "x"}}, "should be a valid integer, unable to parse string as an integer"),
    "int_parsing_size": (
        {"redis": {"port": "9" * 5000}},
        "Unable to parse input string as an integer, exceeded maximum size",
    ),
    "int_type": ({"redis": {"port": []}}, "should be a valid integer"),
    "less_than_equal": ({"redis": {"timeout": 1e9}}, "should be less than or equal to 600"),
    "model_type": ({"redis": 3}, "should be a valid dictionary or instance of RedisSection"),
    "path_type": ({"ledger": 3}, "Input is not a valid path for <class 'pathlib.Path'>"),
    "string_pattern_mismatch": (
        {"check_timeouts": {"A": 1}},
        "String should match pattern '^[a-z][a-z0-9_]{0,62}$'",
    ),
    "string_too_short": ({"live": {"kill_switch_key": ""}}, "String should have at least 1 character"),
    "string_type": ({"redis": {"host": 3}}, "should be a valid string"),
    "too_short": ({"positions": {"open_values": []}}, "Value should have at least 1 item after validation, not 0"),
    "tuple_type": ({"redis": {"sentinels": 3}}, "should be a valid tuple"),
}


def error_of(settings: dict[str, Any]) -> ErrorDetails:
    """Return the one thing that pydantic finds wrong with settings."""
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({"env": "paper", **settings})
    (found,) = refused.value.errors()
    return found


def test_each_known_sentence_is_tried() -> None:
    """No template is left over."""
    assert REFUSED.keys() == _TEMPLATES.keys() | _OURS.keys()


@pytest.mark.parametrize("kind", REFUSED)
def test_pydantics_sentences_are_messages(kind: str) -> None:
    """What this pydantic says is what the template makes of its values, so that it can be translated."""
    settings, sentence = REFUSED[kind]
    error = error_of(settings)
    said = what_is_wrong(error)
    assert (error["type"], str.__str__(said)) == (kind, sentence)
    assert said.template is not None
    quoted_or_code = r"'[^']*'|<[^>]*>|RedisSection|true, false"
    assert not re.search("[A-Za-z]{2,}", re.sub(quoted_or_code, "", speaker("ko")(said)))


def test_our_own_sentence_is_kept_with_its_values() -> None:
    """A validator's message comes out as it went in."""
    said = what_is_wrong(error_of({"clock": {"warn_ms": 5, "fail_ms": 4}}))
    assert said.template == "warn_ms {warn_ms:g} is above fail_ms {fail_ms:g}"


@pytest.mark.parametrize(
    "error",
    [
        {"type": "greater_than", "loc": (), "msg": "Input should be above 3", "input": 1, "ctx": {"gt": 3}},
        {"type": "greater_than", "loc": (), "msg": "Input should be greater than 3", "input": 1},
        {"type": "brand_new", "loc": (), "msg": "Input should be above 3", "input": 1},
    ],
)
def test_a_sentence_of_another_pydantic(error: ErrorDetails) -> None:
    """One that is not known here, or has become another, stays as it is: a wrong translation would be worse."""
    said = what_is_wrong(error)
    assert said in {"should be above 3", "should be greater than 3"}
    assert said.template is None
