"""The wheelhouses of the images that hold Python code of ours, made on the host.

Third-party wheels are the locked ones (``requirements.lock``, checked by hash) that an image's code needs; our own
wheel holds ``preflight`` and ``engine`` and nothing of the harness. They are for the images' Python, not the host's.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from acceptance.stack.binaries.cache import cache_root
from acceptance.stack.interface import StackError
from acceptance.stack.processes import finish

PYTHON = "3.13"
"""Debian trixie's Python, which runs in the images."""

PACKAGES = ("preflight", "engine")
"""What of this project goes into the images."""

_DOWNLOAD_SECONDS = 300
_BUILD_SECONDS = 120
_GLIBC = ("2_17", "2_28", "2_34")  # what wheels are built against; trixie has 2.41
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(\[[^\]]*\])?==", re.MULTILINE)
_MARKER = re.compile(r"^([^;\n]+?) *;[^\\\n]*")  # `name==1 ; python_version <= "3.13" \`: which Pythons a pin is for
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")


def gate_needs(root: Path) -> tuple[str, ...]:
    """What the project itself depends on, and so its ``preflight`` and ``engine`` images."""
    return tuple(_project(root)["dependencies"])


def locked(root: Path, wanted: Sequence[str]) -> str:
    """The part of ``requirements.lock`` that some requirements need, hashes included.

    Which packages need which is read from those installed here; what is needed only on other Pythons is left out.

    Args:
        root: The checkout.
        wanted: Requirements as in ``pyproject.toml``.

    Raises:
        StackError: A needed package is not in the lock, or not installed here.
    """
    blocks = lock_blocks((root / "requirements.lock").read_text(encoding="utf-8"))
    environment = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0", "extra": ""}
    todo = [Requirement(text) for text in wanted]
    needed: set[str] = set()
    seen: set[str] = set()
    while todo:
        requirement = todo.pop()
        for extra in {"", *requirement.extras}:
            key = f"{canonicalize_name(requirement.name)}[{extra}]"
            if key in seen:
                continue
            seen.add(key)
            needed.add(canonicalize_name(requirement.name))
            todo += [
                further
                for further in _requires(requirement.name, blocks.get(canonicalize_name(requirement.name), ""))
                if further.marker is None or further.marker.evaluate({**environment, "extra": extra})
            ]
    missing = sorted(needed - {*blocks})
    if missing:
        message = f"requirements.lock lacks {', '.join(missing)}, which the images need: make the lock anew"
        raise StackError(message)
    # pip would hold the markers against this Python, not the images': what is needed there has been found above.
    return "".join(_MARKER.sub(r"\1 ", blocks[name]) for name in sorted(needed))


def _requires(name: str, block: str) -> list[Requirement]:
    try:
        return [Requirement(text) for text in metadata.requires(name) or ()]
    except metadata.PackageNotFoundError as error:
        if _MARKER.match(block):  # the lock leaves it out on this Python; what has a marker there needs nothing itself
            return []
        message = f"{name} is not installed beside this Python, so the images' packages are unknown: run 'make setup'"
        raise StackError(message) from error


def lock_blocks(text: str) -> dict[str, str]:
    """Canonical package name -> its lines in a pip lock file: the pin, its hashes, its comments."""
    starts = [match.start() for match in _PIN.finditer(text)]
    blocks: dict[str, str] = {}
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        block = text[begin:end]
        match = _PIN.match(block)
        if match is not None:
            blocks[canonicalize_name(match.group(1))] = block
    return blocks


def wheelhouse(root: Path, wanted: Sequence[str]) -> Path:
    """Folder with the third-party wheels for some requirements, downloaded unless it is there already.

    Raises:
        StackError: They cannot be had.
    """
    lock = locked(root, wanted)
    digest = hashlib.sha256(f"{PYTHON} {platform.machine()} {_GLIBC}\n{lock}".encode()).hexdigest()[:16]
    folder = cache_root() / "wheelhouse" / digest
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as work:
        pins = Path(work, "requirements.txt")
        pins.write_text(lock, encoding="utf-8")
        wheels = Path(work, "wheels")
        platforms = [f"--platform=manylinux_{glibc}_{platform.machine()}" for glibc in _GLIBC]
        _pip(
            "download",
            *("--require-hashes", "--no-deps", "--only-binary=:all:", f"--python-version={PYTHON}"),
            *("--platform=manylinux2014_" + platform.machine(), *platforms),
            *("-r", str(pins), "-d", str(wheels)),
            what="the images' packages could not be downloaded",
            seconds=_DOWNLOAD_SECONDS,
        )
        wheels.rename(folder)
    return folder


def project_wheel(root: Path, target: Path) -> Path:
    """Build our own wheel into `target`, which is made; the checkout is not written to.

    Raises:
        StackError: It does not build.
    """
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as work:
        source = Path(work, "source")
        source.mkdir()
        for name in ("pyproject.toml", "README.md"):
            if (root / name).is_file():
                shutil.copy(root / name, source)
        for name in PACKAGES:
            shutil.copytree(root / name, source / name, ignore=_IGNORED)
        # setuptools wants every package that pyproject.toml names; the harness' stay empty and so out of the wheel.
        config = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        for package in config["tool"]["setuptools"]["packages"]:
            (source / package.replace(".", "/")).mkdir(parents=True, exist_ok=True)
        # Migrations, recorded quotes and the like, whatever pyproject.toml says of them: an image without is useless.
        (source / "MANIFEST.in").write_text("".join(f"recursive-include {name} *\n" for name in PACKAGES))
        _pip(
            "wheel",
            *("--no-deps", "--no-build-isolation", "--no-index", "-w", str(target), str(source)),
            what="this project's wheel could not be built",
            seconds=_BUILD_SECONDS,
        )
    return next(target.glob("*.whl"))


def project_version(root: Path) -> str:
    """The version in ``pyproject.toml``."""
    return str(_project(root)["version"])


def _project(root: Path) -> dict[str, list[str]]:
    project: dict[str, list[str]] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _pip(verb: str, *options: str, what: str, seconds: float) -> None:
    command = [sys.executable, "-m", "pip", verb, "--disable-pip-version-check", "--no-input", "-q", *options]
    done = finish(command, seconds=seconds)
    if done.code is None:
        message = f"{what}: pip was not done after {seconds:.0f} s; try again"
        raise StackError(message)
    if done.code != 0:
        message = f"{what}: {done.err.decode(errors='replace').strip()[-800:]}"
        raise StackError(message)
