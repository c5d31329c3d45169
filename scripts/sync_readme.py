#!/usr/bin/env python3
"""Writes the generated blocks of README.md from the code; with --check it only says what has drifted (exit 1)."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from preflight.cli import main as preflight
from preflight.config.sections import ExchangeSection
from preflight.config.settings import Settings

README = Path(__file__).parents[1] / "README.md"


def _said(*argv: str) -> str:
    """Give what `preflight` prints, at a terminal width that does not depend on the reader's."""
    os.environ["COLUMNS"] = "100"
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        preflight(argv)
    return f"```\n{stdout.getvalue().rstrip()}\n```"


def _settings_table() -> str:
    rows = ["| key | default | meaning |", "|---|---|---|"]
    rows += [f"| `{key}` | {default} | {meaning} |" for key, default, meaning in _fields(Settings, "")]
    return "\n".join(rows)


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from _fields(type(field.default), f"{prefix}{name}.")
        elif name == "exchanges":
            yield from _fields(ExchangeSection, f"{prefix}{name}.<id>.")
        else:
            yield f"{prefix}{name}", _shown(field), field.description or ""


def _shown(field: Any) -> str:
    if field.default_factory is not None:
        return f"`$XDG_STATE_HOME/arbitrage-preflight/{field.default_factory().name}`"
    if field.default is PydanticUndefined or field.default is None or field.default == ():
        return "-"
    return f"`{field.default}`"


def synced(text: str) -> str:
    """Give the README with every generated block as the code has it now."""
    blocks = {"help": _said("--help"), "checks": _said("list", "--env", "live"), "settings": _settings_table()}
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- {name}:[^\n]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, count = pattern.subn(lambda match, block=block: f"{match[1]}{block}\n{match[2]}", text)
        if count != 1:
            raise SystemExit(f"README.md has {count} blocks {name!r}; it needs exactly one")
    return text


if __name__ == "__main__":
    old = README.read_text(encoding="utf-8")
    new = synced(old)
    if "--check" in sys.argv[1:]:
        if new != old:
            sys.exit("README.md has drifted from the code: run .venv/bin/python scripts/sync_readme.py")
    else:
        README.write_text(new, encoding="utf-8")
