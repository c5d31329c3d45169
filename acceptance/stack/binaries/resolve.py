"""Where the server programs come from: PATH if good enough, else the cache, else built from pins into the cache.

Grafana is the user's own or a stand-in, never built: see `grafana_source`.

`python -m acceptance.stack.binaries` makes what is missing and prints what will be used.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace

from acceptance.stack.binaries import cache, grafana_source, on_path, prerequisites, recipes
from acceptance.stack.binaries.component import Component, ComponentError
from acceptance.stack.binaries.progress import Progress
from acceptance.stack.binaries.recipes import BuildContext, Recipe
from acceptance.stack.interface import GrafanaChoice
from acceptance.stack.processes import StoppedError

MADE = ("redis", "postgres", "prometheus", "promtool", "node_exporter")
ALL = (*MADE, "grafana")
DISPLAY = ("node", "grafana-display")  # what says what panels display; no servers

__all__ = ["ALL", "DISPLAY", "MADE", "Component", "ComponentError", "resolve", "resolve_all"]


def resolve(name: str, *, progress: Progress | None = None, use_path: bool = True) -> Component:
    """Return one component, making it if need be; see `resolve_all`."""
    return resolve_all((name,), progress=progress, use_path=use_path)[name]


def resolve_all(
    names: Sequence[str] = ALL,
    *,
    progress: Progress | None = None,
    use_path: bool = True,
    grafana: GrafanaChoice = "auto",
) -> dict[str, Component]:
    """Return components by name, making those that are neither on PATH nor in the cache.

    Args:
        names: Which of `ALL` and `DISPLAY`.
        progress: Told what is passed over and what is being made; standard error by default.
        use_path: Whether to look on PATH at all; images copy what is built from the pins.
        grafana: Which Grafana to take, where it is among the names.

    Raises:
        ComponentError: One cannot be had. Nothing half-made stays behind.
        ValueError: There is no component of that name.
    """
    known = (*ALL, *DISPLAY)
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"unknown component {', '.join(unknown)}: there are {', '.join(known)}")
    progress = Progress() if progress is None else progress
    chosen: dict[str, Component] = {}
    notes: dict[str, tuple[str, ...]] = {}
    if "grafana" in names:
        chosen["grafana"] = grafana_source.choose(grafana, tell=progress.say)
    built = [name for name in names if name != "grafana" and name in on_path.WANTED]
    if use_path:
        with ThreadPoolExecutor(max_workers=len(ALL)) as pool:
            for name, (component, passed_over) in zip(built, pool.map(on_path.find, built), strict=True):
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
        record = cache.shelved(folder)
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
    site = prerequisites.prepare(to_make, BuildContext(progress=progress, stop=stop))
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
