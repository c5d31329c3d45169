"""`preflight doctor`: what on this machine is in the gate's way, and what mends it, without asking a server.

For a machine that has the gate alone; the compose stack has `make doctor`.
"""

from __future__ import annotations

from collections.abc import Sequence

from preflight.commands.options import Parser, parse
from preflight.commands.run import parser, run_gate
from preflight.language import say
from preflight.message import message
from preflight.model import EXIT_GO, Status
from preflight.said import tell

EXIT_FOUND = 1


def main(argv: Sequence[str]) -> int:
    """Look at settings, secrets, directories, modes and room as a dry run does; nothing is sent and nothing is made.

    Returns:
        0 where nothing was found; 1 where a required check fails or could not tell.

    Raises:
        UsageError: The configuration is refused, with the sentence that a run would give.
    """
    given = parse(_parser, argv)
    words = [
        word for name in ("env", "config", "lang") if (value := getattr(given, name)) for word in (f"--{name}", value)
    ]
    report = run_gate(parse(parser, ["--dry-run", *map(str, words)]))
    found = [each.id for each in report.results if each.status in {Status.FAIL, Status.ERROR}]
    looked = [each.id for each in report.results if each.status is not Status.SKIP]
    if not found and looked:
        tell(
            message(
                "doctor: nothing is in the way ({looked}); whether the bot may go is for a run to say",
                looked=", ".join(looked),
            )
        )
        return EXIT_GO
    tell(
        message("doctor: in the way: {found}", found=", ".join(found))
        if found
        else message("doctor: in the way: nothing could be looked at")
    )
    return EXIT_FOUND


def _parser() -> Parser:
    own = Parser(
        prog="preflight doctor",
        description=say(
            message(
                "Say what on this machine is in the gate's way, and what mends it, without asking a server. "
                "Exit 0 is not a GO: it says nothing about the bot."
            )
        ),
    )
    own.add_env()
    own.add_config()
    own.add_lang(message("language of verdict and hints"))
    return own
