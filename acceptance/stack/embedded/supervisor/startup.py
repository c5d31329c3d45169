"""Waiting for one service: for its preparing steps, and for the answer to its readiness question.

These functions run in threads of the supervisor. They decide nothing and fork nothing: they post what they saw.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acceptance.stack.embedded.supervisor.ownership import OwnedProcess
from acceptance.stack.embedded.supervisor.protocol import ServiceSpec
from acceptance.stack.readiness import ask
from acceptance.stack.wait import Observation, WaitTimeoutError, wait_until

_TAIL_LINES = 25

Post = Callable[[tuple[str, Any]], object]
"""Takes ``("step_done" | "ready", (service, process))`` or ``("failed", failure)``."""


@dataclass(slots=True)
class Managed:
    """One service and where it stands."""

    spec: ServiceSpec
    state: str = "waiting"  # waiting, preparing, starting, ready, stopped, paused, died
    process: OwnedProcess | None = None
    began: float = 0.0  # monotonic, when the first step or the server was started
    steps_done: int = 0
    reply_to: int | None = None  # the command that waits for it to become ready
    closing: threading.Event = field(default_factory=threading.Event)  # set: whoever waits for it may stop


class _EndedError(Exception):
    """The process ended, or is being ended, while it was waited for."""


def await_step(service: Managed, process: OwnedProcess, post: Post) -> None:
    """Wait for a preparing command and post ``step_done`` or ``failed``."""

    def finished() -> Observation[int]:
        code = process.exit_code
        return Observation(done=code is not None, said="still running", value=code)

    asked = f"{process.program} to finish"
    try:
        answer = wait_until(
            finished, asked=asked, timeout=service.spec.timeout, interval=0.01, sleep=service.closing.wait
        )
    except WaitTimeoutError as error:
        post(("failed", failure(service, asked=asked, last=error.last)))
        return
    if answer.value == 0:
        post(("step_done", (service, process)))
    elif not service.closing.is_set():
        post(("failed", failure(service, asked=asked, last=f"exit code {answer.value}")))


def await_ready(service: Managed, process: OwnedProcess, post: Post, *, interval: float) -> None:
    """Ask the readiness question until it is answered, the process ends, or time is up.

    Posts ``ready`` or ``failed``; nothing when the service is being stopped.
    """
    question = service.spec.question
    last = "none"
    attempts = 0

    def probe() -> Observation[None]:
        nonlocal last, attempts
        attempts += 1
        # In this order: if something else answers on the port, our server's death is the news.
        answer = ask(question)
        if service.closing.is_set() or process.exit_code is not None:
            raise _EndedError
        last = answer.said
        return answer

    try:
        wait_until(
            probe, asked=question.asked, timeout=service.spec.timeout, interval=interval, sleep=service.closing.wait
        )
    except (_EndedError, WaitTimeoutError):
        if not service.closing.is_set():
            post(("failed", failure(service, asked=question.asked, last=last, attempts=attempts)))
        return
    except Exception as error:  # noqa: BLE001 - a mistake in a probe must fail the service, not hang the start
        post(("failed", failure(service, asked=question.asked, last=f"{type(error).__name__}: {error}")))
        return
    post(("ready", (service, process)))


def failure(service: Managed, *, asked: str, last: str, attempts: int = 1) -> dict[str, Any]:
    """All that is known about a service that did not become ready."""
    return {
        "service": service.spec.name,
        "asked": asked,
        "last": last,
        "attempts": attempts,
        "seconds": round(time.monotonic() - service.began, 1),
        "exit_code": service.process.exit_code if service.process is not None else None,
        "log_tail": log_tail(Path(service.spec.log)),
    }


def failure_text(facts: dict[str, Any]) -> str:
    """A failure in words."""
    died = "" if facts["exit_code"] is None else f" It ended with exit code {facts['exit_code']}."
    tail = facts["log_tail"] or "(empty)"
    times = "once" if facts["attempts"] == 1 else f"{facts['attempts']} times"
    return (
        f"{facts['service']} did not become ready: asked {facts['asked']} {times} in "
        f"{facts['seconds']} s; last answer: {facts['last']}.{died} Last lines of its log:\n{tail}"
    )


def log_tail(path: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log; empty when there is none."""
    try:
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
