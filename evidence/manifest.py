"""The manifest: what a bundle says of its run, and the checksum of every file in it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evidence import schema
from evidence.counts import CaseResult, Counts, judge
from evidence.errors import BundleIncompleteError, BundleMissingError, DocumentError
from evidence.git import Commit
from evidence.grafana import GrafanaUsed

FILE_NAME = "manifest.json"
SCHEMA_VERSION = 1
#: What a full run consists of; a bundle that lacks one of them is not complete.
ALL_GATES = ("fast", "core", "e2e")
_BLOCK = 1 << 20  # bytes read at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is known of a run when it ends."""

    counts: Counts
    gates: tuple[str, ...]  # which of `ALL_GATES` wrote into the bundle
    command: tuple[str, ...]  # as typed
    exit_status: int  # of pytest
    interrupted: bool = False  # stopped from outside, or by pytest.exit
    left_out: tuple[str, ...] = ()  # what of the suite was not asked for
    stack: str | None = None  # "embedded", "compose" or "external"; None: no stack was started
    grafana: GrafanaUsed | None = None  # None: the run started no stack that has one
    versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # service -> version, source


def build(*, name: str, run: Run, commit: Commit, start: float, end: float, folder: Path) -> dict[str, Any]:
    """Make the manifest of the files that lie in `folder` now.

    Args:
        name: the bundle's name.
        run: what is known of the run.
        commit: the tree it was made from.
        start: Unix seconds.
        end: Unix seconds.
        folder: the bundle; every file in it but the manifest is listed.

    Returns:
        A document that follows ``schema/manifest.schema.json``.
    """
    result, reasons = judge(run.counts, exit_status=run.exit_status, interrupted=run.interrupted, left_out=run.left_out)
    complete, why_not = completeness(run.gates)
    return {
        "schema_version": SCHEMA_VERSION,
        "bundle": name,
        "result": result.value,
        "reasons": list(reasons),
        "gates": list(run.gates),
        "complete": complete,
        "complete_reason": why_not,
        "counts": run.counts.to_dict(),
        "interrupted": run.interrupted,
        "left_out": list(run.left_out),
        "exit_status": run.exit_status,
        "command": list(run.command),
        "start": iso(start),
        "end": iso(end),
        "duration_seconds": max(0.0, end - start),
        "git": {"commit": commit.sha, "short": commit.short, "dirty": commit.dirty},
        "stack": run.stack,
        "grafana": None if run.grafana is None else run.grafana.to_dict(),
        "versions": {service: dict(facts) for service, facts in run.versions.items()},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "files": {path: describe(folder / path) for path in files(folder) if path != FILE_NAME},
    }


def completeness(gates: Sequence[str]) -> tuple[bool, str | None]:
    """Say whether every gate wrote into the bundle, and if not, what is missing."""
    missing = [gate for gate in ALL_GATES if gate not in gates]
    if not missing:
        return True, None
    present = ", ".join(gates) or "no gate"
    return False, f"only {present} ran into this bundle; missing: {', '.join(missing)}"


def read(folder: Path) -> dict[str, Any]:
    """Read the manifest of a bundle.

    Raises:
        BundleMissingError: there is no such folder.
        BundleIncompleteError: it has no manifest, or one that is no manifest.
    """
    if not folder.is_dir():
        message = f"no bundle at {folder}: run `make acceptance` first, or name a bundle's folder"
        raise BundleMissingError(message)
    path = folder / FILE_NAME
    try:
        document = json.loads(path.read_bytes())
        schema.validate(FILE_NAME, document)
    except FileNotFoundError as error:
        message = f"{folder} is INCOMPLETE: it has no {FILE_NAME}, so its run did not come to its end"
        raise BundleIncompleteError(message) from error
    except (OSError, ValueError, DocumentError) as error:
        message = f"{folder} is INCOMPLETE: {FILE_NAME} cannot be read as a manifest: {error}"
        raise BundleIncompleteError(message) from error
    if not isinstance(document, dict):  # the schema says so; this tells the type checker
        raise BundleIncompleteError(f"{path} is no JSON object")
    return document


def files(folder: Path) -> Iterator[str]:
    """Every file below `folder`, symlinks included, as a sorted path relative to it with ``/``."""
    found = []
    for parent, folders, names in os.walk(folder):
        # A symlink to a folder is listed as a file: nothing behind it belongs to the bundle.
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        found += [(Path(parent) / name).relative_to(folder).as_posix() for name in (*names, *links)]
    return iter(sorted(found))


def describe(path: Path) -> dict[str, Any]:
    """Give a file's sha256 (64 hexadecimal digits) and size (bytes)."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return {"sha256": digest.hexdigest(), "size": size}


def result_of(manifest: Mapping[str, Any]) -> tuple[CaseResult, tuple[str, ...]]:
    """Derive the result anew from what a manifest says of its run."""
    return judge(
        Counts.from_mapping(manifest["counts"]),
        exit_status=manifest["exit_status"],
        interrupted=manifest["interrupted"],
        left_out=tuple(manifest["left_out"]),
    )


def iso(seconds: float) -> str:
    """Write Unix seconds as UTC with milliseconds, such as ``2026-01-02T03:04:05.678Z``."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
