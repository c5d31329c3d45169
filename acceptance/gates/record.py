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

from acceptance.gates import expected
from acceptance.gates.gate import Plan
from acceptance.gates.interface import Verdict
from acceptance.gates.lanes import Done, Tests
from evidence import gate_record
from evidence.bundle import Bundle, layout, open_run
from evidence.verdict.gate import Step


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
    verdict: Verdict,
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

    Raises:
        EvidenceError: one cannot be written.
    """
    name = plan.gate if plan.stack is None else layout.e2e_gate(plan.stack)
    with Bundle.join(bundle) as folder, tempfile.TemporaryDirectory(prefix="gates-") as work:
        folder.add_text(plan.log, log, replace=True)
        if plan.list_file is not None:
            folder.add_bytes(layout.gate_report_log(name), b"".join(_bytes(plan.report_logs)), replace=True)
            folder.add_bytes(layout.gate_junit(name), merged_junit(plan.junit_files), replace=True)
        wanted = None
        if plan.list_file is not None:
            listed = expected.read(project / plan.list_file)
            wanted = Path(work) / "expected.txt"
            wanted.write_text(str(listed if plan.legs is None else listed.of(plan.legs)), encoding="utf-8")
        gate_record.write(
            folder,
            gate=name,
            stack=plan.stack,
            argv=argv,
            started_at=started_at,
            ended_at=ended_at,
            exit_code=verdict.exit_code,
            expected=wanted,
            expected_file=plan.list_file,
            steps=[
                Step(name=one.part.name, argv=one.part.argv, exit_code=one.exit_code, seconds=one.seconds)
                for one in done
                if not isinstance(one.part, Tests)
            ],
        )


def merged_junit(paths: Sequence[Path]) -> bytes:
    """Put the suites of several JUnit files into one; a file that was not written or was cut off is left out."""
    whole = ET.Element("testsuites", name="pytest tests")
    for path in paths:
        try:
            whole.extend(ET.parse(path).getroot())  # noqa: S314 -- pytest has just written it
        except (OSError, ET.ParseError):
            continue
    return ET.tostring(whole, encoding="utf-8", xml_declaration=True)


def _bytes(paths: Sequence[Path]) -> Iterator[bytes]:
    for path in paths:
        if path.is_file():
            data = path.read_bytes()
            # A line that was cut off must not swallow the first line of the next file.
            yield data if data.endswith(b"\n") or not data else data + b"\n"


@contextmanager
def working_folder() -> Iterator[Path]:
    """A folder for what pytest records while it runs."""
    with tempfile.TemporaryDirectory(prefix="gates-") as name:
        yield Path(name)
