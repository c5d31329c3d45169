"""Runs the gate over fake checks, again and again, each time in a child with one thing wrong: see `test_recording`.

Used as `python -m tests.preflight.record.recording_child`: each line of stdin is a JSON object, answered by one exit
code. `argv`, `env` and `found` (check id -> status) say what is run; `full` and `read_only` name directories over
which such a file system is laid; `bound` makes the child obey mode bits, root's too; `stdout` names the file for what
it prints. Every file of the directory `show` is copied to `shown` afterwards: what was laid over it is gone with the
child.
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import json
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from preflight import cli, registry
from preflight.check import Context
from preflight.message import Message
from preflight.model import Outcome, Status
from tests.modes import obey_modes
from tests.preflight.faults.launcher import MS_RDONLY, fill, mount, own_mounts

IDS = ("environment", "secrets", "read_only_guard", "redis", "postgres", "storage")


def _registry(found: dict[str, str]) -> registry.Registry:
    def says(status: Status) -> Any:
        def run(_: Context) -> Outcome:
            return Outcome(status=status, summary=Message(status.value), hint=Message("h"))

        return run

    def check(name: str) -> Any:
        does = says(Status(found.get(name, "pass")))
        return SimpleNamespace(id=name, proves="", requires=(), timeout=20.0, network=False, imports=(), run=does)

    return registry.Registry(tuple(check(name) for name in IDS))


def _spoil(task: dict[str, Any]) -> None:
    """Lay the file systems that are full or read-only."""
    if task["full"] or task["read_only"]:
        own_mounts()
    for name in task["full"]:
        mount(Path(name))
        fill(Path(name))
    for name in task["read_only"]:
        mount(Path(name), MS_RDONLY)


def _gate(task: dict[str, Any]) -> NoReturn:
    """Be one run of the gate."""
    os.environ.clear()
    os.environ.update(task["env"])
    printed = os.open(task["stdout"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(printed, stream)
    if task["bound"]:
        obey_modes()
    os.chdir(task["env"]["HOME"])
    setattr(registry, "default_registry", lambda _=None: _registry(task["found"]))  # noqa: B010 - as a test would
    sys.argv = ["preflight", *task["argv"]]
    signal.alarm(30)  # one that hangs must not hold up its parent
    cli.entry()


def _in_a_child(do: Callable[[], int]) -> int:
    """Give the exit code of a child that does something."""
    child = os.fork()
    if child == 0:
        code = 99  # what no verdict has: this program itself failed
        try:
            code = do()
        except BaseException:  # noqa: BLE001 - a child must not go on as its parent
            traceback.print_exc()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _run(task: dict[str, Any]) -> int:
    """Run the gate in the world that the task wants, and show what it left."""

    def world() -> int:
        _spoil(task)
        code = _in_a_child(lambda: _gate(task))
        if Path(task["show"]).is_dir():
            shutil.copytree(task["show"], task["shown"])
        return code

    return _in_a_child(world)


def _load_everything() -> None:
    """Import what a run imports lazily: a child may not be able to read it any more."""
    for name in (
        *("filelock", "prometheus_client.parser", "preflight.gate", "preflight.config.sources", "preflight.plugins"),
        *(
            "preflight.alerts.announcer",
            "preflight.record.ledgerfile",
            "preflight.alerts.throttle",
            "preflight.commands.run",
        ),
        *("preflight.render.console", "preflight.render.json", "gettext"),
    ):
        importlib.import_module(name)
    codecs.lookup("utf-16-le")


if __name__ == "__main__":
    _load_everything()
    assert threading.active_count() == 1
    with contextlib.suppress(BrokenPipeError):
        for line in sys.stdin:
            sys.stdout.write(f"{_run(json.loads(line))}\n")
            sys.stdout.flush()
