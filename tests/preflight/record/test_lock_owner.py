from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.record.lock_owner import holder_of

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
{}(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["fcntl.flock", "fcntl.lockf"])
def test_names_the_process(tmp_path: Path, how: str) -> None:
    """The process that holds a lock of either kind is found; once it is gone, nobody is."""
    path = tmp_path / "file"
    path.touch()
    command = [sys.executable, "-c", HOLD.format(how), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        assert holder_of(path) == child.pid
        child.stdin.close()
        child.wait(10)
    assert holder_of(path) is None


def test_not_oneself(tmp_path: Path) -> None:
    """This process's own lock is no answer to who is in the way."""
    with (tmp_path / "file").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert holder_of(tmp_path / "file") is None


def test_waiting_is_not_holding(tmp_path: Path) -> None:
    """A process that waits for the lock, or that another namespace hides, is not named."""
    found = tmp_path.stat()
    at = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    table = tmp_path / "locks"
    table.write_text(f"1: -> FLOCK ADVISORY WRITE 4242 {at} 0 EOF\n2: FLOCK ADVISORY WRITE 0 {at} 0 EOF\nshort\n")
    assert holder_of(tmp_path, table) is None
    table.write_text(table.read_text() + f"3: FLOCK ADVISORY WRITE 77 {at} 0 EOF\n")
    assert holder_of(tmp_path, table) == 77


def test_unknown_elsewhere(tmp_path: Path) -> None:
    """Without the kernel's list, or without the file, nobody is named."""
    assert holder_of(tmp_path, tmp_path / "no-such-list") is None
    assert holder_of(tmp_path / "missing") is None
