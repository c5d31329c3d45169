"""The last question before the command starts: is the kill switch thrown?

It is the check `live_safety`, asked once more by a worker of its own. The worker is forked before the run, while this
process has one thread, and has loaded what it needs by the time it is told to go: its answer is milliseconds old.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from preflight.check import Check, Context
from preflight.checks.live_safety import LiveSafetyCheck
from preflight.config.settings import Settings
from preflight.model import Mode, Result
from preflight.runner import Runner

LAST = LiveSafetyCheck(requires=(), imports=("redis",))


@dataclass(frozen=True, slots=True)
class LastLook:
    """A worker that waits for the word to ask."""

    runner: Runner

    def ask(self) -> Result:
        """Ask, once; a worker that died meanwhile, hangs or cannot tell is an ERROR like any other check's."""
        (result,) = self.runner.run()
        return result

    def close(self) -> None:
        """End the worker where nothing was asked."""
        self.runner.close()


def last_look(settings: Settings, environ: Mapping[str, str], cwd: Path, check: Check = LAST) -> LastLook:
    """Fork the worker; must be called while this process has a single thread."""
    context = Context(settings=settings, mode=Mode.REAL, run_id="", environ=environ, cwd=cwd)
    runner = Runner((check,), context)
    runner.prepare()
    return LastLook(runner)
