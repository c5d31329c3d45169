"""Reads pytest's own records in a bundle, so that a manifest's counts can be derived from them anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from evidence.counts import Counts
from evidence.errors import DocumentError
from evidence.tally import Tally

JUNIT: Final = "junit.xml"
REPORT_LOG: Final = "reportlog.jsonl"
COLLECTION: Final = "collection.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class JUnit:
    """Tests by what JUnit XML says of them; a test that failed and then broke counts once, as failed."""

    failed: int
    error: int
    skipped: int
    plain: int  # neither of these: passed, or stopped in the middle


def junit(folder: Path) -> JUnit:
    """Read ``junit.xml``.

    Raises:
        DocumentError: it is missing, or no JUnit XML.
    """
    data = _read(folder / JUNIT)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise DocumentError(f"{JUNIT} declares a document type, which pytest never writes")
    try:
        root = ET.fromstring(data)  # noqa: S314 -- without a document type there are no entities to expand
    except ET.ParseError as error:
        raise DocumentError(f"{JUNIT} is no XML: {error}") from error
    marks: dict[tuple[str, str], set[str]] = {}
    for case in root.iter("testcase"):
        test = (case.get("classname", ""), case.get("name", ""))
        marks.setdefault(test, set()).update(child.tag for child in case)
    kinds = [_worst(found) for found in marks.values()]
    return JUnit(
        failed=kinds.count("failure"),
        error=kinds.count("error"),
        skipped=kinds.count("skipped"),
        plain=kinds.count(""),
    )


def counts(folder: Path) -> Counts:
    """Count again from ``collection.json`` and ``reportlog.jsonl``.

    Raises:
        DocumentError: one of them is missing or cannot be read.
    """
    try:
        collection = json.loads(_read(folder / COLLECTION))
        selected, deselected = collection["selected"], collection["deselected"]
    except (ValueError, KeyError, TypeError) as error:
        raise DocumentError(f"{COLLECTION} does not list the tests") from error
    tally = Tally()
    for entry in _entries(folder):
        kind = entry.get("$report_type", "")
        try:
            if kind == "CollectReport":
                tally.collect(entry["nodeid"], entry["outcome"])
            elif kind in {"TestReport", "SubtestReport"}:
                tally.report(entry["nodeid"], entry["when"], entry["outcome"], expected_failure="wasxfail" in entry)
        except KeyError as error:
            raise DocumentError(f"{REPORT_LOG} has a report without {error}") from error
    return tally.counts(selected=selected, deselected=len(deselected))


def _entries(folder: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_read(folder / REPORT_LOG).splitlines(), start=1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise DocumentError(f"{REPORT_LOG} line {number} is no JSON: {error}") from error
        if not isinstance(entry, dict):
            raise DocumentError(f"{REPORT_LOG} line {number} is no JSON object")
        yield entry


def _worst(marks: set[str]) -> str:
    return next((kind for kind in ("failure", "error", "skipped") if kind in marks), "")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path.name} cannot be read: {error.strerror}"
        raise DocumentError(message) from error
