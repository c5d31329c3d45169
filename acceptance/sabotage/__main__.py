"""`make sabotage`: tries every sabotage and prints what came of it.

Exit code: 0 when each of at least 60 sabotages was caught for the right reason; 1 when one was not, or there are fewer;
2 when nothing could be tried; 3 when only some were asked for, and these were caught.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from acceptance.sabotage.driver import try_all
from acceptance.sabotage.judge import Catch, SabotageResult
from acceptance.sabotage.row import ROWS, RowError, read_rows
from acceptance.stack import in_memory
from acceptance.stack.binaries.component import ComponentError
from acceptance.stack.interface import StackError

LEAST: Final = 60
CAUGHT, NOT_CAUGHT, NOT_TRIED, SOME_ONLY = 0, 1, 2, 3
_ROOT = Path(__file__).parents[2]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see the module for what it returns."""
    parser = argparse.ArgumentParser(prog="python -m acceptance.sabotage", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="HOP or HOP/NAME of what to try; all of them when there is none"
    )
    parser.add_argument("--list", action="store_true", help="name them, and what each breaks; tries nothing")
    parser.add_argument("--rows", type=Path, default=ROWS, metavar="DIR", help="folder of the files (default: its own)")
    parser.add_argument("--checkout", type=Path, default=_ROOT, metavar="DIR", help="what to copy (default: this one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found to FILE too")
    options = parser.parse_args(argv)
    try:
        rows = read_rows(options.rows)
        known = {row.path for row in rows} | {row.hop for row in rows}
        if unknown := sorted(set(options.names) - known):
            raise RowError(f"there is no sabotage or hop {', '.join(unknown)}; --list names them")
        wanted = tuple(row for row in rows if not options.names or {row.path, row.hop} & set(options.names))
        if options.list:
            for row in wanted:
                _print(f"{row.path:<48} {row.breaks}")
            return CAUGHT
        begun = time.monotonic()
        in_memory.keep_temporary_files()
        with tempfile.TemporaryDirectory(prefix="arbitrage-sabotage-") as folder:
            place = Path(folder)
            (place / "copies").mkdir()
            found = try_all(wanted, checkout=options.checkout, folder=place, tell=_tell)
    except (RowError, StackError, ComponentError) as error:
        sys.stderr.write(f"error: {error}\n")
        return NOT_TRIED
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return NOT_TRIED
    seconds = time.monotonic() - begun
    _print_table(found, seconds)
    code = verdict(found, of=len(rows))
    if options.json is not None:
        options.json.write_text(json.dumps(_document(found, seconds, code), indent=2) + "\n", encoding="utf-8")
    return code


def verdict(found: Sequence[SabotageResult], *, of: int) -> int:
    """Give the exit code.

    Args:
        found: What was tried.
        of: How many sabotages there are.
    """
    if not found or any(finding.catch is not Catch.RIGHT for finding in found):
        return NOT_CAUGHT
    if len(found) < of:
        return SOME_ONLY
    return CAUGHT if of >= LEAST else NOT_CAUGHT


def _tell(finding: SabotageResult) -> None:
    _print(f"{finding.catch:<28} {finding.row.path:<48} {finding.seconds:5.1f} s")


def _print_table(found: Sequence[SabotageResult], seconds: float) -> None:
    _print("")
    for finding in found:
        _print(f"{finding.catch:<28} {finding.row.path:<48} {finding.row.breaks}")
        if finding.why:
            _print(f"{'':<28} {finding.why}")
    counts = ", ".join(f"{sum(f.catch is catch for f in found)} {catch}" for catch in Catch)
    _print(f"{len(found)} sabotages in {seconds:.0f} s: {counts}")
    if len(found) < LEAST:
        _print(f"fewer than {LEAST}: this does not count")


def _document(found: Sequence[SabotageResult], seconds: float, code: int) -> dict[str, object]:
    return {
        "schema_version": 1,
        "exit_code": code,
        "seconds": round(seconds, 1),
        "sabotages": [
            {
                "name": finding.row.path,
                "breaks": finding.row.breaks,
                "caught": finding.catch.value,
                "why": finding.why,
                "tests": {test: list(words) for test, words in finding.row.caught.items()},
            }
            for finding in found
        ],
    }


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
