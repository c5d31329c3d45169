"""Korean for the console and for alerts.

What the gate says is English; here a finished sentence finds the template it was made from. Checks, runner and ledger
know no language: their texts go into JSON, JUnit and the ledger, which must not depend on who looks at a terminal.
Alerts are translated by a setting of their own, when they are written for a person. A text that no template fits, such
as a third party's hint, stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from preflight.render.korean_exchange import EXCHANGE_HINTS
from preflight.render.korean_hints import HINTS
from preflight.render.korean_phrases import PHRASES, REASONS
from preflight.render.korean_servers import SERVER_HINTS

CATALOGUE: Mapping[str, str] = MappingProxyType({**HINTS, **EXCHANGE_HINTS, **SERVER_HINTS, **REASONS})

_JOINT = "; "  # what several sentences in one text are joined with; rarely part of a value
_VALUE = "{}"


class Korean:
    """What `console` speaks with `--lang ko`."""

    def say(self, template: str, *values: object) -> str:
        """Give a phrase of the console with its values put in."""
        return PHRASES.get(template, template).format(*values)

    def translate(self, text: str) -> str:
        """Give a hint, a reason or a note in Korean; unchanged where it is not known."""
        return translate(text)


def translate(text: str) -> str:
    """Give the Korean of an English text that was made from a template of the catalogue, else the text itself."""
    whole = _fit(text, loose=False)
    if whole is not None:
        return whole
    parts = [_fit(part, loose=False) for part in text.split(_JOINT)]
    known = [part for part in parts if part is not None]
    if len(known) == len(parts):
        return ". ".join(known)
    loose = _fit(text, loose=True)
    return text if loose is None else loose


def _fit(text: str, *, loose: bool) -> str | None:
    """Fill the Korean of the first template that fits; `loose` lets a value hold several sentences."""
    if text in CATALOGUE and _VALUE not in text:
        return CATALOGUE[text]
    for template, pieces in _with_values():
        values = _values(pieces, text)
        if values is not None and (loose or not any(_JOINT in value for value in values)):
            return CATALOGUE[template].format(*(_translated(value) for value in values))
    return None


@cache
def _with_values() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Give the templates that take values, cut at these; those with the most fixed text first."""
    found = [template for template in CATALOGUE if _VALUE in template]
    found.sort(key=lambda template: -len(template.replace(_VALUE, "")))
    return tuple((template, tuple(template.split(_VALUE))) for template in found)


def _values(pieces: Sequence[str], text: str) -> list[str] | None:
    """Give what stands between the pieces of a template, None where the text is not made from it."""
    first, *between, last = pieces
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return None
    at, end = len(first), len(text) - len(last)
    values = []
    for piece in between:
        found = text.find(piece, at, end)
        if found < 0:
            return None
        values.append(text[at:found])
        at = found + len(piece)
    return [*values, text[at:end]]


def _translated(value: str) -> str:
    """Translate a value that is itself a known sentence, or ends in one: some errors hold advice."""
    parts = value.split(_JOINT)
    for index in range(len(parts)):
        rest = _JOINT.join(parts[index:])
        korean = translate(rest)
        if korean != rest:
            return _JOINT.join([*parts[:index], korean])
    return value
