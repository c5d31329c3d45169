"""`gate e2e`: the real check of preflight and the acceptance suite on one live stack.

The suite's own plug-in writes what it saw into the same bundle; this gate reads its report log from outside.
"""

from __future__ import annotations

from pathlib import Path

from acceptance.gates import expected
from acceptance.gates.gate import Plan
from acceptance.gates.lanes import Tests
from acceptance.gates.pytest_run import PytestRun
from evidence.bundle import layout


def plan(project: Path, folder: Path, *, stack: str, bundle: Path, options: tuple[str, ...] = ()) -> Plan:
    """Lay out the gate.

    Args:
        project: the checkout.
        folder: for pytest's records.
        stack: compose, embedded or external.
        bundle: the open bundle of the run.
        options: which Grafana, which images; where an external stack is.
    """
    run = PytestRun(
        project=project,
        paths=("acceptance",),
        report_log=folder / "acceptance.reportlog.jsonl",
        junit=folder / "acceptance.junit.xml",
        options=("--stack", stack, *options),
        variables=((layout.VARIABLE, str(bundle)),),
    )
    return Plan(
        gate=layout.e2e_gate(stack),
        stack=stack,
        lanes=((Tests(name="acceptance", run=run),),),
        log=layout.e2e_log(stack),
        list_file=expected.ACCEPTANCE,
    )
