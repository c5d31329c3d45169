"""Becomes the command, if at the very last what made the gate say GO is still so.

In this order, after the run has been recorded, sent and shown: the lock is still ours, the command's files are read
again, the run is not too old; the kill switch is asked (in live); then, without asking anybody anything, the same
once more by what the kernel knows of the files, and the command begins.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.config.state_dirs import make_own_directories
from preflight.config.trust import must_be_trusted
from preflight.errors import Interrupted
from preflight.launch.environment import environment_of
from preflight.launch.held import HeldFile, first_change, hold_command
from preflight.launch.last_look import LastLook, last_look
from preflight.launch.lock import StartLock, take
from preflight.message import joined, message
from preflight.model import EXIT_GO, EXIT_NOT_STARTED, Env, Report, Result, Status
from preflight.record.catalogue import READY_FOR_LIVE

if TYPE_CHECKING:
    from preflight.gate import Gate

_AFTER_CHECKS = 90.0  # seconds that record, alerts and report may take beyond the run's own timeout
_ANSWER_SECONDS = 10.0  # from the last question to the start; the question itself has its own, shorter deadline

# What this process, or Python on its start, has changed; ignored signals would stay so in the command.
_SIGNALS = (signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ)


def uptime() -> float:
    """Return the seconds since boot, those in which the machine slept included; nobody can set this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotStarted:
    """Why the command was not started, and the exit code that says so."""

    exit_code: int
    reason: str


