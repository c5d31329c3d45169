"""The parts, read from the files that pin or name them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Final

from supply.part import Part, SupplyError

_PIN: Final = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?(?:==([^\s;\\*,]+)(?=[\s;\\]|$))?")
_SHA256: Final = re.compile(r"--hash=(sha256:[0-9a-f]{64})(?=\s|$)")
_REQUIRED: Final = re.compile(r"^(?:require )?\s*(\S+) (v\S+?)(?: // indirect)?$", re.MULTILINE)
_SUM: Final = re.compile(r"^(\S+) (v[^\s/]+) (h1:[A-Za-z0-9+/]{43}=)$", re.MULTILINE)
_NPM_HASH: Final = re.compile(r"sha512-[A-Za-z0-9+/]{86}==")
_IMAGE: Final = re.compile(r"\$\{\w+_IMAGE:-(?P<name>[\w./-]+):(?P<tag>[\w.-]+)(?:@(?P<digest>sha256:[0-9a-f]{64}))?\}")
_BASE: Final = re.compile(
    r"^ARG DEBIAN_IMAGE=(?P<name>[\w./-]+):(?P<tag>[\w.-]+)(?:@(?P<digest>sha256:[0-9a-f]{64}))?$", re.MULTILINE
)
#: How a script, an image or a workflow asks for Debian's packages.
_DEBIAN: Final = (
    re.compile(r"apt-get\b(?:[^\n#]|\\\n)*? install(?: +-[\w:=.-]+)+(?P<names>(?: +[a-z0-9][a-z0-9.+-]+)+)"),
    re.compile(r"install_debian_program\.sh\"? (?P<names>[a-z0-9][a-z0-9.+-]+)$", re.MULTILINE),
    re.compile(r"install_debian_program\.sh (?P<names>[a-z0-9][a-z0-9.+-]+) \|\|"),
    re.compile(r"\bwanted\+?=\((?P<names>[a-z0-9][a-z0-9. +-]+)\)"),
    re.compile(r"\bunpack_plugin (?P<names>[a-z0-9][a-z0-9.+-]+) docker-"),
)


def parts(project: Path) -> tuple[Part, ...]:
    """Return all that the checkout installs or builds, in order; nothing where it has none of these files.

    Raises:
        SupplyError: a file cannot be read.
    """
    found: dict[tuple[str, str, str], Part] = {}
    for pattern, read in _READERS.items():
        for path in sorted(project.glob(pattern)):
            for part in _read(read, path, project):
                found.setdefault((part.kind, part.name, part.version), part)
    return tuple(sorted(found.values()))


def _read(read: Callable[[Path, str], Iterator[Part]], path: Path, project: Path) -> tuple[Part, ...]:
    try:
        return tuple(read(path, path.relative_to(project).as_posix()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SupplyError(f"{path} cannot be read as what it is ({error}): restore it from git") from error


def normalised(name: str) -> str:
    """Return a Python package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirements(path: Path, shown: str) -> Iterator[Part]:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", path.read_text(encoding="utf-8"))
    for block in blocks:
        if pin := _PIN.match(block):
            yield Part(
                kind="pypi",
                name=normalised(pin[1]),
                version=pin[2] or "",  # `one>=1` is still installed: without a version it is a fault, not nothing
                hashes=frozenset(_SHA256.findall(block)),
                pinned_by=shown,
            )


def _go_modules(path: Path, shown: str) -> Iterator[Part]:
    sums: dict[tuple[str, str], set[str]] = {}
    for name, version, digest in _SUM.findall(path.with_name("go.sum").read_text(encoding="utf-8")):
        sums.setdefault((name, version), set()).add(digest)
    for name, version in _REQUIRED.findall(path.read_text(encoding="utf-8")):
        yield Part(
            kind="go", name=name, version=version, hashes=frozenset(sums.get((name, version), ())), pinned_by=shown
        )


def _npm_packages(path: Path, shown: str) -> Iterator[Part]:
    for place, facts in json.loads(path.read_text(encoding="utf-8"))["packages"].items():
        if place:  # "" is the folder itself
            yield Part(
                kind="npm",
                name=facts.get("name") or place.rpartition("node_modules/")[2],
                version=facts["version"],
                hashes=frozenset(_NPM_HASH.findall(facts.get("integrity", ""))),
                pinned_by=shown,
                licence=facts["license"] if isinstance(facts.get("license"), str) else "",
            )


def _debian_packages(path: Path, shown: str) -> Iterator[Part]:
    text = path.read_text(encoding="utf-8")
    names = {name for pattern in _DEBIAN for found in pattern.finditer(text) for name in found["names"].split()}
    for name in sorted(names):
        yield Part(kind="debian", name=name, version="", hashes=frozenset(), pinned_by=shown)


def _images(path: Path, shown: str) -> Iterator[Part]:
    text = path.read_text(encoding="utf-8")
    for found in chain(_IMAGE.finditer(text), _BASE.finditer(text)):
        digest = frozenset({found["digest"]} if found["digest"] else ())
        yield Part(kind="image", name=found["name"], version=found["tag"], hashes=digest, pinned_by=shown)


_NPM_LOCKS: Final = ("docker/components/*/package-lock.json", "tests/evidence/report/axe/package-lock.json")
_READERS: Final[Mapping[str, Callable[[Path, str], Iterator[Part]]]] = {
    "requirements.lock": _requirements,
    "tests/mutation/requirements.lock": _requirements,
    ".github/audit/requirements.lock": _requirements,
    "docker/components/*/requirements.txt": _requirements,
    "docker/components/*/go.mod": _go_modules,
    **dict.fromkeys(_NPM_LOCKS, _npm_packages),
    "scripts/*.sh": _debian_packages,
    "docker/images/*/Dockerfile": _debian_packages,
    ".github/workflows/*.yml": _debian_packages,
    "docker/docker-compose.yml": _images,
    "docker/images/[b]ase/Dockerfile": _images,
}
