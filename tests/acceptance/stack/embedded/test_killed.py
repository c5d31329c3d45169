"""The real servers, whatever is killed: nothing of them runs on, and their folder goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from acceptance.stack.embedded.supervisor.client import CODE
from preflight.system.process_id import is_running
from tests.acceptance.stack.light import gone, vanished

pytestmark = pytest.mark.leg("system")

HOLDER = """
import json, signal, threading
from acceptance.stack.embedded.stack import EmbeddedStack
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs with SIGINT ignored
try:
    with EmbeddedStack() as stack:
        facts = {"supervisor": stack.supervisor_pid, "root": str(stack.layout.root), "rows": stack.processes()}
        print(json.dumps({**facts, "postgres": stack.settings()["postgres"]}), flush=True)
        threading.Event().wait()
except KeyboardInterrupt:
    print("ended in order", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A whole stack, held by a process of its own as a pytest run holds it."""

    holder: subprocess.Popen[str]
    facts: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return Path(self.facts["root"])

    def interrupt(self) -> None:
        """Press Ctrl-C where the holder runs."""
        os.killpg(self.holder.pid, signal.SIGINT)

    def processes(self) -> list[psutil.Process]:
        """The supervisor, every server and everything below these."""
        supervisor = psutil.Process(self.facts["supervisor"])
        return [supervisor, *supervisor.children(recursive=True)]


@pytest.fixture
def held() -> Iterator[Held]:
    """All six services, ready, in another process's hands."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdout=subprocess.PIPE,
        text=True,
        cwd=CODE,
        start_new_session=True,  # so that a signal to its group is what Ctrl-C in a terminal is
    )
    assert holder.stdout is not None
    facts = json.loads(holder.stdout.readline())
    yield Held(holder, facts)
    if holder.poll() is None:
        holder.kill()
    holder.communicate(timeout=30)
    for row in facts["rows"]:  # what a failing test found is not left to the next one
        if is_running(row["pid"], row["born"]):
            os.kill(row["pid"], signal.SIGKILL)


@pytest.mark.parametrize("how", ["ctrl-c", "holder-killed", "supervisor-killed"])
def test_no_real_server_outlives_it(held: Held, how: str) -> None:
    """Ctrl-C, or ``kill -9`` of the tests or supervisor: all servers and Postgres' backends end, the folder goes."""
    connection = psycopg2.connect(**held.facts["postgres"])  # its backend has a session of its own
    try:
        processes = held.processes()
        pids = {each.pid for each in processes}
        assert pids >= {row["pid"] for row in held.facts["rows"]}
        assert connection.info.backend_pid in pids
        match how:
            case "ctrl-c":
                held.interrupt()
            case "holder-killed":
                held.holder.kill()
            case "supervisor-killed":
                processes[0].kill()
        gone(processes, timeout=20)
    finally:
        connection.close()
    if how == "supervisor-killed":  # the holder still has the folder, and removes it when it ends
        assert held.folder.is_dir()
        held.interrupt()
    vanished(held.folder, timeout=20)
    if how != "holder-killed":
        assert held.holder.communicate(timeout=30)[0] == "ended in order\n"
