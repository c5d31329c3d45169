"""``evidence open``: make the bundle of a run and print its path."""

from __future__ import annotations

import argparse
from pathlib import Path

from evidence.commands.output import DEFAULT, OK, say


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb."""
    text = "make the bundle of a run and print its path; gates find it in EVIDENCE_BUNDLE"
    parser = verbs.add_parser("open", help=text, description=text)
    parser.add_argument(
        "--root",
        metavar="DIR",
        type=Path,
        default=DEFAULT.parent,
        help="folder of all bundles (default: %(default)s)",
    )
    parser.add_argument("words", metavar="COMMAND", nargs="*", help="what was typed, for the record")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do it."""
    from evidence.bundle import open_run  # noqa: PLC0415 -- so that --help starts at once

    command = options.words or ["evidence", "open"]
    say(str(open_run(options.root, project=Path.cwd(), command=command)))
    return OK
