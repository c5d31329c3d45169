"""``evidence export``: a bundle in the formats of others."""

from __future__ import annotations

import argparse
from pathlib import Path

from evidence.commands.output import OK, add_bundle, relative, say
from evidence.errors import EvidenceError


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb."""
    text = "write the run as JUnit XML, CTRF or the signed in-toto statement"
    parser = verbs.add_parser(
        "export",
        help=text,
        description=text,
        epilog="exit codes: 0 written; 1 the bundle is not what was sealed, or has nothing of that kind; 2 bad usage",
    )
    add_bundle(parser, "folder, tar or zip file of the bundle")
    parser.add_argument("--format", choices=("junit", "ctrf", "intoto"), required=True, help="which one")
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="where to")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do it."""
    from evidence.commands.opened import opened  # noqa: PLC0415 -- so that --help starts at once
    from evidence.export import FORMATS  # noqa: PLC0415 -- as above

    data = FORMATS[options.format](*opened(options.bundle))
    try:
        options.output.write_bytes(data)
    except OSError as error:
        message = f"{options.output} cannot be written: {error.strerror}; name another file by --output"
        raise EvidenceError(message) from error
    say(relative(options.output.absolute()))
    return OK
