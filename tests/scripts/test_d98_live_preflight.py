"""The seed's script is the gate: commands written for it keep working."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "d98_live_preflight.py"
NAME = "arbitrage_preflight_test.prom"


def d98(folder: Path, *argv: str, command: Sequence[str] = (sys.executable, str(SCRIPT))) -> tuple[int, str, str]:
    """Run the script in an empty project whose servers are not there; give exit code, output and errors."""
    (folder / "textfile").mkdir(exist_ok=True)
    reach = {"HOST": "127.0.0.1", "PORT": "1"}
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PREFLIGHT_ENV": "test",
        "PREFLIGHT_TEXTFILE_DIR": str(folder / "textfile"),
        **{f"PREFLIGHT_REDIS__{key}": value for key, value in reach.items()},
        **{f"PREFLIGHT_POSTGRES__{key}": value for key, value in {**reach, "USER": "b", "DATABASE": "b"}.items()},
        **{f"PREFLIGHT_EXCHANGES__{name}__ENABLED": "false" for name in ("UPBIT", "BINANCE")},
    }
    done = subprocess.run(
        [*command, *argv], env=environ, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_real_check(open_dir: Path) -> None:
    """`--real-check` asks the servers: they are not there, so it is NO_GO, recorded."""
    code, out, _ = d98(open_dir, "--real-check")

    assert (code, "Redis at 127.0.0.1:1 refuses connections" in out) == (1, True)
    assert 'arbitrage_preflight_last_success{env="test"} 0.0' in (open_dir / "textfile" / NAME).read_text()


def test_dry_run(open_dir: Path) -> None:
    """`--dry-run` asks nothing and leaves nothing: exit 6, never 0."""
    code, out, _ = d98(open_dir, "--dry-run")

    assert (code, "\nDRY_RUN: " in out) == (6, True)
    assert list((open_dir / "textfile").iterdir()) == []


def test_output(open_dir: Path) -> None:
    """`--output` writes the report."""
    code, _, _ = d98(open_dir, "--real-check", "--output", "report.json")

    assert json.loads((open_dir / "report.json").read_text())["exit_code"] == code == 1


def test_metrics_output(open_dir: Path) -> None:
    """`--metrics-output` is where the `.prom` goes."""
    other = open_dir / "other"
    other.mkdir()

    d98(open_dir, "--real-check", "--metrics-output", str(other))

    assert [path.name for path in other.iterdir()] == [NAME]
    assert list((open_dir / "textfile").iterdir()) == []


def test_no_metrics(open_dir: Path) -> None:
    """`--no-metrics` writes no `.prom`."""
    code, _, _ = d98(open_dir, "--real-check", "--no-metrics")

    assert (code, list((open_dir / "textfile").iterdir())) == (1, [])


@pytest.mark.parametrize(("flags", "kept"), [((), 1), (("--no-alerts",), 0)])
def test_no_alerts(flags: tuple[str, ...], kept: int, open_dir: Path) -> None:
    """`--no-alerts` says nothing to anybody; without it the P0 is kept where Telegram is not to be had."""
    d98(open_dir, "--real-check", *flags)

    spool = open_dir / ".local" / "state" / "arbitrage-preflight" / "spool"
    assert len(list(spool.glob("p0-*.json"))) == kept


def test_an_old_python_is_told_so(open_dir: Path) -> None:
    """On a Python that cannot run the gate it is one sentence and 3, no traceback and no NO_GO."""
    program = f"import runpy, sys; sys.version_info = (3, 9, 18); runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"

    code, out, err = d98(open_dir, command=(sys.executable, "-c", program))

    assert (code, out) == (3, "")
    assert err == "preflight: this needs Python 3.11 or newer, this is 3.9; nothing ran\n"
