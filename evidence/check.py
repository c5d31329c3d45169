"""Looks whether a bundle is what its manifest says.

This finds damage and careless change. Somebody who changes a file and the manifest with it is found by a
signature only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence import manifest, records, schema
from evidence.counts import CaseResult, Counts
from evidence.errors import DocumentError
from evidence.results import PROMETHEUS_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is not as the manifest says."""

    file: str  # path inside the bundle
    text: str  # what is wrong, and what was expected

    def __str__(self) -> str:
        return f"{self.file}: {self.text}"


def check(folder: Path) -> tuple[Problem, ...]:
    """Recompute everything a manifest says that can be recomputed.

    Args:
        folder: the bundle.

    Returns:
        What is wrong, none when all is as the manifest says.

    Raises:
        BundleMissingError: there is no such folder.
        BundleIncompleteError: it has no readable manifest.
    """
    document = manifest.read(folder)
    return (
        *_files(folder, document["files"]),
        *_documents(folder),
        *_claims(document),
        *_tests(folder, document),
    )


def _files(folder: Path, listed: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    present = set(manifest.files(folder)) - {manifest.FILE_NAME}
    for name in sorted(set(listed) - present):
        yield Problem(file=name, text="is listed in the manifest and missing")
    for name in sorted(present - set(listed)):
        yield Problem(file=name, text="lies in the bundle and is not listed in the manifest")
    for name in sorted(present & set(listed)):
        path = folder / name
        if path.is_symlink():
            yield Problem(file=name, text="is a symlink: only files belong into a bundle")
            continue
        try:
            actual = manifest.describe(path)
        except OSError as error:
            yield Problem(file=name, text=f"cannot be read: {error.strerror}")
            continue
        for fact in ("size", "sha256"):
            if actual[fact] != listed[name][fact]:
                yield Problem(file=name, text=f"{fact} is {actual[fact]}, the manifest says {listed[name][fact]}")


def _documents(folder: Path) -> Iterator[Problem]:
    """Documents that have a schema; the manifest's own was looked at when it was read."""
    for name in sorted(schema.names() - {manifest.FILE_NAME}):
        path = folder / name
        if not path.is_file():
            continue  # a run that stopped early has not asked everything; a listed file was missed above
        try:
            document = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            yield Problem(file=name, text=f"is no JSON: {error}")
            continue
        yield from (Problem(file=name, text=text) for text in schema.problems(name, document))


def _claims(document: Mapping[str, Any]) -> Iterator[Problem]:
    """What the manifest concludes must follow from what it lists."""
    try:
        result, _ = manifest.result_of(document)
    except ValueError as error:
        yield Problem(file=manifest.FILE_NAME, text=str(error))
        return
    if result != document["result"]:
        yield Problem(file=manifest.FILE_NAME, text=f"says {document['result']}, its own counts say {result}")
    complete, _ = manifest.completeness(document["gates"])
    if complete != document["complete"]:
        text = f"says complete: {document['complete']} with the gates {document['gates']}"
        yield Problem(file=manifest.FILE_NAME, text=text)


def _tests(folder: Path, document: Mapping[str, Any]) -> Iterator[Problem]:
    """Counts, against pytest's own records."""
    said = document["counts"]
    try:
        junit = records.junit(folder)
        # A test that was begun and not finished stands in JUnit XML without any mark.
        unfinished = said["collected"] - said["run"] - said["skipped"] - said["deselected"]
        for name, seen in (("failed", junit.failed), ("error", junit.error), ("skipped", junit.skipped)):
            if seen != said[name]:
                yield Problem(file=records.JUNIT, text=f"{name} is {seen}, the manifest says {said[name]}")
        if not said["passed"] <= junit.plain <= said["passed"] + unfinished:
            yield Problem(file=records.JUNIT, text=f"passed is {junit.plain}, the manifest says {said['passed']}")
    except DocumentError as error:
        yield Problem(file=records.JUNIT, text=str(error))
    try:
        again = records.counts(folder)
    except (DocumentError, ValueError) as error:
        yield Problem(file=records.REPORT_LOG, text=str(error))
    else:
        yield from _differences(again, said)
    if document["result"] == CaseResult.PASSED:
        yield from _fresh(folder)


def _differences(again: Counts, said: Mapping[str, int]) -> Iterator[Problem]:
    for name, number in again.to_dict().items():
        if number != said[name]:
            file = records.COLLECTION if name in {"collected", "deselected"} else records.REPORT_LOG
            yield Problem(file=file, text=f"{name} is {number}, the manifest says {said[name]}")


def _fresh(folder: Path) -> Iterator[Problem]:
    """In a run that passed, every metric was seen beside that run's own timestamp."""
    path = folder / PROMETHEUS_FILE
    try:
        document = json.loads(path.read_bytes())
        stale = [
            query["metric"]
            for query in document["queries"]
            if query["last_run_timestamp"] != document["last_run_timestamp"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return  # missing or malformed: named above where it is listed or has a schema
    for metric in stale:
        yield Problem(file=PROMETHEUS_FILE, text=f"{metric} was seen with the timestamp of another run")
