"""`preflight exec [options] -- COMMAND`: run the gate and, on GO only, become COMMAND.

The process is replaced, not wrapped: signals and the exit code are the command's own, and nothing of the gate is left
that could disagree with it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Sequence

from preflight.commands.run import parser, run_gate
from preflight.errors import RegistryError, UsageError
from preflight.model import EXIT_GO, EXIT_UNVERIFIED

RUN_ID_VARIABLE = "ARBITRAGE_PREFLIGHT_RUN_ID"

_EPILOG = """\
example:
  preflight exec --env live -- /usr/local/bin/bot --config /etc/bot.toml

Options are those of a run. COMMAND starts only when the verdict is GO; it then has the run's id in
ARBITRAGE_PREFLIGHT_RUN_ID. On any other verdict it is not started and the exit code is the verdict's, or that of
--refusal-exit: whoever restarts COMMAND can then tell a verdict from COMMAND's own exit 1.
"""
_OWN_CODES = range(7, 256)  # what no verdict has


def main(argv: Sequence[str]) -> int:
    """Run the gate; on GO replace this process, else give the verdict's exit code.

    Raises:
        UsageError: No command or env was named, the command cannot be found, or the configuration is refused;
            nothing ran.
    """
    arguments = list(argv)
    split = arguments.index("--") if "--" in arguments else len(arguments)
    options, command = arguments[:split], arguments[split + 1 :]
    parsed = _parser().parse_args(options)
    if not command:
        raise UsageError("exec: no command; give it after --, as in: preflight exec --env live -- ./bot")
    if parsed.env is None and not os.environ.get("PREFLIGHT_ENV"):
        # A local stack that happens to run may choose where checks look, but not which bot may start.
        raise UsageError("exec: no env; give --env live|paper|dev|test or set PREFLIGHT_ENV: nothing else chooses it")
    program = shutil.which(command[0])
    if program is None:
        raise UsageError(f"exec: {command[0]} is not a program that can be started; nothing ran")
    refusal: int | None = parsed.refusal_exit
    try:
        report = run_gate(parsed)
    except (UsageError, RegistryError) as e:
        if refusal is None:
            raise
        sys.stderr.write(f"preflight: {e}\n")
        return refusal
    if report.decision.exit_code != EXIT_GO:
        sys.stderr.write(f"preflight exec: {report.decision.verdict}: {command[0]} is not started\n")
        return report.decision.exit_code if refusal is None else refusal
    sys.stdout.flush()
    sys.stderr.flush()
    # What this process, or Python on its start, has changed; ignored signals would stay so in COMMAND.
    for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(program, command, {**os.environ, RUN_ID_VARIABLE: report.run_id})  # noqa: S606 - what exec is for
    except OSError as e:
        sys.stderr.write(f"preflight exec: {command[0]} cannot be started: {e.strerror}\n")
        return EXIT_UNVERIFIED


def _parser() -> argparse.ArgumentParser:
    own = parser()
    own.prog = "preflight exec"
    own.usage = "preflight exec [options] -- COMMAND [ARGUMENT ...]"
    own.description = "Run the gate and, on GO only, become COMMAND: the one safe way to start the bot."
    own.epilog = _EPILOG
    own.formatter_class = argparse.RawDescriptionHelpFormatter
    own.add_argument(
        "--refusal-exit",
        type=int,
        choices=_OWN_CODES,
        metavar="CODE",
        help=f"exit code where COMMAND is not started, {_OWN_CODES[0]} to {_OWN_CODES[-1]} (default: the verdict's)",
    )
    return own
