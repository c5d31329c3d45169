"""What pydantic found wrong with a value, as a message: its own sentences can be said in another language, too."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from preflight.message import OR, Message, fields_of, joined, message, template

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_WHOLE = "Input should be "  # how most of its sentences begin; the key stands before ours
# By the type of the error; `test_wrong_values.py` holds them against what pydantic says.
_TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "bool_parsing": template("should be a valid boolean, unable to interpret input"),
        "bool_type": template("should be a valid boolean"),
        "date_from_datetime_inexact": template(
            "Datetimes provided to dates should have zero time - e.g. be exact dates"
        ),
        "date_type": template("should be a valid date"),
        "dict_type": template("should be a valid dictionary"),
        "enum": template("should be {expected}"),
        "finite_number": template("should be a finite number"),
        "float_parsing": template("should be a valid number, unable to parse string as a number"),
        "float_type": template("should be a valid number"),
        "greater_than": template("should be greater than {gt:g}"),
        "greater_than_equal": template("should be greater than or equal to {ge:g}"),
        "int_from_float": template("should be a valid integer, got a number with a fractional part"),
        "int_parsing": template("should be a valid integer, unable to parse string as an integer"),
        "int_parsing_size": template("Unable to parse input string as an integer, exceeded maximum size"),
        "int_type": template("should be a valid integer"),
        "less_than_equal": template("should be less than or equal to {le:g}"),
        "model_type": template("should be a valid dictionary or instance of {class_name}"),
        "path_type": template("Input is not a valid path for <class 'pathlib.Path'>"),
        "string_pattern_mismatch": template("String should match pattern '{pattern}'"),
        "string_too_short": template("String should have at least {min_length} character"),
        "string_type": template("should be a valid string"),
        "too_short": template("Value should have at least {min_length} item after validation, not {actual_length}"),
        "tuple_type": template("should be a valid tuple"),
    }
)
# Where pydantic's sentence ends in words of its parser, which no catalogue knows.
_OURS: Mapping[str, Message] = MappingProxyType(
    {"date_from_datetime_parsing": message("should be a date, such as {example}", example="2026-11-20")}
)


def what_is_wrong(error: ErrorDetails) -> Message:
    """Return what is wrong with a value, without the value: it may be secret.

    Args:
        error: Of `ValidationError.errors()`. A sentence that is not known here stays pydantic's own.
    """
    values = error.get("ctx", {})
    if isinstance(own := values.get("error"), ValueError) and isinstance(said := str(own), Message):
        return said
    if error["type"] in _OURS:
        return _OURS[error["type"]]
    words = error["msg"].removeprefix("Value error, ")
    english = f"should be {words.removeprefix(_WHOLE)}" if words.startswith(_WHOLE) else words
    known = _TEMPLATES.get(error["type"])
    if known is not None and values.keys() >= set(fields_of(known)):
        made = message(known, **{name: _said(name, values[name]) for name in fields_of(known)})
        if made == english:
            return made
    return Message(english)


def _said(name: str, value: object) -> object:
    """Return a value of a sentence; the choices of an enum, `'a', 'b' or 'c'`, with an "or" that can be translated."""
    return joined(str(value).rsplit(OR, 1), OR) if name == "expected" else value
