#!/usr/bin/env python3
"""Writes the generated blocks of docs/ from the code; with --check it only says what has drifted (exit 1)."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from pathlib import Path

from preflight.cli import main as preflight
from preflight.config.known_keys import known_keys

DOCS = Path(__file__).parents[1] / "docs"


def _said(*argv: str) -> str:
    """Give what `preflight` prints, at a terminal width that does not depend on the reader's."""
    os.environ["COLUMNS"] = "100"
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        preflight(argv)
    return f"```\n{stdout.getvalue().rstrip()}\n```"


def _settings_table() -> str:
    rows = ["| key | default | meaning |", "|---|---|---|"]
    rows += [
        f"| `{'.'.join(key.loc)}` | {f'`{key.default}`' if key.default else '-'} | {key.meaning} |"
        for key in known_keys()
    ]
    return "\n".join(rows)


def blocks() -> dict[str, tuple[str, str]]:
    """Return for each document the name of its generated block and what belongs into it."""
    return {
        "command-line.md": ("help", _said("--help")),
        "checks.md": ("checks", _said("list", "--env", "live")),
        "settings.md": ("settings", _settings_table()),
    }


def synced(document: str, text: str) -> str:
    """Return a document with its generated block as the code has it now."""
    name, block = blocks()[document]
    pattern = re.compile(rf"(<!-- {name}:[^\n]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
    text, count = pattern.subn(lambda match: f"{match[1]}{block}\n{match[2]}", text)
    if count != 1:
        raise SystemExit(f"docs/{document} has {count} blocks {name!r}; it needs exactly one")
    return text


if __name__ == "__main__":
    drifted = []
    for document in blocks():
        path = DOCS / document
        old = path.read_text(encoding="utf-8")
        new = synced(document, old)
        if new != old:
            drifted.append(document)
            if "--check" not in sys.argv[1:]:
                path.write_text(new, encoding="utf-8")
    if drifted and "--check" in sys.argv[1:]:
        sys.exit(f"docs/ has drifted from the code ({', '.join(drifted)}): run .venv/bin/python scripts/sync_docs.py")
