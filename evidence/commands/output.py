"""What the verbs print: evidence holds text of strangers, so nothing reaches a terminal but as plain text."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from preflight.model import one_line

OK: Final = 0
WRONG: Final = 1
USAGE: Final = 2
DEFAULT: Final = Path("artifacts") / "latest"


def say(text: str) -> None:
    """Print a line of the answer."""
    print(one_line(text))  # noqa: T201 -- the answer


def complain(text: str) -> None:
    """Print a line about what is wrong."""
    print(f"evidence: {one_line(text)}", file=sys.stderr)  # noqa: T201 -- the answer


def add_bundle(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the argument BUNDLE, by default the newest."""
    parser.add_argument(
        "bundle",
        metavar="BUNDLE",
        nargs="?",
        type=Path,
        default=DEFAULT,
        help=f"{what} (default: {DEFAULT.as_posix()})",
    )


def relative(path: Path) -> str:
    """Write a path as somebody here would type it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
