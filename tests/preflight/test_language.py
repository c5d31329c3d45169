"""Which language a person is answered in, and that choosing it leaves nothing behind."""

from __future__ import annotations

import argparse
import gettext
import inspect
import os
from collections.abc import Sequence
from io import BytesIO, TextIOWrapper

import pytest

from preflight import cli
from preflight.commands import options
from preflight.language import asked_for, read_in, readers, reading, say
from preflight.message import message
from preflight.render.wrapping import columns

UTF8, LATIN = (TextIOWrapper(BytesIO(), encoding=name) for name in ("utf-8", "latin-1"))
REFUSED = message("connection refused")


@pytest.mark.parametrize(
    ("arguments", "variable", "lang"),
    [
        ((), None, "en"),
        ((), "ko", "ko"),
        ((), "both", "en"),
        (("--lang", "ko"), None, "ko"),
        (("--lang=ko",), None, "ko"),
        (("list", "--lang", "en"), "ko", "en"),
        (("--lang", "en", "--lang", "ko"), None, "ko"),
        (("list", "--lang"), "ko", "ko"),
        (("--lang", "fr"), "ko", "en"),
        (("exec", "--", "bot", "--lang", "ko"), None, "en"),
        (("exec", "--lang", "ko", "--", "bot", "--lang", "en"), None, "ko"),
    ],
)
def test_language_to_begin_in(arguments: Sequence[str], variable: str | None, lang: str) -> None:
    """What the command line says wins; what belongs to the started program is not ours."""
    environ = {} if variable is None else {"PREFLIGHT_ALERTS__LANG": variable}
    assert asked_for(arguments, environ, UTF8) == lang
    assert asked_for(arguments, environ, LATIN) == "en"


def test_reading() -> None:
    """A language holds to the end of its block, also where it has changed within."""
    assert (readers(), say(REFUSED)) == ("en", "connection refused")
    with reading("ko"):
        assert say(REFUSED) == "연결이 거부되었습니다"
        read_in("en", UTF8)
        assert say(REFUSED) == "connection refused"
        read_in("ko", LATIN)
        assert readers() == "en"
        read_in("ko", UTF8)
        assert readers() == "ko"
    assert readers() == "en"


@pytest.mark.parametrize("languages", [None, "de:fr"])
def test_a_command_leaves_nothing_behind(
    languages: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the language nor what argparse was given to find its sentences outlives a command."""
    if languages is None:
        monkeypatch.delenv("LANGUAGE", raising=False)
    else:
        monkeypatch.setenv("LANGUAGE", languages)
    before = gettext.textdomain(), os.environ.get("LANGUAGE")
    assert cli.main(["list", "--lang", "ko", "--help"]) == 0
    assert "사용법: " in capsys.readouterr().out
    assert (gettext.textdomain(), os.environ.get("LANGUAGE")) == before
    assert readers() == "en"


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_lines_of_the_help_fit_the_terminal(
    lang: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Korean letter takes two columns, and the help counts them; each further line of the usage begins below."""
    monkeypatch.setenv("COLUMNS", "80")
    for command in cli.COMMANDS:
        assert cli.main([command, "--lang", lang, "--help"]) == 0
        text = capsys.readouterr().out
        assert [line for line in text.splitlines() if columns(line) > 80] == []
        usage, *further = text.partition("\n\n")[0].splitlines()
        below = columns(usage[: usage.index("[")])
        assert {len(line) - len(line.lstrip()) for line in further} <= {below}


def test_sentences_of_argparse_are_its_own() -> None:
    """Each msgid is one that this Python's argparse asks for, and is taken with the same values."""
    source = inspect.getsource(argparse)
    assert [text for text in options._OF_ARGPARSE if repr(text) not in source] == []
