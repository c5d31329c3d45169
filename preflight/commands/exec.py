"""`preflight exec [options] -- COMMAND`: run the gate and, on GO only, become COMMAND.

The process is replaced, not wrapped: signals and the exit code are the command's own, and nothing of the gate is left
that could disagree with it. What is looked at once more before that: `preflight.launch.start`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.commands.options import Parser, parse
from preflight.commands.run import parser, run_gate
from preflight.errors import NotStartedError, RegistryError, UsageError
from preflight.language import say
from preflight.message import message
from preflight.model import EXIT_GO, EXIT_NOT_STARTED
from preflight.said import complain

if TYPE_CHECKING:
    from preflight.launch.start import NotStarted, Start

_EPILOG = message(
    """\
example:
  preflight exec --env live -- /usr/local/bin/bot --config /etc/bot.toml

Options are those of a run. COMMAND starts only when the verdict is GO, in live only when ready_for_live is 1 as well,
and only if at the very last its files are what they were and, in live, the kill switch is not thrown. It then has
ARBITRAGE_PREFLIGHT_RUN_ID, ARBITRAGE_PREFLIGHT_ENV and ARBITRAGE_PREFLIGHT_READY (1 or 0), and the gate's variables
but those that hold a secret of the gate.

Where it is not started the exit code is the verdict's; {code} where the verdict is GO but not
ready_for_live, or where another process holds the lock; or that of --refusal-exit in each case: whoever restarts
COMMAND can then tell a refusal from COMMAND's own exit 1. docs/exec.md is the whole contract.
""",
    code=EXIT_NOT_STARTED,
)
_OWN_CODES = range(EXIT_NOT_STARTED + 1, 256)  # what no verdict has


def main(argv: Sequence[str]) -> int:
    """Run the gate; on GO replace this process, else give the exit code that says why not.

    Raises:
        UsageError: No command or env was named, the command cannot be found, or the configuration is refused;
            nothing ran.
    """
    arguments = list(argv)
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options, command = arguments[:split], arguments[split + 1 :]
    parsed = parse(_parser, options)
    if not command:
        raise UsageError(message("exec: no command; give it after --, as in: preflight exec --env live -- ./bot"))
    if parsed.env is None and not os.environ.get("PREFLIGHT_ENV"):
        # A local stack that happens to run may choose where checks look, but not which bot may start.
        raise UsageError(
            message("exec: no env; give --env live|paper|dev|test or set PREFLIGHT_ENV: nothing else chooses it")
        )
    program = shutil.which(command[0])
    if program is None:
        raise UsageError(
            message("exec: {command} is not a program that can be started; nothing ran", command=command[0])
        )
    from preflight.launch.start import Start  # noqa: PLC0415 - heavy: imports the settings

    refusal: int | None = parsed.refusal_exit
    start = Start(program=program, command=command, lock_file=parsed.lock, keep_secrets=parsed.keep_secrets)
    try:
        refused = _run(parsed, start)
    except NotStartedError as e:
        complain(str(e))
        return EXIT_NOT_STARTED if refusal is None else refusal
    except (UsageError, RegistryError) as e:
        if refusal is None:
            raise
        complain(str(e))
        return refusal
    finally:
        start.close()
    complain(refused.reason, who="preflight exec")
    return refused.exit_code if refusal is None else refusal


def _run(parsed: argparse.Namespace, start: Start) -> NotStarted:
    from preflight.launch.start import NotStarted  # noqa: PLC0415 - as above

    report = run_gate(parsed, before=start.begin)
    if report.decision.exit_code != EXIT_GO:
        refused = NotStarted(exit_code=report.decision.exit_code, reason=report.decision.verdict.value)
    else:
        sys.stdout.flush()
        sys.stderr.flush()
        refused = start.go(report)
    reason = message("{reason}: {command} is not started", reason=refused.reason, command=start.command[0])
    return NotStarted(exit_code=refused.exit_code, reason=reason)


def _parser() -> Parser:
    own = parser()
    own.prog = "preflight exec"
    own.usage = say(message("preflight exec [options] -- COMMAND [ARGUMENT ...]"))
    own.description = say(message("Run the gate and, on GO only, become COMMAND: the one safe way to start the bot."))
    own.epilog = say(_EPILOG)
    own.add_argument(
        "--refusal-exit",
        type=int,
        choices=_OWN_CODES,
        metavar="CODE",
        help=say(
            message(
                "exit code where COMMAND is not started, {first} to {last} (default: the verdict's)",
                first=_OWN_CODES[0],
                last=_OWN_CODES[-1],
            )
        ),
    )
    own.add_argument(
        "--lock",
        type=Path,
        metavar="FILE",
        help=say(
            message(
                "start COMMAND only if this lock is free; COMMAND then holds it (default in live: "
                "exec-live.lock beside the ledger; elsewhere none)"
            )
        ),
    )
    own.add_argument(
        "--keep-secrets",
        action="store_true",
        help=say(message("let COMMAND have the PREFLIGHT_* variables that hold secrets of the gate, too")),
    )
    return own
