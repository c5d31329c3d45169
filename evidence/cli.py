"""The command ``evidence``: opens, seals, shows and verifies bundles. Each verb has a module in `evidence.commands`.

Exit codes: 0 fine; 1 what was asked about is not so, or could not be done; 2 bad usage, or no such bundle; `verify` and
`seal` know more, and their ``--help`` lists them.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from evidence.commands import compare, export, keygen, open_, promote, report, seal, show, verify
from evidence.commands.output import USAGE, WRONG, complain
from evidence.errors import BundleMissingError, EvidenceError, KeyFileError

_VERBS = (open_, seal, keygen, show, verify, report, promote, compare, export)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: arguments without the program's name; the process's own when None.

    Returns:
        The exit code.
    """
    try:
        options = _parser().parse_args(argv)
    except SystemExit as stop:  # argparse: 0 after --help, 2 after bad usage
        return stop.code if isinstance(stop.code, int) else USAGE
    try:
        code: int = options.run(options)
    except (BundleMissingError, KeyFileError) as error:
        complain(str(error))
        return USAGE
    except EvidenceError as error:
        complain(str(error))
        return WRONG
    return code


def entry() -> None:
    """Console script."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `evidence show | head` has seen enough: that is no traceback
    sys.exit(main())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evidence", description="Open, seal, show and verify the evidence of a run.", allow_abbrev=False
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in _VERBS:
        verb.add(verbs)
    return parser
