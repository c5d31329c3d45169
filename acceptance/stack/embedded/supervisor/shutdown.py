"""The end of a stack: everything at once, in order, within one grace time, and nothing left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from acceptance.stack import run_folder
from acceptance.stack.embedded.supervisor.ownership import descendants, kill_all
from acceptance.stack.embedded.supervisor.startup import Managed
from acceptance.stack.wait import Observation, WaitTimeoutError, wait_until

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What asks a supervisor to end."""


def end_all(services: Mapping[str, Managed], *, grace: float, run_dir: Path) -> tuple[str, list[int]]:
    """End every service and everything below this process, then remove the run folder.

    Args:
        services: Name -> service.
        grace: Seconds between asking and killing, for all together.
        run_dir: Removed at the end.

    Returns:
        Who had to be killed, in words (``""`` when all obeyed), and the process ids that survived even that.
    """
    for number in SIGNALS:  # a second Ctrl-C must not cut this short
        signal.signal(number, signal.SIG_IGN)
    running = {name: each.process for name, each in services.items() if each.process is not None}
    for each in services.values():
        each.closing.set()
    for name, process in running.items():
        process.signal_tree(signal.SIGCONT)  # a paused process could not obey
        process.signal_group(services[name].spec.stop_signal)

    def gone() -> Observation[None]:
        left = [name for name, process in running.items() if process.running()]
        return Observation(done=not left, said=f"{', '.join(left)} still running")

    stubborn = ""
    try:
        wait_until(gone, asked="all servers to end", timeout=grace, interval=0.02)
    except WaitTimeoutError as error:
        stubborn = str(error)
    left = kill_all(descendants(os.getpid()))
    for process in running.values():
        process.kill()
    run_folder.remove(run_dir)
    return stubborn, [each.pid for each in left]
