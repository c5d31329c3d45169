"""Where the server programs come from: PATH if good enough, else the cache, else built from pins into the cache.

Grafana is the user's own or a stand-in, never built: see `grafana_source`.

`python -m acceptance.stack.components` makes what is missing and prints what will be used.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace

from acceptance.stack import cache, found, grafana_source, needs, recipes
from acceptance.stack.command import StoppedError
from acceptance.stack.component import Component, ComponentError
from acceptance.stack.progress import Progress
from acceptance.stack.recipes import Recipe, Site

MADE = ("redis", "postgres", "prometheus", "promtool", "node_exporter")
ALL = (*MADE, "grafana")

__all__ = ["ALL", "MADE", "Component", "ComponentError", "main", "resolve", "resolve_all"]


def resolve(name: str, *, progress: Progress | None = None, use_path: bool = True) -> Component:
    """Return one component, making it if need be; see `resolve_all`."""
    return resolve_all((name,), progress=progress, use_path=use_path)[name]


def resolve_all(
    names: Sequence[str] = ALL,
    *,
    progress: Progress | None = None,
    use_path: bool = True,
    grafana: grafana_source.Choice = "auto",
) -> dict[str, Component]:
    """Return components by name, making those that are neither on PATH nor in the cache.

    Args:
        names: Which of `ALL`.
        progress: Told what is passed over and what is being made; standard error by default.
        use_path: Whether to look on PATH at all; images copy what is built from the pins.
        grafana: Which Grafana to take, where it is among the names.

    Raises:
        ComponentError: One cannot be had. Nothing half-made stays behind.
        ValueError: There is no component of that name.
    """
    if unknown := sorted(set(names) - set(ALL)):
        raise ValueError(f"unknown component {', '.join(unknown)}: there are {', '.join(ALL)}")
    progress = Progress() if progress is None else progress
    chosen: dict[str, Component] = {}
    notes: dict[str, tuple[str, ...]] = {}
    if "grafana" in names:
        chosen["grafana"] = grafana_source.choose(grafana, tell=progress.say)
    built = [name for name in names if name in MADE]
    if use_path:
        with ThreadPoolExecutor(max_workers=len(ALL)) as pool:
            for name, (component, passed_over) in zip(built, pool.map(found.find, built), strict=True):
                notes[name] = passed_over
                for line in passed_over:
                    progress.say(line)
                if component is not None:
                    chosen[name] = component
    missing = [recipe for recipe in recipes.RECIPES if any(n in names and n not in chosen for n in recipe.gives)]
    for made in _obtain(missing, progress).values():
        for name in made:
            if name in names and name not in chosen:
                chosen[name] = replace(made[name], notes=notes.get(name, ()))
    return {name: chosen[name] for name in names}


def _obtain(wanted: Sequence[Recipe], progress: Progress) -> dict[str, dict[str, Component]]:
    """Take recipes from the cache, and make what is not there."""
    ready: dict[str, dict[str, Component]] = {}
    for recipe in wanted:
        folder = cache.components_dir() / recipes.key(recipe)[0]
        record = cache.load(folder)
        if record is not None:
            ready[recipe.name] = recipes.components(recipe, folder, record)
    to_make = [recipe for recipe in wanted if recipe.name not in ready]
    if to_make:
        ready |= _make_all(to_make, progress)
    return ready


def _make_all(to_make: Sequence[Recipe], progress: Progress) -> dict[str, dict[str, Component]]:
    stop = threading.Event()
    plan = ", ".join(" + ".join(recipe.gives) for recipe in to_make)
    duration = _duration(sum(recipe.seconds for recipe in to_make))
    progress.say(f"making {plan}: about {duration} on 2 idle cores, once, into {cache.components_dir()}")
    site = needs.prepare(to_make, Site(progress=progress, stop=stop))
    # All at once: one downloads or links, on one core, while another compiles.
    with ThreadPoolExecutor(max_workers=len(to_make)) as pool:
        futures = {recipe.name: pool.submit(recipes.make, recipe, site) for recipe in to_make}
        try:
            wait(futures.values(), return_when=FIRST_EXCEPTION)
        finally:
            # One has failed, or Ctrl-C: what the others compiled so far stays in Go's own cache.
            if not all(future.done() and future.exception() is None for future in futures.values()):
                stop.set()
    errors = [error for future in futures.values() if (error := future.exception()) is not None]
    for error in sorted(errors, key=lambda error: isinstance(error, StoppedError)):  # the cause before its consequences
        raise error
    return {name: future.result() for name, future in futures.items()}


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{round(seconds / 60)} min"


def table(components: Sequence[Component]) -> str:
    """Return components as lines of aligned columns: name, version, source, path."""
    rows = [("NAME", "VERSION", "SOURCE", "PATH")]
    rows += [(one.name, one.version, one.source, str(one.binary)) for one in components]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join((*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3])) for row in rows
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 when a component cannot be had (argparse exits with 2 on a usage error)."""
    parser = argparse.ArgumentParser(
        prog="python -m acceptance.stack.components",
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
        help=f"one of: {', '.join(ALL)} (default: all but grafana, which is never made and which each stack chooses)",
    )
    parser.add_argument("--no-path", action="store_true", help="do not take programs from PATH: build from the pins")
    options = parser.parse_args(argv)
    if unknown := sorted(set(options.names) - set(ALL)):
        parser.error(f"unknown component {', '.join(unknown)}: there are {', '.join(ALL)}")
    names = tuple(dict.fromkeys(options.names)) or MADE
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
