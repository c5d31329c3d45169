"""Opens the bundle of a run: its folder, and in it when, by what command, from which commit and from which parts."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from evidence import git
from evidence.bundle import layout
from evidence.bundle.names import expected_name
from evidence.bundle.writer import Bundle, point_latest
from evidence.errors import BundleMissingError, EvidenceError
from evidence.times import iso
from supply.part import SupplyError

SCHEMA_VERSION: Final = 1
_NAMES_TRIED = 100  # runs that start within one second


def open_run(
    root: Path,
    *,
    project: Path,
    command: Sequence[str] = (),
    clock: Callable[[], float] = time.time,
    facts: git.Facts | None = None,
) -> Path:
    """Make ``<root>/<UTC time>-<short sha>/`` with what is known at the start, and point ``<root>/latest`` to it.

    Until it is sealed the bundle reads as INCOMPLETE, so a run that dies half way says so.

    Args:
        root: the folder of all bundles; made if missing.
        project: a folder in the working tree under test.
        command: what was typed, for the record.
        clock: returns Unix seconds.
        facts: what git says of the tree; read from `project` when None.

    Returns:
        The bundle's folder, absolute.

    Raises:
        EvidenceError: the folder cannot be made, or a lock of the project cannot be read.
    """
    state = git.read_facts(project) if facts is None else facts
    start = clock()
    path = _new_folder(root.absolute(), expected_name(start, state.commit.short))
    with Bundle.join(path, new=True) as bundle:
        bundle.add_json(layout.RUN, _document(path.name, start, tuple(command) or tuple(sys.argv), state))
        bundle.add_bytes(layout.SBOM, _materials(project, path.name, start))
    point_latest(path)
    return path


def started(folder: Path) -> dict[str, Any]:
    """Return ``run.json`` of a bundle.

    Raises:
        BundleMissingError: there is no such folder, or it is not a bundle.
    """
    path = folder / layout.RUN
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        message = f"{folder} is not a bundle: {layout.RUN} cannot be read; open one by `python -m evidence open`"
        raise BundleMissingError(message) from error
    if not isinstance(document, dict):
        message = f"{path} is not a JSON object"
        raise BundleMissingError(message)
    return document


def _document(name: str, start: float, command: Iterable[str], facts: git.Facts) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "bundle": name,
        "started_at": iso(start),
        "command": list(command),
        "git": facts.to_dict(),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def _materials(project: Path, name: str, start: float) -> bytes:
    # Imported here: CycloneDX's library is needed once a run, and not by those who read bundles.
    from supply import sbom  # noqa: PLC0415 -- see the line above

    try:
        return sbom.document(project, name=name, at=datetime.fromtimestamp(start, UTC))
    except SupplyError as error:
        message = f"the bill of materials cannot be written: {error}"
        raise EvidenceError(message) from error


def _new_folder(root: Path, name: str) -> Path:
    """Make a folder that was not there before; a second run within one second gets ``-2``."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        for number in range(1, _NAMES_TRIED):
            path = root / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
    except OSError as error:
        message = f"no bundle can be made in {root}: {error.strerror}; name another place by --evidence-dir"
        raise EvidenceError(message) from error
    raise EvidenceError(f"{root} holds {_NAMES_TRIED} bundles named {name} already")
