"""How soon `preflight --help` answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.cost import side_by_side
from bench.figure import Figure

ROOT = Path(__file__).parents[1]


def measure() -> Iterable[Figure]:
    """Beside a Python that does nothing."""
    ours = (sys.executable, "-m", "preflight", "--help")
    cost, floor = side_by_side(ours, (sys.executable, "-c", "pass"), env=os.environ, cwd=ROOT)
    yield Figure(
        what="preflight --help", value=cost.seconds, unit="s", floor=floor.seconds, against="python -c pass", limit=0.2
    )
