"""`make test`: every gate into one bundle, then sabotage, the seal, and a table of results, counts and times.

A gate that fails ends none of the others: the table is to show all. Each gate is a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from acceptance.gates import table
from acceptance.gates.interface import FAILED, NOT_FULL, OK
from acceptance.gates.lanes import Step, run_part
from acceptance.gates.log import GateLog
from acceptance.gates.table import Row
from acceptance.stack.docker import docker_cli
from evidence.bundle import Bundle, layout, open_run
from evidence.verdict.gate import Coverage

_NOT_PASSED: Final = 5  # how `evidence seal` ends where the bundle is sealed and less than PASSED
_SUMMARY: Final = "GITHUB_STEP_SUMMARY"  # where GitHub Actions shows what a step writes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One gate, or something else that is run as one."""

    name: str  # as its record is called
    argv: tuple[str, ...]
    writes: bool = True  # into the bundle
    needs_docker: bool = False


Lane = tuple[Stage, ...]

Group = tuple[Lane, ...]
"""What runs at the same time, each lane stage by stage."""


def stages(*, docker: bool, beside: bool) -> tuple[Group, ...]:
    """Lay out the whole run, one group after the other.

    Args:
        docker: whether a Docker engine answers; without one compose is said to be NOT RUN.
        beside: whether anything may run at the same time.
    """
    sequence = () if beside else ("--one-by-one",)
    fast = Stage(name="fast", argv=_gate("fast"))
    core = Stage(name="core", argv=_gate("core", *sequence))
    embedded, compose = (
        Stage(name=layout.e2e_gate(stack), argv=_gate("e2e", "--stack", stack), needs_docker=stack == "compose")
        for stack in ("embedded", "compose")
    )
    faults = Stage(name="faults-compose", argv=_gate("faults"), needs_docker=True)
    # On a copy of the tree and with stacks of its own; its runs of the suite must not enter this bundle.
    sabotage = Stage(name="sabotage", argv=("make", "--no-print-directory", "sabotage"), writes=False)
    groups: tuple[Group, ...] = (((fast,),), ((core,),), ((embedded, sabotage), (compose, faults)))
    if not beside:
        groups = tuple(((stage,),) for stage in (fast, core, embedded, compose, faults, sabotage))
    usable = (tuple(_usable(lane, docker=docker) for lane in group) for group in groups)
    return tuple(group for lanes in usable if (group := tuple(lane for lane in lanes if lane)))


def _usable(lane: Lane, *, docker: bool) -> Lane:
    return tuple(stage for stage in lane if docker or not stage.needs_docker)


def run(project: Path, *, beside: bool = True) -> int:
    """Run everything, seal the bundle, print the table.

    Returns:
        0 if every gate is FULL and sabotage caught everything; 1 if something failed; 3 if something did not run.
    """
    bundle = _bundle(project)
    trouble = docker_cli.why_unusable()
    began = time.monotonic()
    rows, codes = conduct(stages(docker=trouble is None, beside=beside), project, bundle)
    sealed = subprocess.run((sys.executable, "-m", "evidence", "seal", str(bundle)), cwd=project, check=False)
    if trouble is not None:
        print(f"COMPOSE NOT RUN: {trouble}")  # noqa: T201 -- the answer
        rows += [Row(gate=name, result="NOT RUN", seconds=0) for name in ("e2e-compose", "faults-compose")]
        codes.append(NOT_FULL)
    print(table.render(rows, seconds=time.monotonic() - began))  # noqa: T201 -- the answer
    if page := os.environ.get(_SUMMARY):
        with Path(page).open("a", encoding="utf-8") as stream:
            stream.write(table.markdown(rows))
    return exit_code([*codes, NOT_FULL if sealed.returncode == _NOT_PASSED else sealed.returncode])


def conduct(groups: Sequence[Group], project: Path, bundle: Path) -> tuple[list[Row], list[int]]:
    """Run stages, group by group; one that fails ends none of the others. One counts only if its record says so too.

    Returns:
        What the record of each says, and the exit codes.
    """
    found: list[Row] = []
    codes: list[int] = []
    for group in groups:
        for stage, code, seconds in _together(group, project, bundle):
            found.append(_row(stage, bundle, code, seconds))
            # One that ends with 0, and leaves no record or one that is not FULL, has proved nothing.
            codes.append(NOT_FULL if code == OK and stage.writes and found[-1].result != Coverage.FULL else code)
    return found, codes


def _gate(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "acceptance.gates", *words)


def _bundle(project: Path) -> Path:
    if named := os.environ.get(layout.VARIABLE):
        return Bundle.join(Path(named)).path
    return open_run(project / "artifacts", project=project, command=("make", "test"))


def _together(group: Group, project: Path, bundle: Path) -> list[tuple[Stage, int, float]]:
    """Run lanes at the same time; give each stage with its exit code and seconds, as they ended."""
    done: list[tuple[Stage, int, float]] = []
    interrupted = threading.Event()
    log = GateLog(sys.stdout)

    def say(name: str, line: str) -> None:
        log.say(line, of=name if len(group) > 1 else "")

    def run_lane(lane: Lane) -> None:
        for stage in lane:
            if interrupted.is_set():
                return
            environ = {name: value for name, value in os.environ.items() if name != layout.VARIABLE}
            if stage.writes:
                environ[layout.VARIABLE] = str(bundle)
            log.say(f"=== {stage.name}")
            ended = run_part(Step(name=stage.name, argv=stage.argv, cwd=project, environ=environ), say)
            done.append((stage, ended.exit_code, ended.seconds))

    threads = [threading.Thread(target=run_lane, args=(lane,)) for lane in group]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:  # the programs got it as well
        interrupted.set()
        for thread in threads:
            thread.join()
        raise
    known = {stage.name for stage, _, _ in done}
    lost = [stage for lane in group for stage in lane if stage.name not in known]  # whatever broke its lane
    return [*done, *((stage, FAILED, 0.0) for stage in lost)]


def _row(stage: Stage, bundle: Path, code: int, seconds: float) -> Row:
    """What a stage's own record says; one that left none did not come to its end."""
    if not stage.writes:
        return Row(gate=stage.name, result="ok" if code == OK else "FAILED", seconds=seconds)
    try:
        record: Mapping[str, object] = json.loads((bundle / layout.gate_record(stage.name)).read_bytes())
        counts = record["counts"]
        result = str(record["result"])
    except (OSError, ValueError, KeyError, TypeError):
        return Row(gate=stage.name, result="INCOMPLETE", seconds=seconds)
    return Row(
        gate=stage.name,
        result=result if code in {OK, NOT_FULL} else "FAILED",
        seconds=seconds,
        counts=counts if isinstance(counts, dict) else {},
    )


def exit_code(codes: Sequence[int]) -> int:
    """Return what a whole run ends with: the worst of its stages; what died or could not begin has failed.

    A run of no stage has not run.
    """
    if set(codes) == {OK}:
        return OK
    return NOT_FULL if set(codes) <= {OK, NOT_FULL} else FAILED
