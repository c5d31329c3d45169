"""Runs the parts of a gate in lanes: one part after the other within a lane, the lanes beside each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from acceptance.gates import environment
from acceptance.gates.interface import NOT_STARTED
from acceptance.gates.pytest_run import PytestRun, stream

Say = Callable[[str, str], object]
"""Takes the name of a part and a line that it printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tests:
    """A part that is a pytest run."""

    name: str
    run: PytestRun

    @property
    def argv(self) -> tuple[str, ...]:
        """What is started."""
        return self.run.argv

    def start(self, say: Callable[[str], object]) -> int:
        """Run it and return its exit code."""
        return self.run.start(say)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part that is another program, such as a linter; 0 is good."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    environ: Mapping[str, str] | None = None  # a clean one when None

    def start(self, say: Callable[[str], object]) -> int:
        """Run it and return its exit code."""
        env = environment.clean() if self.environ is None else self.environ
        return stream(self.argv, cwd=self.cwd, env=env, say=say)


Part = Tests | Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A part that has ended."""

    part: Part
    exit_code: int
    seconds: float


def run_lanes(lanes: Sequence[Sequence[Part]], say: Say, *, beside: bool = True) -> tuple[Done, ...]:
    """Run every part; one that fails ends no other.

    Args:
        lanes: their parts.
        say: takes what they print.
        beside: whether lanes may run at the same time.

    Returns:
        What came of each part, in the order of the lanes.
    """
    done: list[list[Done]] = [[] for _ in lanes]

    def run(number: int) -> None:
        for part in lanes[number]:
            done[number].append(run_part(part, say))

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(1, len(lanes))]
    if not beside:
        threads = []
    for thread in threads:
        thread.start()
    run(0)
    for number in range(1, len(lanes)):
        if beside:
            threads[number - 1].join()
        else:
            run(number)
    return tuple(one for lane in done for one in lane)


def run_part(part: Part, say: Say) -> Done:
    """Run one part; one that cannot be started is told, and has failed."""
    began = time.monotonic()
    say(part.name, "begins")
    try:
        code = part.start(lambda line: say(part.name, line))
    except OSError as error:
        say(part.name, f"cannot be started: {error.strerror}: {part.argv[0]}")
        code = NOT_STARTED
    seconds = time.monotonic() - began
    say(part.name, f"ended with exit code {code} after {seconds:.0f} s")
    return Done(part=part, exit_code=code, seconds=seconds)
