"""The keys that the settings know: listed by `preflight config --keys`, and suggested in place of a wrong one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from preflight.config.sections import ExchangeSection
from preflight.config.settings import Settings

Loc = tuple[str, ...]

_BY_NAME: Mapping[str, type[BaseModel]] = {"exchanges": ExchangeSection}  # tables of tables, which users name
_ANY_NAME = "<id>"


class KnownKey(NamedTuple):
    """One setting."""

    loc: Loc
    default: str  # as it would be written; empty: none
    meaning: str


def known_keys() -> tuple[KnownKey, ...]:
    """Return every key in the order of the sections."""
    return tuple(_keys(Settings, ()))


def nearest_key(loc: Loc) -> Loc | None:
    """Return the key that was probably meant, None where none is like it.

    Args:
        loc: The wrong key; the tables above it are right.
    """
    parts = list(loc)
    model: type[BaseModel] = Settings
    while len(parts) > 1:
        name = parts.pop(0)
        if name in _BY_NAME:
            model = _BY_NAME[name]
            parts = parts[1:]  # which the user has named
        elif name in model.model_fields and isinstance(default := model.model_fields[name].default, BaseModel):
            model = type(default)
        else:
            return None
    found = get_close_matches(parts[0], tuple(model.model_fields), n=1) if parts else []
    return (*loc[:-1], found[0]) if found else None


def _keys(model: type[BaseModel], above: Loc) -> Iterator[KnownKey]:
    for name, field in model.model_fields.items():
        loc = (*above, name)
        if isinstance(field.default, BaseModel):
            yield from _keys(type(field.default), loc)
        elif name in _BY_NAME:
            yield from _keys(_BY_NAME[name], (*loc, _ANY_NAME))
        else:
            yield KnownKey(loc, _default(field), field.description or "")


def _default(field: Any) -> str:
    if field.default_factory is not None:
        return f"$XDG_STATE_HOME/arbitrage-preflight/{field.default_factory().name}"
    if field.default is PydanticUndefined or field.default is None or field.default == ():
        return ""
    return str(field.default)
