"""M15: the acceptance suite has one stack and one order, whatever pytest is told or has installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.leg("system")

ROOT = Path(__file__).parents[2]

SHUFFLES = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items.reverse()
"""


def collected(*options: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "acceptance/test_rules.py", "--collect-only", "-q", *options],
        cwd=ROOT,
        env={**{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_m15_several_processes_are_refused() -> None:
    """One sentence, before anything is started."""
    done = collected("-n", "2")
    assert (done.returncode, done.stderr.strip().splitlines()) == (
        4,
        ["ERROR: the acceptance suite has one stack and one order: run it without -n"],
    )


def test_m15_no_plug_in_changes_the_order(tmp_path: Path) -> None:
    """A plug-in that shuffles tests changes nothing."""
    (tmp_path / "shuffles.py").write_text(SHUFFLES, encoding="utf-8")
    plain, shuffled = collected(), collected("-p", "shuffles", PYTHONPATH=str(tmp_path))
    lines = [line for line in plain.stdout.splitlines() if "::" in line]
    assert len(lines) > 2
    assert [line for line in shuffled.stdout.splitlines() if "::" in line] == lines
