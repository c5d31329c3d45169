"""`preflight doctor`: what on this machine is in the gate's way, and what mends it, without asking a server.

For a machine that has the gate alone; the compose stack has `make doctor`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from preflight.commands.run import parser, run_gate
from preflight.model import EXIT_GO, Status

EXIT_FOUND = 1


def main(argv: Sequence[str]) -> int:
    """Look at settings, secrets, directories, modes and room as a dry run does; nothing is sent and nothing is made.

    Returns:
        0 where nothing was found; 1 where a required check fails or could not tell.

    Raises:
        UsageError: The configuration is refused, with the sentence that a run would give.
    """
    given = _parser().parse_args(argv)
    words = [
        word for name in ("env", "config", "lang") if (value := getattr(given, name)) for word in (f"--{name}", value)
    ]
    report = run_gate(parser().parse_args(["--dry-run", *map(str, words)]))
    found = [each.id for each in report.results if each.status in {Status.FAIL, Status.ERROR}]
    looked = [each.id for each in report.results if each.status is not Status.SKIP]
    if not found and looked:
        sys.stdout.write(
            f"doctor: nothing is in the way ({', '.join(looked)}); whether the bot may go is for a run to say\n"
        )
        return EXIT_GO
    sys.stdout.write(f"doctor: in the way: {', '.join(found) or 'nothing could be looked at'}\n")
    return EXIT_FOUND


def _parser() -> argparse.ArgumentParser:
    own = argparse.ArgumentParser(
        prog="preflight doctor",
        description="Say what on this machine is in the gate's way, and what mends it, without asking a server. "
        "Exit 0 is not a GO: it says nothing about the bot.",
        allow_abbrev=False,
    )
    own.add_argument("--env", metavar="ENV", help="live, paper, dev or test; there is no default")
    own.add_argument("--config", type=Path, metavar="FILE", help="settings file instead of ./preflight.toml")
    own.add_argument("--lang", choices=("en", "ko"), help="language of verdict and hints")
    return own
