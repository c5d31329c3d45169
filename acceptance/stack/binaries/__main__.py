"""``python -m acceptance.stack.binaries`` (``make components``): makes what is missing and prints what is used."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from acceptance.stack.binaries.component import ComponentError
from acceptance.stack.binaries.resolve import ALL, DISPLAY, MADE, resolve_all, table

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 when a component cannot be had (argparse exits with 2 on a usage error)."""
    parser = argparse.ArgumentParser(
        prog="python -m acceptance.stack.binaries",
        description="Makes sure that the server programs are there, and prints which are used. A good enough "
        "program on PATH is taken first, then what an earlier run made, else it is made from the pins in "
        "docker/components.",
        epilog="Cache: $ARBITRAGE_CACHE, else $XDG_CACHE_HOME/arbitrage-preflight, else ~/.cache/arbitrage-preflight. "
        "Exit code: 0 all there, 1 one cannot be had (one sentence says why and what to do), 2 usage.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"one of: {', '.join((*ALL, *DISPLAY))} "
        "(default: all but grafana, which is never made and which each stack chooses)",
    )
    parser.add_argument("--no-path", action="store_true", help="do not take programs from PATH: build from the pins")
    options = parser.parse_args(argv)
    if unknown := sorted(set(options.names) - {*ALL, *DISPLAY}):
        parser.error(f"unknown component {', '.join(unknown)}: there are {', '.join((*ALL, *DISPLAY))}")
    names = tuple(dict.fromkeys(options.names)) or (*MADE, *DISPLAY)
    try:
        chosen = resolve_all(names, use_path=not options.no_path)
    except ComponentError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: nothing half-made was kept\n")
        return 130
    sys.stdout.write(table(list(chosen.values())) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
