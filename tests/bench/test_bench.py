from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import bench.__main__ as runner
from bench.cost import once, side_by_side
from bench.figure import Figure

pytestmark = pytest.mark.leg("servers")

ROOT = Path(__file__).parents[2]


def test_every_measurement_is_found() -> None:
    """A file of the package that measures is run; what only helps is not."""
    known = runner.measurements()
    assert known.keys() >= {"deadline", "help", "run", "start"}
    assert not known.keys() & {"cost", "figure", "__main__"}


@pytest.mark.parametrize(("value", "code"), [(1.0, 0), (2.0, 0), (2.1, 1)])
def test_a_limit_has_teeth(
    value: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A figure beyond its limit is marked, and ends the measuring with 1."""
    made = Figure(what="it", value=value, unit="s", floor=0.5, against="the least", limit=2.0)
    monkeypatch.setattr(runner, "measurements", lambda: {"one": lambda: (made,)})
    assert runner.main(["one"]) == code
    out = capsys.readouterr().out
    assert ("OVER" in out) is bool(code)
    assert f"{value / 0.5:.1f}" in out


def test_an_unknown_measurement_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing measured is no good news."""
    with pytest.raises(SystemExit, match="2"):
        runner.main(["nothing-of-that-name"])
    assert "no measurement nothing-of-that-name" in capsys.readouterr().err


def test_the_cost_of_a_program(tmp_path: Path) -> None:
    """Memory is the program's own peak; a program that fails has no cost."""
    least = (sys.executable, "-c", "pass")
    large, small = side_by_side(
        (sys.executable, "-c", "b = bytearray(64 << 20)"), least, env=os.environ, cwd=tmp_path, times=1
    )
    assert 60 < large.megabytes - small.megabytes < 70
    assert small.seconds > 0
    with pytest.raises(RuntimeError, match="ended with 3"):
        once((sys.executable, "-c", "raise SystemExit(3)"), env=os.environ, cwd=tmp_path)


def test_a_run_stays_below_90_megabytes(tmp_path: Path) -> None:
    """A gate with its Redis, Postgres and storage checks keeps to the memory of its design, its processes included."""
    for name in ("textfile", "state"):
        (tmp_path / name).mkdir()
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "PREFLIGHT_TEXTFILE_DIR": str(tmp_path / "textfile"),
        "PREFLIGHT_REDIS__HOST": "127.0.0.1",
        "PREFLIGHT_REDIS__PORT": "1",
        "PREFLIGHT_POSTGRES__HOST": "127.0.0.1",
        "PREFLIGHT_POSTGRES__PORT": "1",
        "PREFLIGHT_EXCHANGES__UPBIT__ENABLED": "false",
        "PREFLIGHT_EXCHANGES__BINANCE__ENABLED": "false",
    }
    argv = (sys.executable, "-m", "preflight", "--env", "paper", "--no-alerts")
    cost = once(argv, env=env, cwd=tmp_path, codes=(1,))  # nobody answers at port 1: a NO_GO, with everything loaded
    assert 20 < cost.megabytes < 90
