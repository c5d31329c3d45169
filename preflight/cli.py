"""The command line: a thin edge that finds the command and turns what escapes it into an exit code.

Everything heavy is imported where it is used, so that `--help` and a typing error answer at once.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from preflight.errors import PreflightError, RegistryError, UsageError
from preflight.language import asked_for, reading
from preflight.model import EXIT_GO, EXIT_UNVERIFIED, EXIT_USAGE
from preflight.system.streams import escape_unknown, fill_closed

COMMANDS = MappingProxyType(
    {
        "run": "preflight.commands.run",
        "list": "preflight.commands.list",
        "config": "preflight.commands.config",
        "init": "preflight.commands.init",
        "exec": "preflight.commands.exec",
        "alerts": "preflight.commands.alerts",
        "db": "preflight.commands.db",
        "doctor": "preflight.commands.doctor",
    }
)


_PAGES = frozenset({"list", "config", "init"})  # what they print may be read in part: `preflight config | head`
_EXIT_PIPE = 128 + signal.SIGPIPE  # as a shell shows a program whose reader has gone


def entry() -> NoReturn:
    """Run as a console script. A bug in the gate ends with 3: a traceback's exit code 1 would read as NO_GO."""
    try:
        fill_closed()
        escape_unknown()
        code = main()
        _flush(code)
    except BaseException as e:  # noqa: BLE001 - the last door: whatever came here could not tell, SystemExit included
        code = EXIT_UNVERIFIED
        with contextlib.suppress(Exception):  # nobody may be left to read it: the code is what counts
            _say_that_it_broke(e)
    # Not sys.exit: what a library registered for the end of the process must not be able to change the code.
    os._exit(code)


def _say_that_it_broke(error: BaseException) -> None:
    from preflight.message import message  # noqa: PLC0415 - only where something went wrong
    from preflight.said import complain  # noqa: PLC0415

    with reading(asked_for(sys.argv[1:], os.environ, sys.stdout)):
        complain(message("the gate itself broke ({where}); this is not a verdict", where=_where(error)))


def _flush(code: int) -> None:
    """Let out what was printed. Only where it would have been a success does it matter that nobody can read it."""
    try:
        sys.stdout.flush()
    except OSError:
        if code == EXIT_GO:
            raise


def _drop_output() -> None:
    """Have what is still to be printed go nowhere: its reader has gone."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _where(error: BaseException) -> str:
    """Return what was raised and where, and not its text: nothing at this door knows which part of it is a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    return f"{type(error).__name__}{place}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code.

    Args:
        argv: Arguments without the program's name, the command first (`run` may be left out); `None` means the
            process's own.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    with reading(asked_for(arguments, os.environ, sys.stdout)):
        return _run(arguments)


def _run(arguments: list[str]) -> int:
    command = arguments.pop(0) if arguments and arguments[0] in COMMANDS else "run"
    try:
        code: int = importlib.import_module(COMMANDS[command]).main(arguments)
        if command in _PAGES:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        if command not in _PAGES:
            raise
        _drop_output()
        return _EXIT_PIPE
    except SystemExit as e:
        # argparse ends bad options with 2, --help and --version with 0; nobody else may end the gate with 0.
        if e.code == EXIT_USAGE:
            return EXIT_USAGE
        ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
        if e.code == 0 and not {"-h", "--help", "--version"}.isdisjoint(ours):
            return EXIT_GO
        raise
    except PreflightError as e:
        from preflight.said import complain  # noqa: PLC0415 - only where something went wrong

        complain(str(e))
        return EXIT_USAGE if isinstance(e, UsageError | RegistryError) else EXIT_UNVERIFIED
