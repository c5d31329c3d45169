"""`gate core`: every test of the committed list, in parts; what needs Docker runs beside what needs none.

On two cores the containers' start-up is mostly waiting. The leg that restarts the Docker engine comes after all others
that use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from acceptance.gates import expected
from acceptance.gates.gate import Plan
from acceptance.gates.lanes import Part, Tests
from acceptance.gates.pytest_run import PytestRun
from evidence.bundle import layout

FAULTS: Final = ("tests/preflight/faults/test_faults.py", "tests/preflight/faults/test_exchange_gate.py")
_TWO: Final = ("-n", "2", "--dist", "loadfile")  # a file's tests share its servers
#: Part -> its legs.
PARTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"unit": ("pure", "servers"), "browser": ("browser",), "docker": ("docker",), "engine": ("engine",)}
)


def plan(project: Path, folder: Path, *, docker: bool, engine: bool) -> Plan:
    """Lay out the gate.

    Args:
        project: the checkout.
        folder: for pytest's records.
        docker: whether a Docker engine answers; without one its legs do not run, so that the result is PARTIAL.
        engine: whether that engine may be restarted.
    """
    lanes: list[tuple[Part, ...]] = [(_tests(project, folder, "unit"), _tests(project, folder, "browser"))]
    if docker:
        restart = (_tests(project, folder, "engine"),) if engine else ()
        lanes.append((_tests(project, folder, "docker"), *restart))
    return Plan(
        gate="core",
        lanes=tuple(lanes),
        log=layout.CORE_LOG,
        list_file=expected.TESTS,
        notes=_notes(docker=docker, engine=engine),
    )


def part(project: Path, folder: Path, name: str) -> Plan:
    """Lay out one of `PARTS` by itself, compared with its lines of the list."""
    return Plan(
        gate=f"core, part {name}",
        lanes=((_tests(project, folder, name),),),
        log=layout.CORE_LOG,
        list_file=expected.TESTS,
        legs=PARTS[name],
    )


def faults(project: Path, folder: Path) -> Plan:
    """Lay out the fault matrix once more, this time with the faults in containers."""
    run = PytestRun(
        project=project,
        paths=FAULTS,
        report_log=folder / "faults.reportlog.jsonl",
        junit=folder / "faults.junit.xml",
        options=("--stack", "compose"),
    )
    return Plan(
        gate="faults-compose",
        lanes=((Tests(name="faults", run=run),),),
        log="faults_compose.log",
        list_file=expected.TESTS,
        files=FAULTS,
    )


def _tests(project: Path, folder: Path, name: str) -> Part:
    run = PytestRun(
        project=project,
        paths=("tests",),
        report_log=folder / f"{name}.reportlog.jsonl",
        junit=folder / f"{name}.junit.xml",
        options=(*(word for leg in PARTS[name] for word in ("--leg", leg)), *(_TWO if name == "unit" else ())),
    )
    return Tests(name=name, run=run)


def _notes(*, docker: bool, engine: bool) -> tuple[str, ...]:
    if not docker:
        return ("COMPOSE NOT RUN: no Docker engine answers",)
    if not engine:
        return ("ENGINE RESTART NOT RUN: this Docker engine was here before and may serve others (docs/gates.md)",)
    return ()
