from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

from preflight.system.process_id import birth, birth_ticks, is_running


def test_a_process_is_known_by_its_birth() -> None:
    """A process is the one that was written down while it lives, and not when its number has another birth."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        born = birth(child.pid)
        assert born is not None
        assert is_running(child.pid, born)
        assert not is_running(child.pid, f"{born}0")
        assert not is_running(os.getpid(), born)
        child.communicate(b"\n")
    assert birth(child.pid) is None
    assert not is_running(child.pid, born)


def test_a_dead_child_that_nobody_waited_for_does_not_run() -> None:
    """A zombie has a number and a start, and runs no more."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    born = birth(child.pid)
    assert born is not None
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert not is_running(child.pid, born)
    child.communicate()


def test_the_wall_clock_has_no_part_in_it() -> None:
    """The birth is the kernel's own count since the boot: psutil's time is that count, moved by the clock."""
    ticks = birth_ticks(os.getpid())
    assert ticks is not None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert birth(os.getpid()) == f"{boot}/{ticks}"
    since_boot = psutil.Process().create_time() - psutil.boot_time()
    assert abs(ticks / os.sysconf("SC_CLK_TCK") - since_boot) < 1
