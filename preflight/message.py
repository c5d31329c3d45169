"""A sentence for a person that remembers what it was made from, so that it can be said in another language.

A `Message` is its English text, and can be used wherever a text can. Beside it stand the template, which is the id
under which the catalogue in `preflight/locale` knows it (gettext's msgid), and the values by name. A text without a
template, such as another program's words, is the same in every language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from string import Formatter
from types import MappingProxyType
from typing import Any, Self, TypeAlias

Value: TypeAlias = "str | int | float | bool | None"  # a str may be a Message itself

_MAX_TEMPLATE = 1000  # characters
_MAX_VALUES = 24  # of one template
_MAX_DEPTH = 8  # of messages in messages
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
_FORMAT = re.compile(r",?(\.[0-9])?[fg]?|d|[0-9]?%")  # of a value; a width could ask for a gigabyte of blanks
_NO_VALUES: Mapping[str, Value] = MappingProxyType({})


class BadMessageError(ValueError):
    """A document that should be a message is not one."""


class Message(str):
    """English text with the template and the values that it was made from."""

    __slots__ = ("template", "values")
    template: str | None  # None: words of another program, which no catalogue knows
    values: Mapping[str, Value]

    def __new__(cls, text: str = "", template: str | None = None, values: Mapping[str, Value] = _NO_VALUES) -> Self:
        """Make one of all three; `message` makes the text of the other two."""
        made = super().__new__(cls, text)
        made.template = template
        made.values = values
        return made

    def __str__(self) -> str:
        """Return the message itself, so that the text of an exception raised with one still is one."""
        return self

    def __reduce__(self) -> tuple[type[Message], tuple[str, str | None, dict[str, Value]]]:
        """Let it be copied and pickled."""
        return Message, (str.__str__(self), self.template, dict(self.values))


NOTHING = Message()


def template(text: str) -> str:
    """Mark a template that `message` fills elsewhere, so that it is extracted into the catalogue."""
    return text


def message(template: str, /, **values: object) -> Message:
    """Return a message.

    Args:
        template: English, with `{name}` for each value, as `str.format` takes it.
        values: Numbers, texts and messages by name; anything else becomes text.
    """
    kept = {name: _value(value) for name, value in values.items()}
    return Message(template.format(**kept), template, MappingProxyType(kept))


AND, OR, BUT = message(" and "), message(" or "), message(" but ")  # between parts


def joined(parts: Iterable[str], between: str = "; ") -> Message:
    """Return several texts as one.

    Args:
        parts: Any number; each is translated by itself.
        between: What stands between two; one that holds a word has to be a message.
    """
    values = {f"part{index}": part for index, part in enumerate(parts, start=1)}
    if len(values) > _MAX_VALUES - 1:  # of so many only the text is kept
        return Message(between.join(values.values()))
    if isinstance(between, Message) and len(values) > 1:
        between, values = "{between}", {"between": between, **values}
        return message(between.join(f"{{{name}}}" for name in values if name != "between"), **values)
    return message(between.join(f"{{{name}}}" for name in values), **values)


def translated(text: str, gettext: Callable[[str], str]) -> str:
    """Return a text in the language of a catalogue.

    Args:
        text: Any text; one that is not a message, or has no template, is returned as it is.
        gettext: Returns the template of that language for an English one, the same one where it knows none.
    """
    if not isinstance(text, Message) or text.template is None:
        return text
    values = {
        name: translated(value, gettext) if isinstance(value, str) else value for name, value in text.values.items()
    }
    return gettext(text.template).format(**values)


def cleaned(text: str, clean: Callable[[str], str]) -> Message:
    """Return the text without what `clean` takes out of it.

    The template is kept only where cleaning each value gives the very text that cleaning the whole gives.
    """
    whole = clean(text)
    if isinstance(text, Message) and text.template is not None:
        again = _refilled(text, clean)
        if again == whole:
            return again
    return Message(whole)


def to_data(text: str) -> dict[str, Any] | None:
    """Return template and values as plain data for JSON; None for a text that has no template."""
    if not isinstance(text, Message) or text.template is None:
        return None
    values = {name: to_data(value) or value if isinstance(value, str) else value for name, value in text.values.items()}
    return {"template": text.template, "values": values}


def values_of(text: Message) -> dict[str, Value]:
    """Return the values as plain data; a message among them as its English text."""
    return {name: str.__str__(value) if isinstance(value, str) else value for name, value in text.values.items()}


def from_data(data: object) -> Message:
    """Return the message that `to_data` wrote in a process that is not trusted.

    Raises:
        BadMessageError: It is not one.
    """
    return _read(data, _MAX_DEPTH)


def fields_of(template: str) -> tuple[str, ...]:
    """Return the names that a template asks for, in order.

    Raises:
        BadMessageError: It asks for more than a value by its name: an attribute, an item, a width.
    """
    names = []
    try:
        parts = list(Formatter().parse(template))
    except ValueError as e:
        raise BadMessageError(message("its template is broken")) from e
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if not _NAME.fullmatch(name) or not _FORMAT.fullmatch(form or "") or conversion not in {None, "r", "s"}:
            raise BadMessageError(message("its template asks for more than values by name"))
        names.append(name)
    return tuple(names)


def _read(data: object, depth: int) -> Message:
    if not depth or not isinstance(data, dict) or data.keys() != {"template", "values"}:
        raise BadMessageError(message("it does not have a template and values"))
    template, values = data["template"], data["values"]
    if not isinstance(template, str) or len(template) > _MAX_TEMPLATE:
        raise BadMessageError(message("its template is not a short text"))
    if not isinstance(values, dict) or len(values) > _MAX_VALUES or values.keys() != set(fields_of(template)):
        raise BadMessageError(message("its values are not those of its template"))
    kept: dict[str, Value] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            kept[name] = _read(value, depth - 1)
        elif value is None or isinstance(value, str | int | float):
            kept[name] = value
        else:
            raise BadMessageError(message("a value is neither text nor number"))
    try:
        return message(template, **kept)
    except (ValueError, OverflowError) as e:
        raise BadMessageError(message("its values do not fit its template")) from e


def _refilled(text: Message, clean: Callable[[str], str]) -> Message:
    values = {name: _cleaned_value(value, clean) for name, value in text.values.items()}
    return message(text.template or "", **values)


def _cleaned_value(value: Value, clean: Callable[[str], str]) -> Value:
    return cleaned(value, clean) if isinstance(value, Message) else clean(value) if isinstance(value, str) else value


def _value(value: object) -> Value:
    if isinstance(value, Message) or value is None or type(value) in {str, int, float, bool}:
        return value  # type: ignore[return-value] # narrowed by its very type
    return str(value)
