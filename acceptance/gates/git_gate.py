"""`gate git`: the rules for git alone; the fast gate has them as one of its steps."""

from __future__ import annotations

import sys
from pathlib import Path

from acceptance.gates.gate import Plan
from acceptance.gates.lanes import Step


def plan(project: Path) -> Plan:
    """Lay out the gate."""
    return Plan(gate="git", lanes=((step(project),),), log="git_gate.log")


def step(project: Path) -> Step:
    """The check itself."""
    return Step(name="git", argv=(sys.executable, "-m", "acceptance.gates.commits.rules"), cwd=project)
