"""`gate fast`: format, lint, types, git, the supply, and the tests that start nothing; under a minute on two cores.

The dashboards' lint and promtool's tests of the rules are among those tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

from acceptance.gates import expected, git_gate
from acceptance.gates.gate import Plan
from acceptance.gates.lanes import Part, Step, Tests
from acceptance.gates.pytest_run import PytestRun
from acceptance.stack.binaries.cache import cache_root
from evidence.bundle import layout


def plan(project: Path, folder: Path) -> Plan:
    """Lay out the gate; arguments as of `acceptance.gates.core.plan`."""
    tests = PytestRun(
        project=project,
        paths=("tests",),
        report_log=folder / "pure.reportlog.jsonl",
        junit=folder / "pure.junit.xml",
        options=("--leg", "pure", "-n", "2", "--dist", "loadfile"),
    )
    return Plan(
        gate="fast",
        lanes=((Tests(name="pure", run=tests),), lint(project)),
        log=layout.FAST_LOG,
        list_file=expected.TESTS,
        legs=("pure",),
    )


def lint(project: Path) -> tuple[Part, ...]:
    """Format, lint, types, git and the supply, with the tools of this Python's environment."""
    ruff = str(Path(sys.executable).with_name("ruff"))
    return (
        Step(name="format", argv=(ruff, "format", "--check"), cwd=project),
        Step(name="lint", argv=(ruff, "check"), cwd=project),
        git_gate.step(project),
        Step(name="supply", argv=(sys.executable, "-m", "supply", "check"), cwd=project),
        Step(name="documents", argv=(sys.executable, "-m", "evidence", "check-docs"), cwd=project),
        # What is known of unchanged files serves the next checkout too; mypy compares their content.
        Step(name="types", argv=(sys.executable, "-m", "mypy", "--cache-dir", str(cache_root() / "mypy")), cwd=project),
    )
