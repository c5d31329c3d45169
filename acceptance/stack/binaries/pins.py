"""The pins in `docker/components`: what exactly is built, and the hash that names the result."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Mapping
from pathlib import Path

from acceptance.stack.binaries.component import ComponentError

PINS = Path(__file__).resolve().parents[3] / "docker" / "components"
_RECORD_FORMAT = 2  # of component.json: checkouts that read different ones share a cache, and build beside each other
HASH_LENGTH = 16  # hexadecimal digits of the sha256 that a folder's name shows


def pin_hash(folder: Path, flags: Mapping[str, object]) -> str:
    """Return the sha256 over every pin file below a folder, the build's flags, and the platform.

    Raises:
        ComponentError: There are no pin files.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    if not files:
        raise ComponentError(f"there are no pins in {folder}: run from a whole checkout of this project")
    digest = hashlib.sha256()
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    facts = {
        "flags": dict(flags),
        "system": platform.system(),
        "machine": platform.machine(),
        "libc": platform.libc_ver()[0],
        "record": _RECORD_FORMAT,
    }
    digest.update(json.dumps(facts, sort_keys=True).encode())
    return digest.hexdigest()


def module_version(go_mod: Path, module: str) -> str:
    """Return the version that a go.mod requires of a module, e.g. `v1.12.1`."""
    return _one(go_mod, rf"^\s*(?:require\s+)?{re.escape(module)} (v\S+)", module)


def go_line(go_mod: Path) -> tuple[int, ...]:
    """Return the Go version that a go.mod asks for, as numbers."""
    return numbers(_one(go_mod, r"^go (\S+)$", "the go line"))


def wheel_pin(requirements: Path) -> str:
    """Return the `name==version` that a requirements file pins."""
    return _one(requirements, r"^([\w.-]+==\S+)", "an exact version")


def _one(path: Path, pattern: str, what: str) -> str:
    found = re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ComponentError(f"{path} does not pin {what}: restore it from git")
    return found[1]


def numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: `v3.13.5-rc.1` gives (3, 13, 5)."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()
