"""`preflight init`: a commented settings file to start from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from preflight.commands.options import Parser, parse
from preflight.config.sections import DEFAULT_EXCHANGES, ExchangeSection
from preflight.config.settings import Settings
from preflight.errors import UsageError
from preflight.language import say
from preflight.message import message
from preflight.model import EXIT_GO
from preflight.said import tell

SECRETS = "/etc/arbitrage/secrets"  # where the examples say that secrets lie
_EXCHANGE_KEYS = (
    "enabled",
    "symbols",
    "api_key_file",
    "secret_file",
    "no_withdraw_attested_on",
    "no_withdraw_attested_for",
    "timeout",
    "slow_after",
)

_HEAD = message("""\
# Settings of preflight. Every line is a comment with its default, or with an example where there is none: take away
# the # of what you change.
# Stronger than this file, in this order: flags, PREFLIGHT_* variables, .env.<env>, a running local stack.
# Put no secret here: name the file that holds it (password_file = "...").
""")


def main(argv: Sequence[str]) -> int:
    """Write the file, readable by its owner only.

    Raises:
        UsageError: It is there already, or cannot be written.
    """
    parsed = parse(_parser, argv)
    path: Path = parsed.output
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as e:
        raise UsageError(
            message("{path}: is there already and stays as it is; name another with --output", path=path)
        ) from e
    except OSError as e:
        raise UsageError(message("{path}: cannot be written: {strerror}", path=path, strerror=e.strerror)) from e
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(template())
    tell(message("wrote {path}; `preflight config --env paper` shows what it gives", path=path))
    return EXIT_GO


def template() -> str:
    """Return the text of the file: every setting but `env`, which one file for all envs cannot hold."""
    return "\n".join((say(_HEAD), *_table(Settings, ""), *_exchanges()))


def _table(model: type[BaseModel], name: str) -> Iterator[str]:
    tables: list[tuple[str, FieldInfo]] = []
    if name:
        yield f"[{name}]"
    for key, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            tables.append((key, field))
        elif key not in {"env", "exchanges"}:
            yield from _lines(model, name, key, {})
    yield ""
    for key, field in tables:
        yield f"# --- {say(field.description or '')}"
        yield from _table(type(field.default), key)


def _exchanges() -> Iterator[str]:
    """Return the exchanges that are there without a word of configuration, and what is usually said about them."""
    yield f"# --- {say(Settings.model_fields['exchanges'].description or '')}"
    for exchange, defaults in DEFAULT_EXCHANGES.items():
        yield f"[exchanges.{exchange}]"
        for key in _EXCHANGE_KEYS:
            if exchange != "binance" or not key.startswith("no_withdraw"):  # Binance tells what its keys may do
                yield from _lines(ExchangeSection, f"exchanges.{exchange}", key, defaults)
        yield ""


def _lines(model: type[BaseModel], table: str, key: str, defaults: Mapping[str, Any]) -> Iterator[str]:
    """Return what says one setting; nothing for a secret that a file of its own can hold."""
    if f"{key}_file" in model.model_fields:
        return
    field = model.model_fields[key]
    yield f"# {say(field.description or '')}"
    if key.endswith("_file"):
        value: Any = f"{SECRETS}/{table.replace('.', '_')}_{key.removesuffix('_file')}"
    else:
        value = defaults.get(key, field.get_default(call_default_factory=True))
        value = field.examples[0] if value is None and field.examples else value
    extra = field.json_schema_extra
    aside = (
        say(str(extra.get("aside", ""))) if isinstance(extra, dict) else ""
    )  # what cannot stand beside all the others
    yield f"# {aside}: {key} = {_literal(value)}" if aside else f"#{key} = {_literal(value)}"


def _literal(value: Any) -> str:
    """Write a value as TOML does; JSON is near enough for text, numbers and lists of text."""
    if isinstance(value, Enum | Path):
        value = value.value if isinstance(value, Enum) else str(value)
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _parser() -> Parser:
    parser = Parser(prog="preflight init", description=say(message("Write a commented settings file to start from.")))
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("preflight.toml"),
        metavar="FILE",
        help=say(message("default: ./preflight.toml")),
    )
    parser.add_lang(message("language of the comments"))
    return parser
