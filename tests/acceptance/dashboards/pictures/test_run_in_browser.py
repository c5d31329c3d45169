from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "scripts" / "run_in_browser.sh"


@pytest.mark.parametrize(("wanted", "code"), [("", 0), ("required", 1)], ids=["passed-over", "required"])
def test_a_machine_without_a_browser_is_said_aloud(wanted: str, code: int, tmp_path: Path) -> None:
    """Where there is none and none can be installed the run says so; where one is required it fails."""
    for name in ("bash", "dirname", "env", "id"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    environ = {**os.environ, "PATH": str(tmp_path), "BROWSER": wanted}

    done = subprocess.run([str(SCRIPT)], env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == code, done.stderr
    assert done.stdout.startswith("BROWSER NOT RUN: ")
    assert "install the package chromium yourself" in done.stderr
