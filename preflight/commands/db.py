"""`preflight db migrate`: make the tables that preflight writes to in Postgres, or bring them up to date."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from preflight.alerts.migrate import migrate
from preflight.commands.document import write_document
from preflight.config.sources import load
from preflight.model import EXIT_GO


def main(argv: Sequence[str]) -> int:
    """Migrate; a second time does nothing.

    Raises:
        UsageError: The configuration is refused.
        DatabaseError: The database cannot be reached or refuses; nothing was changed.
    """
    parsed = _parser().parse_args(argv)
    settings = load({"env": parsed.env}, environ=os.environ, cwd=Path.cwd(), config=parsed.config)
    applied = migrate(settings.postgres)
    for name in applied:
        sys.stdout.write(f"applied {name}\n")
    if not applied:
        sys.stdout.write("up to date\n")
    write_document(parsed.output, {"env": settings.env.value, "applied": list(applied)})
    return EXIT_GO


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="preflight db",
        description="Make the tables that preflight writes to in Postgres, or bring them up to date.",
        allow_abbrev=False,
    )
    parser.add_argument("verb", choices=("migrate",))
    parser.add_argument("--env", metavar="ENV", help="live, paper, dev, test; there is no default")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file instead of ./preflight.toml")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write what was done as JSON to FILE")
    return parser
