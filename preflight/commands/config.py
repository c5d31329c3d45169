"""`preflight config`: the effective settings, where each value comes from, secrets masked."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from preflight.commands.options import Parser, parse
from preflight.config.known_keys import known_keys
from preflight.config.sources import Loaded, load_with_sources
from preflight.language import read_in, say
from preflight.message import message
from preflight.model import EXIT_GO, one_line
from preflight.redaction import scrub
from preflight.render.json import render_document
from preflight.secret_shapes import MASK


def main(argv: Sequence[str]) -> int:
    """Print the settings of a run that would be started with the same options here and now.

    Raises:
        UsageError: The configuration is refused, with the sentence that a run would give.
    """
    parsed = parse(_parser, argv)
    if parsed.keys:
        _list_keys()
        return EXIT_GO
    flags = {"env": parsed.env, "textfile_dir": parsed.metrics_output, "run_timeout": parsed.timeout}
    loaded = load_with_sources(flags, environ=os.environ, cwd=Path.cwd(), config=parsed.config)
    read_in(parsed.lang or loaded.settings.alerts.lang, sys.stdout)
    rows = list(rows_of(loaded))
    if parsed.format == "json":
        document = {key: {"value": value, "source": source} for key, value, source in rows}
        sys.stdout.write(render_document(document))
        return EXIT_GO
    width, value_width = max(len(key) for key, _, _ in rows), max(len(_plain(value)) for _, value, _ in rows)
    for key, value, source in rows:
        sys.stdout.write(f"{key:{width}}  {_plain(value):{value_width}}  {one_line(say(source))}\n")
    return EXIT_GO


def _list_keys() -> None:
    """Print every key that there is; no file, variable or flag is looked at, so that a wrong one is in no way."""
    keys = known_keys()
    names = [".".join(key.loc) for key in keys]
    width, default_width = max(map(len, names)), max(len(key.default) for key in keys)
    for name, key in zip(names, keys, strict=True):
        sys.stdout.write(f"{name:{width}}  {key.default or '-':{default_width}}  {say(key.meaning)}\n")


def rows_of(loaded: Loaded) -> Iterator[tuple[str, Any, str]]:
    """Return (key, value as JSON can hold it, source) of every setting; a secret's value is a mask."""
    secrets = loaded.settings.secret_values()
    for loc, value in _leaves(loaded.settings, ()):
        yield ".".join(loc), _shown(value, secrets), loaded.source(loc)


def _leaves(model: BaseModel, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in type(model).model_fields:
        value, loc = getattr(model, name), (*above, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, loc)
        elif isinstance(value, dict):
            for key, table in value.items():
                yield from _leaves(table, (*loc, key))
        else:
            yield loc, value


def _shown(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, SecretStr):
        return MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    return [scrub(str(part), secrets) for part in value] if isinstance(value, tuple) else scrub(str(value), secrets)


def _plain(value: Any) -> str:
    text = "-" if value is None else json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)
    return one_line(text)


def _parser() -> Parser:
    parser = Parser(
        prog="preflight config",
        description=say(message("Show the effective settings and where each comes from. Secrets are masked.")),
    )
    parser.add_argument(
        "--keys", action="store_true", help=say(message("list every key with its default and meaning instead"))
    )
    parser.add_env()
    parser.add_config()
    parser.add_lang()
    parser.add_argument("--timeout", metavar="SECONDS", help=say(message("as for a run")))
    parser.add_argument("--metrics-output", metavar="DIR", help=say(message("as for a run")))
    parser.add_argument("--format", choices=("console", "json"), default="console", help=say(message("table or JSON")))
    return parser
