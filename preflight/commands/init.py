"""`preflight init`: a commented settings file to start from."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from preflight.errors import UsageError
from preflight.model import EXIT_GO
from preflight.settings import Settings

_HEAD = """\
# Settings of preflight. Every line is a comment with its default: take away the # of what you change.
# Stronger than this file, in this order: flags, PREFLIGHT_* variables, .env.<env>, a running local stack.
# Put no secret here: name the file that holds it (password_file = "...").
"""


def main(argv: Sequence[str]) -> int:
    """Write the file, readable by its owner only.

    Raises:
        UsageError: It is there already, or cannot be written.
    """
    parsed = _parser().parse_args(argv)
    path: Path = parsed.output
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as e:
        raise UsageError(f"{path}: is there already and stays as it is; name another with --output") from e
    except OSError as e:
        raise UsageError(f"{path}: cannot be written: {e.strerror}") from e
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(template())
    sys.stdout.write(f"wrote {path}; `preflight config --env paper` shows what it gives\n")
    return EXIT_GO


def template() -> str:
    """Give the text of the file: every setting but `env`, which one file for all envs cannot hold."""
    return "\n".join((_HEAD, *_table(Settings, "")))


def _table(model: type[BaseModel], name: str) -> Iterator[str]:
    tables: list[tuple[str, FieldInfo]] = []
    if name:
        yield f"[{name}]"
    for key, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            tables.append((key, field))
        elif key != "env" and not isinstance(field.default, dict):
            yield f"# {field.description}"
            yield f"#{key} = {_literal(field)}"
    yield ""
    for key, field in tables:
        yield f"# --- {field.description}"
        yield from _table(type(field.default), key)


def _literal(field: FieldInfo) -> str:
    default: Any = field.default
    if isinstance(default, Enum):
        default = default.value
    if default is None or field.is_required() or field.default_factory is not None:
        return '""'
    return json.dumps(list(default) if isinstance(default, tuple) else default)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="preflight init", description="Write a commented settings file to start from.", allow_abbrev=False
    )
    parser.add_argument(
        "--output", type=Path, default=Path("preflight.toml"), metavar="FILE", help="default: ./preflight.toml"
    )
    return parser
