"""Writes what a gate did into the evidence: its log, pytest's records, and ``gates/<gate>.json``.

The record is derived by `evidence.gate_record`, the same function with which a bundle is sealed and verified, so that
the gate's own word and the evidence cannot differ in kind.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from acceptance.gates.gate import Plan, report_log, steps_of
from acceptance.gates.interface import exit_code_of
from acceptance.gates.lanes import Done
from evidence import gate_record
from evidence.bundle import Bundle, layout, open_run
from evidence.verdict.gate import GateOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The bundle that a gate writes into."""

    path: Path
    own: bool  # the gate has opened it, and so has to seal it


def open_bundle(project: Path) -> Opened:
    """Join the run's bundle if the environment names one, else open one for this gate alone.

    Raises:
        EvidenceError: there is no such bundle, or none can be made.
    """
    if named := os.environ.get(layout.VARIABLE):
        with Bundle.join(Path(named)):
            return Opened(path=Path(named), own=False)
    return Opened(path=open_run(project / "artifacts", project=project, command=sys.argv), own=True)


def write(
    plan: Plan,
    outcome: GateOutcome,
    done: Sequence[Done],
    *,
    bundle: Path,
    project: Path,
    argv: Sequence[str],
    log: str,
    started_at: float,
    ended_at: float,
) -> None:
    """Write a gate's files.

    Args:
        plan: what it was to do.
        outcome: what it proved.
        done: what came of its parts.
        bundle: folder of the open bundle.
        project: the checkout.
        argv: how the gate was called.
        log: all that it printed.
        started_at: Unix seconds.
        ended_at: Unix seconds.

    Raises:
        EvidenceError: a file cannot be written.
    """
    with Bundle.join(bundle) as folder, working_folder() as work:
        wanted = None
        if (listed := plan.expected(project)) is not None:
            wanted = work / "expected.txt"
            wanted.write_text(listed[0], encoding="utf-8")
            name, data = layout.gate_report_log(plan.gate), report_log(plan)
            if not data and folder.has(name):
                folder.adopt(name)  # the suite was killed before it could leave a copy of its own
            else:
                folder.add_bytes(name, data, replace=True)
            junit = merged_junit([part.run.junit for part in plan.runs if part.run.junit is not None])
            folder.add_bytes(layout.gate_junit(plan.gate), junit, replace=True)
        if plan.stack is None or not folder.has(plan.log):  # the suite's own log is redacted with the stack's secrets
            folder.add_text(plan.log, log, replace=True)
        gate_record.write(
            folder,
            gate=plan.gate,
            stack=plan.stack,
            argv=argv,
            started_at=started_at,
            ended_at=ended_at,
            exit_code=exit_code_of(outcome),
            expected=wanted,
            expected_file=plan.list_file,
            steps=steps_of(done),
        )


def merged_junit(paths: Sequence[Path]) -> bytes:
    """Put the suites of several JUnit files into one; a file that was not written or was cut off is left out."""
    whole = ET.Element("testsuites", name="pytest tests")
    for path in paths:
        try:
            whole.extend(ET.parse(path).getroot())  # noqa: S314 -- pytest has just written it
        except (OSError, ET.ParseError):
            continue
    data: bytes = ET.tostring(whole, encoding="utf-8", xml_declaration=True)
    return data


@contextmanager
def working_folder() -> Iterator[Path]:
    """A folder for what pytest records while it runs."""
    with tempfile.TemporaryDirectory(prefix="gates-") as name:
        yield Path(name)
