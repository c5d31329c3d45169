"""The parent's end of the two pipes to a supervisor."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from acceptance.stack.embedded.supervisor.protocol import SupervisorSpec
from acceptance.stack.interface import StackError

CODE = Path(__file__).resolve().parents[4]
"""The folder that holds our packages."""

_REPLY_TIMEOUT = 60.0
Event = dict[str, Any]


class SupervisorClient:
    """A running supervisor process, as seen by whoever started it."""

    def __init__(self, spec: SupervisorSpec, *, log: Path) -> None:
        """Start it and hand it its spec; ``start`` events follow.

        Args:
            spec: What it shall run.
            log: Takes its stderr.

        Raises:
            OSError: Python cannot be started.
        """
        self._spec = spec
        self._log = log
        self._ids = itertools.count(1)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._replies: dict[int, queue.SimpleQueue[Event]] = {}
        self.starting: str = ""  # the service that was started last, for a timeout's message
        keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "acceptance.stack.embedded.supervisor.server"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                # A session of its own: Ctrl-C reaches the tests only, and they end it in order.
                start_new_session=True,
                env={**keep, "LANG": "C.UTF-8", "PYTHONPATH": str(CODE)},
                cwd="/",
                text=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._send(spec.to_json())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_up(self, *, timeout: float, tell: Callable[[Event], object] = lambda _: None) -> float:
        """Wait until every service is ready.

        Args:
            timeout: Seconds.
            tell: Is given every event.

        Returns:
            Seconds from start to ready.

        Raises:
            StackError: A service failed, or the supervisor itself did.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                message = f"the stack was not ready after {timeout:.0f} s"
                raise StackError(message) from None
            tell(event)
            match event["event"]:
                case "up":
                    return float(event["seconds"])
                case "failed":
                    raise StackError(event["message"], service=event["service"])
                case "closed":
                    raise StackError(self._how_it_ended())

    def request(self, verb: str, service: str = "", *, timeout: float = _REPLY_TIMEOUT) -> Event:
        """Send one command and wait for its reply.

        Raises:
            StackError: It was refused, or the supervisor is gone or silent.
        """
        number = next(self._ids)
        answers: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._replies[number] = answers
        try:
            self._send(json.dumps({"id": number, "do": verb, "service": service}))
            # What `detach` is answered with comes with the end of the pipe: the reader may be gone and the reply here.
            if not self._reader.is_alive() and answers.empty():
                raise StackError(self._how_it_ended(), service=service)
            try:
                reply = answers.get(timeout=timeout)
            except queue.Empty:
                message = f"the supervisor did not answer '{verb} {service}'".rstrip() + f" in {timeout:.0f} s"
                raise StackError(message, service=service) from None
        finally:
            del self._replies[number]
        if reply["event"] == "closed":
            raise StackError(self._how_it_ended(), service=service)
        if "error" in reply:
            raise StackError(reply["error"], service=service)
        return reply

    def close(self) -> None:
        """Close the pipe and wait until the supervisor has ended everything. Calling it twice is fine."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            # Grace for the servers, then killing, then removing the folder.
            self._process.wait(timeout=self._spec.grace + 10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()  # the kernel then sends every server its death signal
            self._process.wait()
        self._finish()

    def detach(self) -> int:
        """Leave it running without us.

        Returns:
            Its process id: a SIGTERM ends the stack.

        Raises:
            StackError: It does not answer.
        """
        self.request("detach")
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._finish()
        self._process.returncode = 0  # Popen would otherwise warn that we leave a child behind
        return self._process.pid

    def _finish(self) -> None:
        self._reader.join(timeout=5.0)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _send(self, line: str) -> None:
        stdin = self._process.stdin
        try:
            if stdin is None or stdin.closed:
                raise BrokenPipeError
            stdin.write(line + "\n")
            stdin.flush()
        except BrokenPipeError:
            raise StackError(self._how_it_ended()) from None

    def _read(self) -> None:
        """Thread: sort what arrives into replies and events."""
        with contextlib.suppress(OSError, ValueError):
            for line in self._process.stdout or ():
                event: Event = json.loads(line)
                waiting = self._replies.get(event["id"]) if event["event"] == "reply" else None
                (waiting or self._events).put(event)
        closed: Event = {"event": "closed"}
        self._events.put(closed)
        for waiting in list(self._replies.values()):
            waiting.put(closed)

    def _how_it_ended(self) -> str:
        try:
            code: int | None = self._process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            code = None
        try:
            tail = "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        except OSError:
            tail = ""
        return f"the stack's supervisor ended with exit code {code}. Last lines of its log:\n{tail or '(empty)'}"
