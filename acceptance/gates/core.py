"""`gate core`: every test of the committed list, in legs; what needs Docker runs beside what needs none.

A container's start-up is mostly waiting, so that two files at a time take half as long; those that ask what networks
keep apart have the Docker engine for themselves. The leg that restarts the engine comes after all others that use it.
Whenever a Docker network comes or goes, Chromium cuts what it is loading: the browser has a network of its own and runs
in the lane without Docker; where it cannot have one, after all that makes networks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from acceptance.gates import expected, own_network
from acceptance.gates.gate import Plan
from acceptance.gates.lanes import Part, Step, Tests
from acceptance.gates.pytest_run import PytestRun
from evidence.bundle import layout

FAULTS: Final = ("tests/preflight/faults/test_faults.py", "tests/preflight/faults/test_exchange_gate.py")
_UNIT: Final = ("pure", "servers")
_TWO: Final = ("-n", "2", "--dist", "loadfile")  # a file's tests share its servers


def plan(project: Path, folder: Path, *, docker: bool, engine: bool, apart: bool) -> Plan:
    """Lay out the gate.

    Args:
        project: the checkout.
        folder: for pytest's records.
        docker: whether a Docker engine answers; without one its legs do not run, so that the result is PARTIAL.
        engine: whether that engine may be restarted.
        apart: whether the browser can have a network of its own.
    """

    def tests(name: str, *legs: str, options: tuple[str, ...] = (), within: tuple[str, ...] = ()) -> Part:
        run = PytestRun(
            project=project,
            paths=("tests",),
            report_log=folder / f"{name}.reportlog.jsonl",
            junit=folder / f"{name}.junit.xml",
            options=(*(word for leg in legs for word in ("--leg", leg)), *options),
            within=within,
        )
        return Tests(name=name, run=run)

    # Building images takes minutes, which are no test's.
    images = Step(
        name="images",
        argv=(sys.executable, "-m", "acceptance.stack.compose.images.choose", "--only-have"),
        cwd=project,
    )
    in_containers: tuple[Part, ...] = ()
    if docker:
        in_containers = (images, tests("docker", "docker", options=_TWO), tests("alone", "alone"))
    if docker and engine:
        in_containers += (tests("engine", "engine"),)
    unit, system = tests("unit", *_UNIT, options=_TWO), tests("system", "system", options=_TWO)
    browser = tests("browser", "browser", within=own_network.WRAPPER if apart else ())
    # The browser is one process: not the last, where a core would have nothing to do.
    lanes = ((unit, browser, system), in_containers) if apart else ((unit, system), (*in_containers, browser))
    return Plan(
        gate="core",
        lanes=tuple(lane for lane in lanes if lane),
        log=layout.CORE_LOG,
        list_file=expected.TESTS,
        notes=_notes(docker=docker, engine=engine),
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


def _notes(*, docker: bool, engine: bool) -> tuple[str, ...]:
    if not docker:
        return ("COMPOSE NOT RUN: no Docker engine answers",)
    if not engine:
        return ("ENGINE RESTART NOT RUN: this Docker engine was here before and may serve others (docs/gates.md)",)
    return ()
