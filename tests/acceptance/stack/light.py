"""Light services for tests of the machinery: real processes, but of milliseconds."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from acceptance.stack.embedded.context import Layout
from acceptance.stack.embedded.supervisor.client import CODE, SupervisorClient
from acceptance.stack.embedded.supervisor.protocol import ServiceSpec, SupervisorSpec
from acceptance.stack.ports import Ports
from acceptance.stack.readiness import Question
from acceptance.stack.wait import Observation, wait_until

HOLDER = """
import os, signal, sys, threading
from pathlib import Path
from acceptance.stack.embedded.supervisor.client import SupervisorClient
from acceptance.stack.embedded.supervisor.protocol import SupervisorSpec

spec = SupervisorSpec.from_json(sys.stdin.readline())
supervisor = SupervisorClient(spec, log=Path(spec.run_dir, "logs", "supervisor.log"))
try:
    supervisor.wait_up(timeout=20)
    if "fork" in sys.argv and os.fork() == 0:
        signal.pause()  # a copy of this process: it holds the pipe open
    print(supervisor.pid, flush=True)
    threading.Event().wait()
except KeyboardInterrupt:
    supervisor.close()
    print("closed in order", flush=True)
"""

LIGHT_SERVER = Path(__file__).with_name("light_server.py")


def light_spec(layout: Layout, behaviours: dict[str, str], ports: Ports, *, timeout: float = 10.0) -> SupervisorSpec:
    """A spec of light services, one per name."""
    services = []
    for name, behaviour in behaviours.items():
        layout.data(name).mkdir()
        services.append(
            ServiceSpec(
                name=name,
                argv=(sys.executable, "-I", "-S", str(LIGHT_SERVER), str(ports[name]), behaviour),
                env={"PATH": os.defpath},
                cwd=str(layout.data(name)),
                log=str(layout.log(name)),
                question=Question(
                    kind="http",
                    asked=f"GET http://127.0.0.1:{ports[name]}/",
                    settings={"port": ports[name], "path": "/", "contains": ["starts="]},
                ),
                timeout=timeout,
            )
        )
    return SupervisorSpec(run_dir=str(layout.root), services=tuple(services), grace=0.5)


@dataclass
class Light:
    """A supervisor with light services."""

    supervisor: SupervisorClient
    spec: SupervisorSpec
    layout: Layout
    ports: Ports

    def processes(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        top = psutil.Process(self.supervisor.pid)
        return [top, *top.children(recursive=True)]


def gone(processes: list[psutil.Process], *, timeout: float = 8.0) -> None:
    """Wait until none of these processes runs, nor holds a port.

    A zombie that its parent has yet to bury does not run. But a killed program is one as soon as its first
    thread has ended, and its ports are free only when the last one has.
    """

    def runs(process: psutil.Process) -> bool:
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)

    def probe() -> Observation[None]:
        left = [each for each in processes if runs(each)]
        return Observation(done=not left, said=f"{left} still run")

    def safe() -> Observation[None]:
        try:
            return probe()
        except psutil.NoSuchProcess:
            return Observation(done=False, said="one is just ending")

    wait_until(safe, asked="processes to end", timeout=timeout, interval=0.02)


def vanished(path: Path, *, timeout: float = 5.0) -> None:
    """Wait until a path is not there."""
    wait_until(
        lambda: Observation[None](done=not path.exists(), said="still there"),
        asked=f"{path} to be removed",
        timeout=timeout,
        interval=0.02,
    )


class Holder:
    """A process of its own that holds a supervisor, as a pytest run does."""

    def __init__(self, layout: Layout, ports: Ports, *, fork: bool = False, **behaviours: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, *(["fork"] if fork else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CODE,
            start_new_session=True,  # so that a signal to its group is what Ctrl-C in a terminal is
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(light_spec(layout, behaviours, ports).to_json() + "\n")
        self.process.stdin.flush()
        self.supervisor = psutil.Process(int(self.process.stdout.readline()))
        self.servers = self.supervisor.children(recursive=True)

    def finish(self) -> str:
        """Wait for its end and return what else it printed."""
        rest, _ = self.process.communicate(timeout=15)
        return rest
