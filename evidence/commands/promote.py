"""``evidence promote`` and ``evidence check-docs``: the documents in the repository, written from evidence."""

from __future__ import annotations

import argparse
from pathlib import Path

from evidence.commands.output import OK, WRONG, complain, say


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verbs."""
    text = "put a verified, complete, passing bundle of a clean commit into the documents of this checkout"
    parser = verbs.add_parser(
        "promote",
        help=text,
        description=text,
        epilog="exit codes: 0 promoted, 1 it may not be, and why, 2 bad usage, or no such bundle or key",
    )
    parser.add_argument("bundle", metavar="BUNDLE", type=Path, help="folder, tar or zip file of the bundle")
    parser.add_argument("--key", metavar="PUB", type=Path, required=True, help="the public key that signed it")
    _add_root(parser)
    parser.set_defaults(run=run)
    text = "do the documents say what the promoted evidence says? Part of the fast gate"
    parser = verbs.add_parser(
        "check-docs", help=text, description=text, epilog="exit codes: 0 they do, 1 they do not, and where, 2 bad usage"
    )
    _add_root(parser)
    parser.add_argument(
        "--write", action="store_true", help="first write the documents anew from the evidence that is promoted"
    )
    parser.set_defaults(run=run_check)


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root", metavar="DIR", type=Path, default=Path(), help="the checkout (default: the current folder)"
    )


def run(options: argparse.Namespace) -> int:
    """Promote."""
    from evidence.promote import promote  # noqa: PLC0415 -- so that --help starts at once

    for path in promote(options.bundle, key=options.key, root=options.root):
        say(str(path))
    return OK


def run_check(options: argparse.Namespace) -> int:
    """Check."""
    from evidence.promote import check, is_promoted, rewrite  # noqa: PLC0415 -- so that --help starts at once

    if options.write:
        for path in rewrite(options.root):
            say(str(path))
    problems = check(options.root)
    for problem in problems:
        complain(str(problem))
    if not problems:
        say("the documents say what the promoted evidence says" if is_promoted(options.root) else "nothing is promoted")
    return WRONG if problems else OK
