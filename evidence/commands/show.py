"""``evidence show``: what a bundle says of its run, for a person."""

from __future__ import annotations

import argparse

from evidence.commands.output import OK, WRONG, add_bundle


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb."""
    text = "result, gates, counts, files and versions for a person; nothing is verified"
    parser = verbs.add_parser("show", help=text, description=text)
    add_bundle(parser, "folder, tar or zip file of the bundle")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do it."""
    from evidence.show import show  # noqa: PLC0415 -- so that --help starts at once

    return OK if show(options.bundle) else WRONG
