"""Build contexts of the local images: for each a folder with its Dockerfile and what that copies.

The programs are the ones that the embedded stack runs too (`acceptance.stack.binaries.resolve`), built once for both.
An image's tag is a digest of everything that goes into it, so that an image that is there need not be built again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from acceptance.stack.binaries.component import Component
from acceptance.stack.compose.images import wheelhouse as compose_wheels

NAMESPACE = "arbitrage-local"

_IGNORED = ("__pycache__", ".pyc", ".egg-info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """One image that is built here."""

    service: str  # its name in docker-compose.yml
    variable: str  # what names its image there
    folder: str  # below docker/images
    components: tuple[str, ...] = ()  # programs it copies


IMAGES: tuple[Local, ...] = (
    Local(service="redis", variable="REDIS_IMAGE", folder="redis"),
    Local(service="postgres", variable="POSTGRES_IMAGE", folder="postgres"),
    Local(
        service="prometheus",
        variable="PROMETHEUS_IMAGE",
        folder="prometheus",
        components=("prometheus", "promtool"),
    ),
    Local(service="grafana", variable="GRAFANA_IMAGE", folder="grafana"),
    Local(
        service="node-exporter",
        variable="NODE_EXPORTER_IMAGE",
        folder="node-exporter",
        components=("node_exporter",),
    ),
    Local(service="engine", variable="ENGINE_IMAGE", folder="app"),
    Local(service="preflight", variable="PREFLIGHT_IMAGE", folder="app"),
)

STANDIN_NEEDS = (
    "fonttools",
    "koreanize-matplotlib",
    "matplotlib",
    "prometheus-client",
    "promql-parser",
    "pyyaml",
    "requests",
)
"""What the stand-in for Grafana imports."""

STANDIN_SOURCES = (
    "acceptance/__init__.py",
    "acceptance/dashboards",
    *(f"acceptance/display/{name}.py" for name in ("__init__", "library", "model")),
    "acceptance/probes",
    *(f"acceptance/proof/{name}.py" for name in ("__init__", "judge", "sweep")),
    "acceptance/world/__init__.py",
    "acceptance/world/grafana",
    *(
        f"engine/{name}.py"
        for name in (
            *("__init__", "metrics", "risk", "prices/__init__", "prices/fx", "prices/spread"),
            *("trading/__init__", "trading/portfolio"),
        )
    ),
    *(f"preflight/{name}.py" for name in ("__init__", "message", "model", "record/__init__", "record/catalogue")),
)
"""The stand-in's own code, and what of the harness it imports (its pages judge panels as the suite does, and so know
the names of all metrics); the image's build imports it all once."""

OWN: frozenset[str] = frozenset(image.variable for image in IMAGES if image.folder == "app")
"""Images of this project's own code: no registry has them."""


def tag(root: Path, image: Local, components: Mapping[str, Component], base: str) -> str:
    """Name and tag of an image; the tag changes with everything that goes into it.

    Args:
        root: The checkout.
        image: Which.
        components: At least those that it copies.
        base: Id of the image it starts from.
    """
    digest = hashlib.sha256(f"{base}\n".encode())
    add_files(digest, [root / "docker" / "images" / image.folder], root)
    for name in image.components:
        component = components[name]
        stat = component.binary.stat()
        digest.update(f"{name} {component.version} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    if image.folder == "app":
        digest.update(compose_wheels.locked(root, compose_wheels.gate_needs(root)).encode())
        digest.update(Path(compose_wheels.__file__).read_bytes())  # how the wheel is made shapes it too
        add_files(digest, [root / name for name in (*compose_wheels.PACKAGES, "pyproject.toml")], root)
    if image.folder == "grafana":
        digest.update(compose_wheels.locked(root, STANDIN_NEEDS).encode())
        add_files(digest, [root / name for name in STANDIN_SOURCES], root)
    return f"{NAMESPACE}/{image.service}:{digest.hexdigest()[:12]}"


def add_files(digest: hashlib._Hash, paths: Iterable[Path], root: Path) -> None:
    """Feed names, execute bits and contents of files, folders walked in a fixed order, into a digest."""
    for path in paths:
        if any(path.name.endswith(ending) for ending in _IGNORED):
            continue
        if path.is_dir():
            add_files(digest, sorted(path.iterdir()), root)
        elif path.is_file():
            executable = bool(path.stat().st_mode & 0o100)
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(root)} {executable} {content}\n".encode())


def fill(root: Path, target: Path, images: Iterable[Local], components: Mapping[str, Component]) -> None:
    """Make the contexts of some images below `target`, replacing what is there.

    Raises:
        OSError: The disk is full or the folder cannot be written.
        StackError: The wheels of our own images cannot be had.
    """
    for folder in sorted({image.folder for image in images}):
        needed = {name for image in IMAGES if image.folder == folder for name in image.components}
        context = target / folder
        shutil.rmtree(context, ignore_errors=True)
        shutil.copytree(root / "docker" / "images" / folder, context)
        # Whoever cloned under a strict umask: what the images copy has to be readable by the users they run as.
        for path in context.iterdir():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        for name in sorted(needed):
            component = components[name]
            _link(component.binary, context / name)
        if folder == "app":
            wheels = compose_wheels.wheelhouse(root, compose_wheels.gate_needs(root))
            shutil.copytree(wheels, context / "wheelhouse", copy_function=_link)
            compose_wheels.project_wheel(root, context / "project")
        if folder == "grafana":
            wheels = compose_wheels.wheelhouse(root, STANDIN_NEEDS)
            shutil.copytree(wheels, context / "wheelhouse", copy_function=_link)
            _copy_sources(root, context / "source")


def _copy_sources(root: Path, target: Path) -> None:
    """The stand-in's code, readable for the image's user whatever the umask of the checkout."""
    for name in STANDIN_SOURCES:
        source, copy = root / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*(f"*{ending}" for ending in _IGNORED)))
        else:
            shutil.copyfile(source, copy)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _link(source: str | Path, target: str | Path) -> str:
    """Hard-link where it can: the programs are 250 MB in all, and the context is only read."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return str(target)
