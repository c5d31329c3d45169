"""``docs/seed-map.md``: where each thing that the user's text names is in this repository."""

from __future__ import annotations

from itertools import groupby
from pathlib import PurePosixPath
from typing import Final

from evidence.claims.seed import BEFORE, Line, Seed

PAGE: Final = PurePosixPath("docs/seed-map.md")
_HEAD: Final = """\
# Where everything is that the gap list names

Every line of the user's gap list and design card, word for word; where its subject is in this repository; and which
claims prove it (`evidence/claims/claims.toml`; `evidence report` says how each of them stands). Lines marked *before*
say how things stood at the start.

Made from `evidence/claims/seed.toml` by `python -m evidence.claims`. A test holds this page against that file, and each
place against the tree.
"""


def render(seed: Seed) -> str:
    """Write the page."""
    parts = [_HEAD]
    for document, lines in groupby(seed.line, key=lambda line: line.document):
        parts.append(f"\n## {document}\n")
        for section, rows in groupby(lines, key=lambda line: line.section):
            parts.append(f"\n### {section}\n\n| line | text | kind | here | claims |\n|---|---|---|---|---|\n")
            parts += [_row(line) for line in rows]
    return "".join(parts)


def _row(line: Line) -> str:
    here = "<br>".join(f"[`{path}`]({PurePosixPath('..') / path})" for path in line.here)
    claims = ", ".join(f"`{claim}`" for claim in line.claims)
    kind = f"*{BEFORE}*" if line.kind == BEFORE else line.kind
    return f"| {line.number} | {_cell(line.text)} | {kind} | {here} | {claims} |\n"


def _cell(text: str) -> str:
    """Keep a line of a list or with bars inside its cell."""
    for mark in ("- ", "* "):
        text = text.removeprefix(mark)
    return text.replace("|", "\\|")
