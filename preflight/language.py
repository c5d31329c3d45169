"""The languages in which a person can read what the gate says: one gettext catalogue, `preflight/locale`.

English is what everything is written in and needs no catalogue. How the catalogue is made: docs/translating.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from pathlib import Path
from typing import TextIO

from preflight.message import translated

DOMAIN = "preflight"
LOCALE = Path(__file__).with_name("locale")
ENGLISH, KOREAN = "en", "ko"
_OPTION, _VARIABLE = "--lang", "PREFLIGHT_ALERTS__LANG"
_reader: ContextVar[str] = ContextVar("reader", default=ENGLISH)  # the language of whoever started this process

Say = Callable[[str], str]  # a text in the language of the reader


def english(text: str) -> str:
    """Return the text as it is."""
    return text


@cache
def speaker(lang: str) -> Say:
    """Return what says a text in a language: `ko`; anything else is English."""
    if lang != KOREAN:
        return english
    import gettext  # noqa: PLC0415 - only for those who read it

    return partial(translated, gettext=gettext.translation(DOMAIN, LOCALE, [lang]).gettext)


def say(text: str) -> str:
    """Return a text in the language of whoever reads this process's output."""
    return speaker(_reader.get())(text)


def readers() -> str:
    """Return the language of whoever reads this process's output."""
    return _reader.get()


def read_in(lang: str, stream: TextIO) -> None:
    """Have the reader's language be another, until the end of the `reading` around this.

    Args:
        lang: As asked for; what is not `ko` is English.
        stream: Where it will be read: one that has no Korean letters is read in English.
    """
    _reader.set(_readable(lang, stream))


@contextmanager
def reading(lang: str) -> Iterator[None]:
    """Have the reader's language be this one, and at the end what it was before."""
    before = _reader.set(lang)
    try:
        yield
    finally:
        _reader.reset(before)


def asked_for(arguments: Sequence[str], environ: Mapping[str, str], stream: TextIO) -> str:
    """Return the language to begin in, before arguments and settings are looked at: either may be refused.

    Args:
        arguments: The command line; what follows `--` is another program's.
        environ: Holds the setting of the alerts, which counts where no `--lang` is given.
        stream: Where it will be read, as for `read_in`.
    """
    ours = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    lang = environ.get(_VARIABLE, ENGLISH)
    for index, word in enumerate(ours):
        if word == _OPTION and index + 1 < len(ours):
            lang = ours[index + 1]
        elif word.startswith(f"{_OPTION}="):
            lang = word.removeprefix(f"{_OPTION}=")
    return _readable(lang, stream)


def takes_korean(stream: TextIO) -> bool:
    """Return whether the encoding of a stream has Korean letters."""
    try:
        "한국어".encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _readable(lang: str, stream: TextIO) -> str:
    return KOREAN if lang == KOREAN and takes_korean(stream) else ENGLISH
