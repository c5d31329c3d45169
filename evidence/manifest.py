"""The manifest: the verdict on a run, and the checksum of every file. It follows from the bundle's other files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from evidence import schema
from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.errors import BundleIncompleteError, BundleMissingError, DocumentError
from evidence.times import iso, seconds
from evidence.verdict.derive import Verdict

__all__ = ["FILE_NAME", "build", "iso", "of", "read"]

FILE_NAME: Final = layout.MANIFEST
SCHEMA_VERSION: Final = 3
#: What was promoted by an earlier version stays readable: its documents are held against manifest and signature alone.
_READABLE: Final = frozenset({2, SCHEMA_VERSION})


def build(snapshot: Snapshot, verdict: Verdict, *, end: str) -> dict[str, Any]:
    """Make the manifest of a bundle.

    Args:
        snapshot: its files; manifest and statement are not listed.
        verdict: derived from them.
        end: when it was sealed, as `iso` writes it.

    Returns:
        A document that follows ``schema/manifest.schema.json``.
    """
    run = verdict.run
    return {
        "schema_version": SCHEMA_VERSION,
        "bundle": snapshot.name,
        "result": verdict.result.value,
        "reasons": list(verdict.reasons),
        "scope": verdict.scope,
        "complete": verdict.complete,
        "gates": {
            gate: {
                "stack": files.record["stack"],
                "result": files.outcome.result.value,
                "passed": files.outcome.passed,
                "reasons": list(files.outcome.reasons),
                "counts": dict(files.outcome.counts),
                "started_at": iso(files.begin),
                "ended_at": iso(files.end),
            }
            for gate, files in sorted(verdict.gates.items())
        },
        "counts": verdict.counts,
        "start": run["started_at"],
        "end": end,
        "duration_seconds": round(max(0.0, seconds(end) - seconds(run["started_at"])), 3),
        "command": list(run["command"]),
        "git": run["git"],
        "stacks": {stack: files.to_dict() for stack, files in sorted(verdict.stacks.items())},
        "python": run["python"],
        "platform": run["platform"],
        "files": snapshot.described(),
    }


def of(snapshot: Snapshot) -> dict[str, Any]:
    """Return the manifest of a snapshot; what it claims is not checked.

    Raises:
        BundleIncompleteError: there is none: the bundle was never sealed.
        DocumentError: it does not follow its schema, or not the one of this version.
    """
    document = of_any_version(snapshot)
    if document["schema_version"] != SCHEMA_VERSION:
        raise DocumentError(_other_version(document["schema_version"], str(document["git"]["commit"])))
    return document


def of_any_version(snapshot: Snapshot) -> dict[str, Any]:
    """Return the manifest of a snapshot, also one of an earlier version of the same form.

    Raises:
        BundleIncompleteError: there is none: the bundle was never sealed.
        DocumentError: it does not follow its schema.
    """
    if FILE_NAME not in snapshot.files:
        message = f"{snapshot.name} is INCOMPLETE: it has no {FILE_NAME}, so its run did not come to its end"
        raise BundleIncompleteError(message)
    document = snapshot.json(FILE_NAME)
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version not in _READABLE or isinstance(version, bool):
        raise DocumentError(_other_version(version, _commit_of(document)))
    schema.validate("manifest", document, FILE_NAME)
    if not isinstance(document, dict):  # the schema says so; this tells the type checker
        raise DocumentError(f"{FILE_NAME} is not a JSON object")
    return document


def _other_version(version: object, commit: str) -> str:
    """Say in one sentence what to do with a bundle of another version."""
    older = isinstance(version, int) and version < SCHEMA_VERSION
    what = "an earlier" if older else "another"
    where = f": verify it with the program of its own commit ({commit})" if commit else ""
    return (
        f"{FILE_NAME} has the schema version {version!r} of {what} version of this program, which reads "
        f"{SCHEMA_VERSION}{where}"
    )


def _commit_of(document: object) -> str:
    found = document.get("git") if isinstance(document, dict) else None
    commit = found.get("commit") if isinstance(found, dict) else None
    return commit if isinstance(commit, str) else ""


def read(folder: Path) -> dict[str, Any]:
    """Read the manifest of a bundle's folder and nothing else; what it claims is not checked.

    Raises:
        BundleMissingError: there is no such folder.
        BundleIncompleteError: it has no manifest.
        DocumentError: it does not follow its schema, or is not a regular file.
    """
    if not folder.is_dir():
        message = f"no bundle at {folder}: run `make acceptance` first, or name a bundle's folder"
        raise BundleMissingError(message)
    path = folder / FILE_NAME
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise DocumentError(f"{FILE_NAME} of {folder.resolve().name} is not a regular file")
    try:
        files = {FILE_NAME: path.read_bytes()}
    except FileNotFoundError:
        files = {}
    except OSError as error:
        message = f"{FILE_NAME} of {folder.resolve().name} cannot be read: {error.strerror}"
        raise DocumentError(message) from error
    return of_any_version(Snapshot(name=folder.resolve().name, files=files))


def to_bytes(document: dict[str, Any]) -> bytes:
    """Write a manifest as it lies in the bundle."""
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "replace")
