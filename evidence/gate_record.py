"""Writes ``gates/<gate>.json``: what a gate says of itself, derived from what pytest left, as seal derives it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from evidence.bundle import layout
from evidence.bundle.writer import Bundle
from evidence.errors import EvidenceError
from evidence.times import iso
from evidence.verdict.expected import Expected, read_expected
from evidence.verdict.gate import GateOutcome, Step, judge_gate
from evidence.verdict.tests import Log, read_log

SCHEMA_VERSION: Final = 1


def write(
    bundle: Bundle,
    *,
    gate: str,
    stack: str | None,
    argv: Sequence[str],
    started_at: float,
    ended_at: float,
    exit_code: int,
    expected: Path | None = None,
    expected_file: str | None = None,
    steps: Sequence[Step] = (),
) -> GateOutcome:
    """Derive what a gate proved, and write its record and its list of tests.

    The gate's report log and JUnit XML, if it ran pytest, must have entered the bundle before.

    Args:
        bundle: open.
        gate: ``fast``, ``core``, ``e2e-<stack>`` or another name of small letters, digits and ``-``.
        stack: which one it ran on; None: on none.
        argv: its command.
        started_at: Unix seconds.
        ended_at: Unix seconds.
        exit_code: of its command.
        expected: the committed list of tests that had to run; None: there is none.
        expected_file: how the record names that list; its path in the checkout.
        steps: what it ran beside pytest.

    Returns:
        What it proved.

    Raises:
        EvidenceError: its files cannot be read, or the record cannot be written.
    """
    must: Expected | None = None
    sha256: str | None = None
    if expected is not None:
        path = bundle.add_file(layout.gate_expected(gate), expected, replace=True)
        data = path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        must = read_expected(data, path.name)
    collection = _collection(bundle, gate)
    outcome = judge_gate(
        gate,
        log=_log(bundle, gate),
        expected=must,
        deselected=collection.get("deselected", ()),
        chosen=collection.get("selected", ()),
        left_out=collection.get("left_out", ()),
        steps=steps,
        exit_code=exit_code,
    )
    document = {
        "schema_version": SCHEMA_VERSION,
        "gate": gate,
        "stack": stack,
        "argv": list(argv),
        "started_at": iso(started_at),
        "ended_at": iso(ended_at),
        "exit_code": exit_code,
        "result": outcome.result.value,
        "passed": outcome.passed,
        "reasons": list(outcome.reasons),
        "counts": dict(outcome.counts),
        "expected_file": None if expected is None else expected_file or expected.name,
        "expected_sha256": sha256,
        "steps": [step.to_dict() for step in steps],
    }
    bundle.add_json(layout.gate_record(gate), document, replace=True)
    return outcome


def _log(bundle: Bundle, gate: str) -> Log | None:
    name = layout.gate_report_log(gate)
    return read_log(_bytes(bundle, name), name) if bundle.has(name) else None


def _collection(bundle: Bundle, gate: str) -> dict[str, Any]:
    name = layout.gate_collection(gate)
    if not bundle.has(name):
        return {}
    document: dict[str, Any] = json.loads(_bytes(bundle, name))
    return document


def _bytes(bundle: Bundle, name: str) -> bytes:
    try:
        return bundle.where(name).read_bytes()
    except OSError as error:
        message = f"{name} of {bundle.name} cannot be read: {error.strerror}"
        raise EvidenceError(message) from error
