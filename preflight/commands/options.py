"""The command lines of preflight: read, refused and explained in the language of whoever typed them.

argparse looks its own sentences up in gettext's global catalogue, in the language of the environment. `parse` has it
look into ours, in the reader's language; `make translations` knows those sentences by `_OF_ARGPARSE`.
"""

from __future__ import annotations

import argparse
import gettext
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from preflight.language import DOMAIN, ENGLISH, LOCALE, readers, say
from preflight.message import message, template
from preflight.render.wrapping import columns, wrap

_OF_ARGPARSE = (
    template("usage: "),
    template("positional arguments"),
    template("options"),
    template("show this help message and exit"),
    template("%(prog)s: error: %(message)s\n"),
    template("argument %(argument_name)s: %(message)s"),
    template("the following arguments are required: %s"),
    template("unrecognized arguments: %s"),
    template("expected one argument"),
    template("not allowed with argument %s"),
    template("ignored explicit argument %r"),
    template("invalid %(type)s value: %(value)r"),
    template("invalid choice: %(value)r (choose from %(choices)s)"),
)
_GAP = re.compile(r"^ +| {2,}")  # before a column of a line
_LANGUAGES = "LANGUAGE"  # the variable that gettext asks first


class Parser(argparse.ArgumentParser):
    """A command's options: each written out in full, with help in the reader's language."""

    def __init__(self, **options: Any) -> None:
        """Take what argparse takes."""
        super().__init__(allow_abbrev=False, formatter_class=_Laid if readers() == ENGLISH else _Wide, **options)

    def add_env(self, text: str = message("live, paper, dev or test; there is no default")) -> None:
        """Add `--env`."""
        self.add_argument("--env", metavar="ENV", help=say(text))

    def add_config(self) -> None:
        """Add `--config`."""
        text = message("settings file instead of ./preflight.toml")
        self.add_argument("--config", type=Path, metavar="FILE", help=say(text))

    def add_lang(
        self, text: str = message("language of what is shown (default: ko where alerts.lang is ko, else en)")
    ) -> None:
        """Add `--lang`."""
        self.add_argument("--lang", choices=("en", "ko"), help=say(text))

    def add_output(self) -> None:
        """Add `--output` of a command that is no run."""
        text = message("write what was done as JSON to FILE")
        self.add_argument("--output", type=Path, metavar="FILE", help=say(text))


def parse(make: Callable[[], argparse.ArgumentParser], argv: Sequence[str]) -> argparse.Namespace:
    """Read a command line.

    Args:
        make: Makes the parser; while it is called and used argparse speaks the reader's language.
        argv: The arguments.

    Raises:
        SystemExit: Help was shown (0), or the command line is refused (2).
    """
    with _spoken(readers()):
        return make().parse_args(argv)


@contextmanager
def _spoken(lang: str) -> Iterator[None]:
    """Have gettext's global catalogue be ours; in English it is left alone."""
    if lang == ENGLISH:
        yield
        return
    domain, languages = gettext.textdomain(), os.environ.get(_LANGUAGES)
    gettext.bindtextdomain(DOMAIN, str(LOCALE))
    gettext.textdomain(DOMAIN)
    os.environ[_LANGUAGES] = lang
    try:
        yield
    finally:
        gettext.textdomain(domain)
        if languages is None:
            del os.environ[_LANGUAGES]
        else:
            os.environ[_LANGUAGES] = languages


class _Laid(argparse.HelpFormatter):
    """Keeps the lines of a text that has several; one that is too long goes on below its last column."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" not in text:
            return super()._fill_text(text, width, indent)
        return "".join(f"{indent}{line}\n" for each in text.splitlines() for line in _hung(each, width))


class _Wide(_Laid):
    """Counts a Korean letter as the two columns that it takes."""

    def _format_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None) -> str:
        # argparse counts letters, and so begins each further line too far to the left.
        further = columns(shown := prefix or say(message("usage: "))) - len(shown)
        self._width -= further
        first, *rest = super()._format_usage(usage, actions, groups, prefix).splitlines(keepends=True)
        self._width += further
        return first + "".join(f"{' ' * further}{line}" if line.strip() else line for line in rest)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(" ".join(text.split()), width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return super()._fill_text(text, width, indent)
        return "".join(f"{indent}{line}\n" for line in wrap(text, width))


def _hung(line: str, width: int) -> list[str]:
    *_, end = (0, *(each.end() for each in _GAP.finditer(line)))
    return wrap(line[end:], width, first=line[:end], rest=" " * columns(line[:end]))
