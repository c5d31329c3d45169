"""The languages in which a person can read what the gate says: one gettext catalogue, `preflight/locale`.

English is what everything is written in and needs no catalogue. How the catalogue is made: docs/translating.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from preflight.message import translated

DOMAIN = "preflight"
LOCALE = Path(__file__).with_name("locale")

Say = Callable[[str], str]  # a text in the language of the reader


def english(text: str) -> str:
    """Return the text as it is."""
    return text


def speaker(lang: str) -> Say:
    """Return what says a text in a language: `ko`; anything else is English."""
    if lang != "ko":
        return english
    import gettext  # noqa: PLC0415 - only for those who read it

    return partial(translated, gettext=gettext.translation(DOMAIN, LOCALE, [lang]).gettext)
