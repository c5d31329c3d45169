from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from acceptance.stack.embedded.context import Layout, Secrets, write_private


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000], ids=["usual", "tight", "open"])
def test_the_folders_have_their_modes_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """The textfile folder is open for reading, ledger, spool and configuration are not."""
    old = os.umask(umask)
    try:
        layout = Layout(tmp_path)
        layout.make()
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {
        "conf": 0o700,
        "logs": 0o700,
        "ledger": 0o700,
        "spool": 0o700,
        "data": 0o711,
        "bin": 0o755,
        "textfile": 0o755,
    }


def test_secrets_are_new_at_each_start_and_never_shown() -> None:
    """Two starts share no secret, and printing the object shows none."""
    first, second = Secrets(), Secrets()
    assert len({*first.values(), *second.values()}) == 10
    assert all(len(each) == 40 for each in first.values())
    assert not any(each in repr(first) for each in first.values())


def test_a_private_file_is_private_from_the_start(tmp_path: Path) -> None:
    """It is 0600 even under an open umask, and never written over an existing file."""
    old = os.umask(0)
    try:
        path = write_private(tmp_path / "secret", "x")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write_private(path, "y")
