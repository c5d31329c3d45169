"""The one process that owns all servers of a stack: ``python -m acceptance.stack.embedded.supervisor.server``.

Its first line of stdin is a ``SupervisorSpec``; every further line is a command
``{"id": 1, "do": "stop|start|pause|resume|status|detach|shutdown", "service": "redis"}``. On stdout it writes
one event per line: ``starting``, ``ready``, ``failed``, ``up``, ``died``, ``reply``, ``down``.

When stdin closes (its parent ended, in whatever way) or a signal asks for it, it ends every server and
removes the run folder; after ``detach`` only a signal does. It is one loop over one inbox: threads only wait
for something and post what they saw; the main thread alone forks (see ``ownership``) and decides.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from acceptance.stack import run_folder
from acceptance.stack.embedded.supervisor.ownership import OwnedProcess, become_subreaper, reap_adopted
from acceptance.stack.embedded.supervisor.protocol import SupervisorSpec
from acceptance.stack.embedded.supervisor.shutdown import SIGNALS, end_all
from acceptance.stack.embedded.supervisor.startup import (
    Managed,
    await_ready,
    await_step,
    failure,
    failure_text,
    log_tail,
)
from preflight.system.process_id import birth

_TICK = 0.2


class Supervisor:
    """Runs one spec from start to end."""

    def __init__(self, spec: SupervisorSpec, lines: Any, out: Any) -> None:
        self._spec = spec
        self._lines = lines
        self._out = out
        self._inbox: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._services = {each.name: Managed(each) for each in spec.services}
        self._parent = os.getppid()
        self._began = time.monotonic()
        self._up = False
        self._detached = False
        self._ending = False
        self._exit_code = 0
        self._verbs = {
            "stop": self._command_stop,
            "start": self._command_start,
            "pause": self._command_pause,
            "resume": self._command_resume,
        }

    # --- life -----------------------------------------------------------------------------------------

    def run(self) -> int:
        """Start, serve, end.

        Returns:
            0 when it was asked to end, 1 when a service did not start.
        """
        become_subreaper()
        for number in SIGNALS:
            signal.signal(number, lambda *_: self._inbox.put(("end", None)))
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self._start_what_can()
            last_reap = 0.0
            while not self._ending:
                try:
                    kind, content = self._inbox.get(timeout=_TICK)
                except queue.Empty:
                    kind, content = "tick", None
                getattr(self, f"_on_{kind}")(content)
                if time.monotonic() - last_reap > 1.0:
                    last_reap = time.monotonic()
                    self._watch()
        finally:
            self._shutdown()
        return self._exit_code

    def _read(self) -> None:
        """Thread: pass on commands; the end of the pipe is the end of the stack."""
        for line in self._lines:
            self._inbox.put(("command", line))
        self._inbox.put(("closed", None))

    def _emit(self, event: str, **fields: Any) -> None:
        try:
            self._out.write(json.dumps({"event": event, **fields}) + "\n")
            self._out.flush()
        except (OSError, ValueError):  # nobody reads any more; the closed stdin says the same
            self._inbox.put(("closed", None))

    # --- what arrives ---------------------------------------------------------------------------------

    def _on_tick(self, _: None) -> None:
        # A forked copy of the parent may hold the pipe open; its pid tells the truth all the same.
        if not self._detached and os.getppid() != self._parent:
            self._ending = True

    def _on_end(self, _: None) -> None:
        self._ending = True

    def _on_closed(self, _: None) -> None:
        self._ending = self._ending or not self._detached

    def _on_command(self, line: str) -> None:
        command = json.loads(line)
        number, verb = command["id"], command["do"]
        if verb == "shutdown":
            self._ending = True
        elif verb == "detach":
            self._reply(number)
            self._detach()
        elif verb == "status":
            self._reply(number, services=self._status())
        elif command.get("service") not in self._services:
            known = ", ".join(self._services)
            self._reply(number, error=f"no service {command.get('service')!r} here; there are: {known}")
        else:
            self._verbs[verb](number, self._services[command["service"]])

    def _on_step_done(self, seen: tuple[Managed, OwnedProcess]) -> None:
        service, process = seen
        if service.process is process and not service.closing.is_set():
            service.steps_done += 1
            self._advance(service)

    def _on_ready(self, seen: tuple[Managed, OwnedProcess]) -> None:
        service, process = seen
        name = service.spec.name
        if service.process is not process or service.closing.is_set():
            return  # it was stopped after the waiting thread had its answer
        service.state = "ready"
        seconds = round(time.monotonic() - service.began, 3)
        self._emit("ready", service=name, seconds=seconds, pid=service.process and service.process.pid)
        self._reply(service.reply_to)
        service.reply_to = None
        if not self._up and self._exit_code == 0:
            self._start_what_can()
            if all(each.state == "ready" for each in self._services.values()):
                self._up = True
                self._emit("up", seconds=round(time.monotonic() - self._began, 3))

    def _on_failed(self, facts: dict[str, Any]) -> None:
        service = self._services[facts["service"]]
        if service.closing.is_set():
            return
        if service.process is not None:
            service.process.end()
        service.state = "died"
        text = failure_text(facts)
        self._emit("failed", message=text, **facts)
        self._reply(service.reply_to, error=text)
        service.reply_to = None
        if not self._up:
            # The parent ends us by closing the pipe, when it has looked at the states and logs of what was started.
            self._exit_code = 1

    # --- commands -------------------------------------------------------------------------------------

    def _reply(self, number: int | None, **fields: Any) -> None:
        if number is not None:
            self._emit("reply", id=number, **fields)

    def _command_stop(self, number: int, service: Managed) -> None:
        service.closing.set()
        if service.process is not None:
            service.process.end()
        service.state = "stopped"
        self._reply(service.reply_to, error=f"{service.spec.name} was stopped while it was starting")
        service.reply_to = None
        self._reply(number)

    def _command_start(self, number: int, service: Managed) -> None:
        if service.state not in {"stopped", "died"}:
            self._reply(number, error=f"{service.spec.name} is {service.state}, not stopped")
            return
        service.reply_to = number
        service.closing = threading.Event()
        service.began = time.monotonic()
        self._advance(service)

    def _command_pause(self, number: int, service: Managed) -> None:
        if service.state != "ready" or service.process is None:
            self._reply(number, error=f"{service.spec.name} is {service.state}, not running")
            return
        service.process.signal_tree(signal.SIGSTOP)
        service.state = "paused"
        self._reply(number)

    def _command_resume(self, number: int, service: Managed) -> None:
        if service.state != "paused" or service.process is None:
            self._reply(number, error=f"{service.spec.name} is {service.state}, not paused")
            return
        service.process.signal_tree(signal.SIGCONT)
        service.reply_to = number
        service.state = "starting"
        self._wait_ready(service, service.process)

    def _status(self) -> list[dict[str, Any]]:
        rows = []
        for name, each in self._services.items():
            pid = each.process.pid if each.process is not None and each.process.running() else None
            born = None if pid is None else birth(pid)
            rows.append({"service": name, "state": each.state, "pid": pid if born else None, "born": born})
        return rows

    def _detach(self) -> None:
        """Live on without the parent: from now on only a signal ends the stack."""
        self._detached = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._out.fileno())  # the pipe itself closes: whoever reads it sees the end
        os.close(nowhere)

    # --- starting -------------------------------------------------------------------------------------

    def _start_what_can(self) -> None:
        ready = {name for name, each in self._services.items() if each.state == "ready"}
        for each in self._services.values():
            if each.state == "waiting" and set(each.spec.after) <= ready:
                each.began = time.monotonic()
                self._emit("starting", service=each.spec.name)
                self._advance(each)

    def _advance(self, service: Managed) -> None:
        """Run the next preparing step, or the server itself when all are done. Main thread only."""
        spec = service.spec
        preparing = service.steps_done < len(spec.steps)
        argv = spec.steps[service.steps_done].argv if preparing else spec.argv
        service.state = "preparing" if preparing else "starting"
        process = OwnedProcess(argv, spec, grace=self._spec.grace)
        service.process = process
        try:
            process.launch(stdin=spec.steps[service.steps_done].stdin if preparing else "")
        except OSError as error:
            self._inbox.put(("failed", failure(service, asked=f"run {argv[0]}", last=str(error))))
            return
        if preparing:
            threading.Thread(target=await_step, args=(service, process, self._inbox.put), daemon=True).start()
        else:
            self._wait_ready(service, process)

    def _wait_ready(self, service: Managed, process: OwnedProcess) -> None:
        settings = {"interval": self._spec.interval}
        threading.Thread(
            target=await_ready, args=(service, process, self._inbox.put), kwargs=settings, daemon=True
        ).start()

    # --- ending ---------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """Notice servers that ended by themselves, and bury what was adopted."""
        for name, each in self._services.items():
            if each.state == "ready" and each.process is not None and not each.process.running():
                each.state = "died"
                code = each.process.exit_code
                self._emit("died", service=name, exit_code=code, log_tail=log_tail(Path(each.spec.log)))
                _note(f"{name} ended by itself with exit code {code}")
        reap_adopted([each.process.pid for each in self._services.values() if each.process is not None])

    def _shutdown(self) -> None:
        stubborn, left = end_all(self._services, grace=self._spec.grace, run_dir=Path(self._spec.run_dir))
        if stubborn:
            _note(stubborn)
        self._emit("down", left=left)


def _note(line: str) -> None:
    """Write to this process's log."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main() -> int:
    """Read the spec, run it."""
    spec = SupervisorSpec.from_json(sys.stdin.readline())
    run_folder.own(Path(spec.run_dir))
    return Supervisor(spec, sys.stdin, sys.stdout).run()


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # a thread still reads stdin, and a normal exit could trip over its hold on it
