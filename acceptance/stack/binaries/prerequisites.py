"""What builds need before they start: Go, Node, and room on the disk. Better refused at once than after minutes."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from acceptance.stack.binaries import on_path, recipes
from acceptance.stack.binaries.cache import components_dir
from acceptance.stack.binaries.component import ComponentError
from acceptance.stack.binaries.go import Go, go_caches, go_env, go_on_path, go_version
from acceptance.stack.binaries.pins import go_line
from acceptance.stack.binaries.recipes import BuildContext, Recipe

MEBI = 1024 * 1024


def prepare(to_make: Sequence[Recipe], site: BuildContext) -> BuildContext:
    """Find or install what recipes need, and return the site with it.

    Raises:
        ComponentError: Something is missing that cannot be installed, or there is not enough room.
    """
    built = [recipe for recipe in to_make if recipe.source == "built"]
    go = _go(built, site) if built else None
    node = _node(site) if any(recipe.source == "npm" for recipe in to_make) else None
    _room(to_make, go)
    return replace(site, go=go, node=node)


def _go(built: Sequence[Recipe], site: BuildContext) -> Go:
    minimum = max(go_line(recipe.pins / "go.mod") for recipe in built)
    go, passed_over = go_on_path(minimum)
    for line in passed_over:
        site.progress.say(line)
    if go is not None:
        return go
    made = recipes.make(recipes.GO, site)["go"]
    return Go(binary=made.binary, version=go_version(made.binary) or made.version, own_caches=True)


def _node(site: BuildContext) -> Path:
    found, passed_over = on_path.find("node")
    for line in passed_over:
        site.progress.say(line)
    return found.binary if found is not None else recipes.make(recipes.NODE, site)["node"].binary


def _room(to_make: Sequence[Recipe], go: Go | None) -> None:
    """Compare what the builds take, as measured, with what is free on each disk that they write to."""
    ours = components_dir()
    modules, compiled = (ours, ours) if go is None else go_caches(go, go_env(go, scratch=ours))
    needed: defaultdict[int, int] = defaultdict(int)
    places: dict[int, Path] = {}
    for recipe in to_make:
        for place, mebibytes in ((modules, recipe.modules), (compiled, recipe.compiled), (ours, recipe.kept)):
            there = next(folder for folder in (place, *place.parents) if folder.exists())
            device = there.stat().st_dev
            needed[device] += mebibytes * MEBI
            places.setdefault(device, there)
    for device, there in places.items():
        free = shutil.disk_usage(there).free
        if free < needed[device]:
            names = ", ".join(recipe.name for recipe in to_make)
            raise ComponentError(
                f"{names}: the disk of {there} has {free / MEBI / 1024:.1f} GB free and making them takes about "
                f"{needed[device] / MEBI / 1024:.1f} GB: free some, or set ARBITRAGE_CACHE, GOCACHE and GOMODCACHE to "
                "folders on another disk"
            )
