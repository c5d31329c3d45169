from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "install_browser.sh"


def test_a_machine_without_a_browser_is_red(tmp_path: Path) -> None:
    """Where there is none and none can be installed `make browser` says so and fails: it has not tried any page."""
    for name in ("bash", "dirname", "env", "id"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))

    done = subprocess.run(
        [str(SCRIPT)],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("BROWSER NOT RUN: ")
    assert "install the package chromium yourself" in done.stderr
