"""The command lines of preflight: read, refused and explained in the language of whoever typed them.

argparse looks its own sentences up in gettext's global catalogue, in the language of the environment. `parse` has it
look into ours, in the reader's language; `make translations` knows those sentences by `_OF_ARGPARSE`.
"""

from __future__ import annotations

import argparse
import gettext
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from preflight.language import DOMAIN, ENGLISH, LOCALE, readers, say
from preflight.message import message, template
from preflight.render.wrapping import wrap

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
_LANGUAGES = "LANGUAGE"  # the variable that gettext asks first


class Parser(argparse.ArgumentParser):
    """A command's options: each written out in full, with help in the reader's language."""

    def __init__(self, **options: Any) -> None:
        """Take what argparse takes."""
        if readers() != ENGLISH:
            options["formatter_class"] = _Wide
        super().__init__(allow_abbrev=False, **options)

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


class _Wide(argparse.HelpFormatter):
    """Lines that count a Korean letter as the two columns that it takes; a text of several lines is left as it is."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(" ".join(text.split()), width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = text.splitlines() if "\n" in text else wrap(text, width)
        return "".join(f"{indent}{line}\n" for line in lines)
