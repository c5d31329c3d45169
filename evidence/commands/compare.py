"""``evidence diff``, ``list`` and ``prune``: several bundles."""

from __future__ import annotations

import argparse
from pathlib import Path

from evidence.commands.output import DEFAULT, OK, WRONG, say

KEEP = 20


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verbs."""
    text = "what changed between two bundles: result, gates, claims, tests, values, versions, timings beyond noise"
    parser = verbs.add_parser(
        "diff", help=text, description=text, epilog="exit codes: 0 nothing, 1 something (or unreadable), 2 bad usage"
    )
    parser.add_argument("before", metavar="A", type=Path, help="folder, tar or zip file of a bundle")
    parser.add_argument("after", metavar="B", type=Path, help="another one")
    parser.set_defaults(run=run_diff)
    text = "the bundles that are there, the oldest first"
    parser = verbs.add_parser("list", help=text, description=text)
    _add_dir(parser)
    parser.set_defaults(run=run_list)
    text = "delete all but the newest bundles; one that a run may still write to stays"
    parser = verbs.add_parser("prune", help=text, description=text)
    _add_dir(parser)
    parser.add_argument("--keep", metavar="N", type=_number, default=KEEP, help="default: %(default)s")
    parser.set_defaults(run=run_prune)


def _add_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir", metavar="DIR", type=Path, default=DEFAULT.parent, help="folder of all bundles (default: %(default)s)"
    )


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of bundles: at least 1 stays")
    return int(text)


def run_diff(options: argparse.Namespace) -> int:
    """Compare."""
    from evidence.commands.opened import opened  # noqa: PLC0415 -- so that --help starts at once
    from evidence.compare import diff  # noqa: PLC0415 -- as above

    changes = list(diff(opened(options.before), opened(options.after)))
    for change in changes:
        say(str(change))
    if not changes:
        say("nothing changed")
    return WRONG if changes else OK


def run_list(options: argparse.Namespace) -> int:
    """List."""
    from evidence.compare.shelf import entries  # noqa: PLC0415 -- so that --help starts at once

    for entry in entries(options.dir):
        signature = "signed" if entry.signed else "UNSIGNED"
        say(f"{entry.path.name}  {entry.result:<10}  {signature:<8}  {entry.size / 1e6:5.1f} MB  {entry.scope}")
    return OK


def run_prune(options: argparse.Namespace) -> int:
    """Prune."""
    from evidence.compare.shelf import prune  # noqa: PLC0415 -- so that --help starts at once

    gone = prune(options.dir, keep=options.keep)
    for path in gone:
        say(f"deleted {path.name}")
    if not gone:
        say("nothing to delete")
    return OK
