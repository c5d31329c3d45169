"""The acceptance suite itself, tried on systems that were broken on purpose."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from acceptance.sabotage import SABOTAGES, Sabotage

ROOT = Path(__file__).parents[2]
_SECONDS = 300  # a busy machine may take its time; what hangs is shown with what it said
PARTS = ("acceptance", "docker", "engine", "evidence", "monitoring", "preflight", "conftest.py", "pyproject.toml")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the suite needs of this checkout."""
    for part in PARTS:
        source, target = ROOT / part, tmp_path / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return tmp_path


def run_suite(suite: str, checkout: Path) -> tuple[int, str]:
    """Run a part of the suite in a checkout: its exit code, and all it said."""
    said = checkout / "said"
    with said.open("wb") as sink:
        try:
            run = subprocess.run(
                [sys.executable, "-m", "pytest", suite, "--stack", "embedded", "-p", "no:cacheprovider"],
                cwd=checkout,
                env={key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "PREFLIGHT_"))},
                stdout=sink,
                stderr=subprocess.STDOUT,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            pytest.fail(f"not done after {_SECONDS} s; so far it said:\n{said.read_text(encoding='utf-8')}")
    return run.returncode, said.read_text(encoding="utf-8")


@pytest.mark.timeout(_SECONDS + 60)
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_sabotage_is_caught_for_its_own_reason(sabotage: Sabotage, checkout: Path) -> None:
    """Each sabotage turns the suite red in the tests whose subject it is, with the hop and the place named."""
    sabotage.apply(checkout)

    code, output = run_suite(sabotage.suite, checkout)

    assert code == 1, output
    red = set(re.findall(r"^(?:FAILED|ERROR) \S+?::(.+?)(?: - .*)?$", output, flags=re.MULTILINE))
    assert set(sabotage.caught_by) <= red, output
    for reason in sabotage.because:
        assert reason in output, f"{reason!r} is not in what the run says:\n{output}"
