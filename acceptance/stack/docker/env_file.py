"""The compose project's ``docker/.env``: one line a setting, changed without touching what a user wrote there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

HEADER = (
    "# Read by `docker compose` in this folder. `make images` and `make secrets` keep their own lines up to date.\n"
)


def read(path: Path) -> dict[str, str]:
    """Settings of an env file; empty when there is none. Comments and blank lines are no settings.

    Raises:
        OSError: It is there but cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {name: value for name, value in map(_split, lines) if name}


def update(path: Path, values: Mapping[str, str], *, remove: Iterable[str] = ()) -> None:
    """Set and remove settings, leaving every other line as it is.

    The file is replaced whole, so that a compose command running at the same time sees the old one or the new one.

    Raises:
        OSError: The folder cannot be written.
    """
    gone = {*remove} - {*values}
    todo = dict(values)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else [HEADER]
    kept = []
    for line in lines:
        name, _ = _split(line)
        if name in gone:
            continue
        if name in values:
            if name in todo:
                kept.append(f"{name}={todo.pop(name)}\n")
            continue  # a second line for the same name would win over the first
        kept.append(line if line.endswith("\n") else line + "\n")
    kept += [f"{name}={value}\n" for name, value in todo.items()]
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".env.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(kept)
    Path(draft).chmod(0o644)  # it holds names of images and folders, no secret
    Path(draft).replace(path)


def _split(line: str) -> tuple[str, str]:
    text = line.strip()
    name, sign, value = text.partition("=")
    return (name.strip(), value.strip()) if sign and not text.startswith("#") else ("", "")
