"""What running a program costs."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall time and memory of a program."""

    seconds: float
    megabytes: float  # resident, at its peak: of the largest process among itself and its children


# A program's peak counts that of whoever forked it: a small one does, not the measuring process with all it has loaded.
_STARTER = """
import json, os, subprocess, sys, time
begun = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
process.returncode = os.waitstatus_to_exitcode(status)
json.dump([time.perf_counter() - begun, usage.ru_maxrss / 1024, process.returncode], sys.stdout)
"""


def once(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, codes: Sequence[int] = (0,)) -> Cost:
    """Run a program to its end.

    Raises:
        RuntimeError: It ended with another exit code than one of `codes`: what it cost says nothing then.
    """
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, *argv]
    done = subprocess.run(starter, env=dict(env), cwd=cwd, stdout=subprocess.PIPE, text=True, check=True)
    seconds, megabytes, code = json.loads(done.stdout)
    if code not in codes:
        raise RuntimeError(f"{argv[0]} ended with {code}")
    return Cost(seconds, megabytes)


def side_by_side(
    ours: Sequence[str], floor: Sequence[str], *, env: Mapping[str, str], cwd: Path, times: int = 9
) -> tuple[Cost, Cost]:
    """Run two programs in turns, so that both meet the same machine; give the median of each."""
    runs: tuple[list[Cost], list[Cost]] = ([], [])
    for _ in range(times):
        for argv, costs in zip((ours, floor), runs, strict=True):
            costs.append(once(argv, env=env, cwd=cwd))
    first, second = (
        Cost(statistics.median(one.seconds for one in costs), statistics.median(one.megabytes for one in costs))
        for costs in runs
    )
    return first, second
