"""The command ``evidence``: show a bundle, and check that it is what it says.

Exit codes: 0 all is as the manifest says; 1 it is not, or the bundle is INCOMPLETE; 2 bad usage, or no
such bundle. They speak of the bundle, not of the tests: a bundle that honestly says FAILED checks with 0.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evidence.errors import BundleMissingError, EvidenceError
from preflight.model import one_line

_DEFAULT = Path("artifacts") / "latest"
OK, WRONG, USAGE = 0, 1, 2


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
        return _show(options.bundle) if options.verb == "show" else _check(options.bundle)
    except BundleMissingError as error:
        _complain(str(error))
        return USAGE
    except EvidenceError as error:
        _complain(str(error))
        return WRONG


def entry() -> None:
    """Console script."""
    sys.exit(main())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evidence",
        description="Show an evidence bundle, or check that it is what its manifest says.",
        epilog="exit codes: 0 as the manifest says, 1 not so or INCOMPLETE, 2 bad usage or no such bundle",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in (
        ("show", "result, counts, files and versions for a person"),
        ("check", "recompute checksums, schemas and counts; name each file that differs"),
    ):
        verb_parser = verbs.add_parser(verb, help=text, description=text)
        verb_parser.add_argument(
            "bundle",
            metavar="BUNDLE",
            nargs="?",
            type=Path,
            default=_DEFAULT,
            help=f"folder of the bundle (default: {_DEFAULT.as_posix()})",
        )
    return parser


def _show(folder: Path) -> int:
    from evidence.show import show  # noqa: PLC0415 -- so that --help starts at once

    return OK if show(folder) else WRONG


def _check(folder: Path) -> int:
    from evidence import manifest  # noqa: PLC0415 -- so that --help starts at once
    from evidence.check import check  # noqa: PLC0415 -- as above

    found = check(folder)
    for problem in found:
        _complain(str(problem))
    if found:
        _complain(f"{folder} is not what its manifest says: {len(found)} problem(s), see above")
        return WRONG
    document = manifest.read(folder)
    print(f"{one_line(folder.resolve().name)}: {len(document['files'])} files as the manifest says")  # noqa: T201 -- the answer
    reasons = "".join(f"; {reason}" for reason in document["reasons"])
    print(one_line(f"result: {document['result']}{reasons}"))  # noqa: T201 -- the answer
    return OK


def _complain(text: str) -> None:
    print(f"evidence: {one_line(text)}", file=sys.stderr)  # noqa: T201 -- the answer
