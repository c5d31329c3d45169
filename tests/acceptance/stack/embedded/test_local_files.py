from __future__ import annotations

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest

from acceptance.stack.embedded.local_files import RunningStack, StateFolder, as_toml
from preflight.system.process_id import birth


def test_settings_survive_their_journey_as_toml() -> None:
    """What is written is what TOML readers read, whatever the characters."""
    values = {
        "env": "paper",
        "ledger": '/a "b"\\c\n/한국',
        "redis": {"port": 1, "password": "x'y"},
        "stack": {"at": 1.25},
    }
    assert tomllib.loads(as_toml(values)) == values


def test_the_folder_is_private_even_when_it_was_not(tmp_path: Path) -> None:
    """An existing ``.stack`` is closed before anything is written into it."""
    (tmp_path / ".stack").mkdir(mode=0o755)
    folder = StateFolder(tmp_path)
    folder.lock()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


@pytest.mark.parametrize("text", ["", "[]", "{", '{"services": 1}', '{"services": [], "colour": 1}'])
def test_a_damaged_state_is_no_stack(tmp_path: Path, text: str) -> None:
    """A state file that is not whole names nothing to end."""
    folder = StateFolder(tmp_path)
    folder.lock()
    folder.state.write_text(text)
    assert folder.read() is None


def test_a_reused_process_id_is_not_the_supervisor(tmp_path: Path) -> None:
    """A living stranger with the recorded id but another birth does not count as running."""
    folder = StateFolder(tmp_path)
    folder.lock()
    facts = {"supervisor_pid": os.getpid(), "run_dir": "/nowhere", "services": []}
    mine = birth(os.getpid())
    for born, alive in ((mine, True), (f"{mine}0", False)):
        folder.state.write_text(json.dumps({**facts, "supervisor_born": born}))
        running = folder.read()
        assert isinstance(running, RunningStack)
        assert running.is_alive() is alive
