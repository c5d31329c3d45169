"""`preflight db migrate`: make the tables that preflight writes to in Postgres, or bring them up to date."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from preflight.alerts.migrate import migrate
from preflight.commands.document import write_document
from preflight.commands.options import Parser, parse
from preflight.config.sources import load
from preflight.language import read_in, say
from preflight.message import message
from preflight.model import EXIT_GO
from preflight.said import tell


def main(argv: Sequence[str]) -> int:
    """Migrate; a second time does nothing.

    Raises:
        UsageError: The configuration is refused.
        DatabaseError: The database cannot be reached or refuses; nothing was changed.
    """
    parsed = parse(_parser, argv)
    settings = load({"env": parsed.env}, environ=os.environ, cwd=Path.cwd(), config=parsed.config)
    read_in(parsed.lang or settings.alerts.lang, sys.stdout)
    applied = migrate(settings.postgres)
    for name in applied:
        tell(message("applied {name}", name=name))
    if not applied:
        tell(message("up to date"))
    write_document(parsed.output, {"env": settings.env.value, "applied": list(applied)})
    return EXIT_GO


def _parser() -> Parser:
    parser = Parser(
        prog="preflight db",
        description=say(message("Make the tables that preflight writes to in Postgres, or bring them up to date.")),
    )
    parser.add_argument("verb", choices=("migrate",), metavar="migrate")
    parser.add_env()
    parser.add_config()
    parser.add_lang()
    parser.add_output()
    return parser
