"""What serves the dashboards is told while it is chosen; the suite itself runs, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evidence import manifest

pytestmark = pytest.mark.leg("system")

ROOT = Path(__file__).parents[2]


def test_a_grafana_that_is_passed_over_is_told_at_the_terminal(tmp_path: Path) -> None:
    """Past pytest's capture; and `--grafana real` without another one fails with the ways to get one."""
    old = tmp_path / "bin" / "grafana"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'grafana version 9.5.0'\n")
    old.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GRAFANA_"))}

    run = subprocess.run(
        (
            *(sys.executable, "-m", "pytest", "acceptance/test_services.py", "--stack", "embedded"),
            *("--grafana", "real", "-p", "no:cacheprovider", "--evidence-dir", str(tmp_path / "artifacts")),
        ),
        cwd=ROOT,
        env={**kept, "PATH": f"{old.parent}:/usr/bin:/bin", "ARBITRAGE_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert run.returncode == 1, run.stdout + run.stderr
    assert f"grafana: {old} passed over: version 9.5.0 is older than 10" in run.stderr.splitlines()
    assert "--grafana real: there is no Grafana on this machine" in run.stdout
    assert "have `make grafana` unpack the official archive" in run.stdout
    document = manifest.read(tmp_path / "artifacts" / "latest")
    assert (document["result"], document["stacks"]["embedded"]["grafana"]) == ("INCOMPLETE", None)
    assert "grafana: none that answered" in run.stdout
