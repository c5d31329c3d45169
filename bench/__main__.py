"""The runner: every measurement of this package, as one table."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.table import Table

import bench
from bench.figure import Figure

Measure = Callable[[], Iterable[Figure]]


def measurements() -> dict[str, Measure]:
    """Name of each module that measures something -> its `measure`."""
    names = [module.name for module in pkgutil.iter_modules(bench.__path__) if module.name != "__main__"]
    modules = {name: importlib.import_module(f"bench.{name}") for name in names}
    return {name: module.measure for name, module in modules.items() if hasattr(module, "measure")}


def table(figures: Iterable[Figure]) -> Table:
    """Lay the figures out beside their floors and limits."""
    made = Table("what", "measured", "floor", "ratio", "limit", box=None, pad_edge=False)
    for one in figures:
        floor = "" if one.floor is None else f"{one.floor:.3g} {one.unit}, {one.against}"
        ratio = "" if one.ratio is None else f"{one.ratio:.1f}"
        limit = "" if one.limit is None else f"{one.limit:g} {one.unit}" + (" OVER" if one.over else "")
        made.add_row(one.what, f"{one.value:.3g} {one.unit}", floor, ratio, limit)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, show, and say whether anything is beyond its limit.

    Returns:
        0 when nothing is, 1 when something is.
    """
    known = measurements()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(known)} (default: all)")
    names = parser.parse_args(argv).names or list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no measurement {', '.join(unknown)}; there are: {', '.join(known)}")
    figures = [figure for name in names for figure in known[name]()]
    Console().print(table(figures))
    return int(any(figure.over for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