@dataclass(slots=True, kw_only=True)
class Start:
    """One start of one command; `begin` before the run, `go` after it, `close` in any case."""

    program: str  # where the command's program was found
    command: list[str]
    lock_file: Path | None = None  # None: one beside the ledger in live, none elsewhere
    keep_secrets: bool = False
    clock: Callable[[], float] = uptime
    become: Callable[[str, list[str], Mapping[str, str]], object] = os.execve
    look: Callable[[Gate], LastLook] = lambda gate: last_look(gate.settings, gate.environ, gate.cwd)
    _gate: Gate | None = None
    _files: tuple[HeldFile, ...] = ()
    _lock: StartLock | None = None
    _look: LastLook | None = None
    _begun: float = 0.0
    _troubles: list[str] = field(default_factory=list)  # what the run is not kept from, and the start is

    def begin(self, gate: Gate) -> None:
        """Take the lock, take down what the command is, and have the last question ready.

        Raises:
            NotStartedError: Another process holds the lock.
            UsageError: In live, another user could exchange the lock or what the command is.
        """
        self._gate, self._begun = gate, self.clock()
        live = gate.settings.env is Env.LIVE
        path = self.lock_file or (gate.settings.ledger.with_name("exec-live.lock") if live else None)
        if path is not None:
            make_own_directories(gate.settings)
            try:
                self._lock = take(path)
                if live:
                    must_be_trusted((("--lock", path),), ())
            except OSError as e:
                self._troubles.append(
                    message("the lock {path} cannot be taken: {strerror}", path=path, strerror=e.strerror)
                )
        try:
            self._files = hold_command(self.program, self.command[1:])
        except OSError as e:
            self._troubles.append(
                message("{program} cannot be looked at: {strerror}", program=self.program, strerror=e.strerror)
            )
        if live:
            must_be_trusted(((self.command[0], file.path) for file in self._files), ())
            self._look = self.look(gate)

    def go(self, report: Report) -> NotStarted:
        """Become the command; returns only where it is not started.

        A GO that does not hold at the last is taken back: ready_for_live 0, a P0, the report written anew.

        Args:
            report: Of a run whose verdict is GO.
        """
        gate = self._gate
        if gate is None:
            raise RuntimeError("go before begin")
        unready = _unready(report)
        if unready is not None:
            return NotStarted(
                exit_code=EXIT_NOT_STARTED, reason=message("GO, but ready_for_live is 0: {unready}", unready=unready)
            )
        secrets = () if self.keep_secrets else gate.settings.secret_values()
        variables = environment_of(gate.environ, report, secrets)
        handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        try:
            self._must_hold(gate, digest=True)
            self._must_be_told(gate)
            self._must_hold(gate, digest=False)
            self._become(variables)
        except _RefusedError as e:
            refusal = e
        except OSError as e:
            refusal = _RefusedError(
                message(
                    "{command} cannot be started: {strerror}",
                    command=self.command[0],
                    strerror=e.strerror or type(e).__name__,
                )
            )
        except (Exception, SystemExit, KeyboardInterrupt, Interrupted) as e:  # noqa: BLE001 - it could not tell
            refusal = _RefusedError(message("exec was stopped before the start ({kind})", kind=type(e).__name__))
        for number, handler in handlers.items():
            signal.signal(number, handler)
        return _conclusion(gate.reconsider(report, results=refusal.results, doubts=refusal.doubts))

    def close(self) -> None:
        """Return back what is still held, where the command was not started."""
        if self._look is not None:
            self._look.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _must_hold(self, gate: Gate, *, digest: bool) -> None:
        """See what this machine knows by itself.

        Raises:
            _RefusedError: The lock, a file of the command or the age of the run speaks against the start.
        """
        age = self.clock() - self._begun
        if not 0 <= age <= gate.settings.run_timeout + _AFTER_CHECKS:
            raise _RefusedError(
                message("{age:.0f} s have passed since the run began: what it found is too old", age=age)
            )
        lost = None if self._lock is None else self._lock.lost()
        for trouble in (*self._troubles, lost, first_change(self._files, digest=digest)):
            if trouble is not None:
                raise _RefusedError(trouble)

    def _must_be_told(self, gate: Gate) -> None:
        """Ask for the kill switch, in live.

        Raises:
            _RefusedError: It is thrown, nobody could tell, or the answer is old by now.
        """
        if gate.settings.env is not Env.LIVE:
            return
        asked = self.clock()
        answer = None if self._look is None else self._look.ask()
        if answer is None or answer.status is not Status.PASS:
            raise _RefusedError(message("the kill switch was not asked for") if answer is None else answer)
        if not 0 <= self.clock() - asked <= _ANSWER_SECONDS:
            raise _RefusedError(
                message("exec was held up after it had asked for the kill switch: the answer is too old")
            )

    def _become(self, variables: Mapping[str, str]) -> None:
        """Do it.

        Raises:
            OSError: The program cannot be started.
        """
        if self._lock is not None:
            self._lock.hand_on()
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        self.become(self.program, self.command, variables)
        raise _RefusedError(message("{command} did not take the place of exec", command=self.command[0]))


class _RefusedError(Exception):
    """The command is not to be started: because of what a check said, or for a reason in a sentence."""

    def __init__(self, why: Result | str) -> None:
        super().__init__()
        self.results = (why,) if isinstance(why, Result) else ()
        self.doubts = () if isinstance(why, Result) else (why,)


def _unready(report: Report) -> str | None:
    """Return why a GO in live is none to start on: by what the run found, or by what it could publish; else None."""
    if report.env is not Env.LIVE:
        return None
    if not report.decision.ready_for_live:
        return message("something was waived or overridden")
    published = [sample.value for sample in report.samples if sample.name == READY_FOR_LIVE]
    return None if published == [1.0] else message("another run began meanwhile, and may find the opposite; try again")


def _conclusion(report: Report) -> NotStarted:
    decision = report.decision
    if decision.exit_code == EXIT_GO:  # a last answer that is neither PASS nor anything a verdict minds
        return NotStarted(exit_code=EXIT_NOT_STARTED, reason=message("the last question was not answered with PASS"))
    return NotStarted(
        exit_code=decision.exit_code,
        reason=message("{verdict}: {reasons}", verdict=decision.verdict, reasons=joined(decision.reasons)),
    )
