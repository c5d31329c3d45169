from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from preflight.config.settings import Settings
from preflight.config.sources import load
from preflight.config.state_dirs import make_own_directories, own_directories
from preflight.model import Env


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the default directories lie in these tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "arbitrage-preflight"


def settings(tmp_path: Path, **variables: str) -> Settings:
    """Load settings as a run does."""
    environ = {f"PREFLIGHT_{key}": value for key, value in variables.items()}
    return load({"env": Env.PAPER.value}, environ=environ, cwd=tmp_path)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_default_directories_are_made_private(umask: int, tmp_path: Path, state: Path) -> None:
    """Where no setting names a place, the gate makes its own, for its user alone, and so each folder on the way."""
    found = settings(tmp_path)
    before = os.umask(umask)
    try:
        make_own_directories(found)
        make_own_directories(found)
    finally:
        os.umask(before)
    assert own_directories(found) == (state, state / "spool")
    assert [stat.S_IMODE(made.stat().st_mode) for made in (state.parent, state, state / "spool")] == [0o700] * 3


def test_named_directories_are_not_made(tmp_path: Path) -> None:
    """What a setting names must be there: where a volume is not mounted, no ledger is begun in its place."""
    found = settings(tmp_path, LEDGER=str(tmp_path / "volume" / "ledger.sqlite"), SPOOL_DIR=str(tmp_path / "spool"))
    make_own_directories(found)
    assert own_directories(found) == ()
    assert not (tmp_path / "volume").exists()
    assert not (tmp_path / "spool").exists()


def test_each_by_itself(tmp_path: Path, state: Path) -> None:
    """Naming the spool leaves the ledger's place the gate's own."""
    assert own_directories(settings(tmp_path, SPOOL_DIR=str(tmp_path))) == (state,)
