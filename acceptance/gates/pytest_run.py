"""Starts pytest from outside, with a clean environment and arguments that only the gate chooses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from acceptance.gates import environment

# Named one by one, since nothing is loaded by itself: what somebody has installed beside the lock takes no part.
_PLUGINS: Final = (
    "acceptance.gates.witness",
    "acceptance.gates.legs",
    "pytest_reportlog.plugin",
    "pytest_timeout",
    "xdist.plugin",
    "pytest_httpserver.pytest_plugin",
    "pytest_docker",
)
_ENDING_SECONDS: Final = 60.0  # that an interrupted pytest has for its tear-downs


@dataclass(frozen=True, slots=True, kw_only=True)
class PytestRun:
    """One run of pytest."""

    project: Path  # where its pyproject.toml is; what the paths are relative to
    paths: tuple[str, ...]
    report_log: Path
    junit: Path | None = None
    options: tuple[str, ...] = ()
    plugins: tuple[str, ...] = _PLUGINS
    variables: tuple[tuple[str, str], ...] = ()  # of the environment, over the clean one
    within: tuple[str, ...] = ()  # words before the command: a program that becomes it in other surroundings

    @property
    def argv(self) -> tuple[str, ...]:
        """The command line."""
        return (
            *(*self.within, sys.executable, "-m", "pytest", *self.paths),
            *("-c", str(self.project / "pyproject.toml"), "--rootdir", str(self.project)),
            *("-p", "no:cacheprovider", "--color", "no"),
            *(word for name in self.plugins for word in ("-p", name)),
            *("--report-log", str(self.report_log)),
            *(("--junitxml", str(self.junit)) if self.junit else ()),
            *self.options,
        )

    def start(self, say: Callable[[str], object]) -> int:
        """Run it; give its exit code, negative for a signal. Every line it prints goes to `say`."""
        return stream(self.argv, cwd=self.project, env=environment.clean(dict(self.variables)), say=say)


def stream(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], say: Callable[[str], object]) -> int:
    """Run a program, hand on each line that it prints, and return its exit code.

    Ctrl-C reaches it as well as this process: it is given time to end by itself, and what it has recorded counts.

    Raises:
        OSError: it cannot be started.
    """
    with subprocess.Popen(
        argv,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None  # noqa: S101 -- PIPE was asked for; this tells the type checker
        try:
            _hand_on(process.stdout, say)
            return process.wait()
        except KeyboardInterrupt:
            say("interrupted: waiting for the tests to end")
            try:
                _hand_on(process.stdout, say)
                return process.wait(_ENDING_SECONDS) or 2
            except (KeyboardInterrupt, subprocess.TimeoutExpired):
                process.kill()
                return process.wait()


def _hand_on(lines: IO[str], say: Callable[[str], object]) -> None:
    for line in lines:
        say(line.rstrip("\n"))
