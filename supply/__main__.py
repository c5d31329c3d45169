"""``python -m supply``: check what is installed and built against its table, or write the page anew."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from supply import table
from supply.check import faults
from supply.installed import installed
from supply.licences import load
from supply.locks import parts
from supply.part import SupplyError

_PROJECT = Path(__file__).resolve().parents[1]


def main(argv: Sequence[str] | None = None, *, project: Path = _PROJECT) -> int:
    """Run the command.

    Args:
        argv: arguments without the program's name; the process's own when None.
        project: the checkout.

    Returns:
        0 all is as it should be, 1 something is not, 2 usage, or a file that cannot be read.
    """
    parser = argparse.ArgumentParser(
        prog="python -m supply",
        description="Licences and hashes of all that is installed or built: offline, in a second.",
        epilog="exit codes: 0 right, 1 a fault (a sentence each), 2 usage or an unreadable file",
        allow_abbrev=False,
    )
    parser.add_argument("verb", choices=("check", "renew"), help=f"renew: also write {table.PAGE} anew")
    options = parser.parse_args(argv)
    try:
        every, licences = parts(project), load()
    except SupplyError as error:
        sys.stderr.write(f"supply: {error}\n")
        return 2
    wanted = table.page(every, licences)
    path = project / table.PAGE
    if options.verb == "renew":
        path.write_text(wanted, encoding="utf-8")
    found = list(faults(every, licences, installed()))
    if not path.is_file() or path.read_text(encoding="utf-8") != wanted:
        found.append(f"{table.PAGE} is not what the locks and the table give: run `python -m supply renew`")
    sys.stdout.write("".join(f"supply: {text}\n" for text in found))
    if not found:
        sys.stdout.write(f"supply: {len(every)} parts, each with its licence\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
