"""Runs the selected checks, each in its own worker process; keeps the clock and turns silence into ERROR."""

from __future__ import annotations

import contextlib
import importlib
import selectors
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from preflight.check import Check, Context
from preflight.message import Message, message
from preflight.model import Mode, Outcome, Result, Status, is_required, settle
from preflight.worker import BadAnswerError, Worker, decode, spawn

_POLL_SECONDS = 0.05  # how often a dead child whose pipe is held open by a grandchild is looked for
_OPEN = {Status.PASS, Status.WARN}  # what lets the checks go ahead that require this one

# Modules so heavy that the parent loads them, once, for all checks that name them. Only what the gate depends on
# itself: a module of somebody else's check is loaded in that check's own process, where it can harm nothing.
SHARED_IMPORTS = frozenset({"ccxt"})

OnResult = Callable[[Result], None]


@dataclass(slots=True)
class RunningCheck:
    """A check that has been told to go."""

    worker: Worker
    started_at: float  # Unix seconds
    begun: float  # monotonic seconds
    deadline: float  # monotonic seconds


@dataclass(slots=True)
class Runner:
    """One run of a set of checks.

    `prepare` forks the workers of all checks that can start at once, so that their imports overlap with whatever
    the caller does next; `run` lets them go. Between the two the caller must not start a thread.
    """

    checks: Sequence[Check]
    ctx: Context
    waivers: Mapping[str, str] = field(default_factory=dict)
    on_result: OnResult = lambda _: None
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _ready: dict[str, Worker] = field(default_factory=dict)
    _running: dict[str, RunningCheck] = field(default_factory=dict)
    _done: dict[str, Result] = field(default_factory=dict)
    _raw: dict[str, Status] = field(default_factory=dict)  # before waivers: a waived FAIL opens no door

    def prepare(self) -> None:
        """Fork the workers of the checks that require nothing and share no import that is still to be made."""
        sharing = self._sharing()
        for check in self.checks:
            if not check.requires and self._skip_reason(check) is None and check not in sharing:
                self._ready[check.id] = spawn(check, self.ctx)

    def _sharing(self) -> tuple[Check, ...]:
        """Return the checks that share a heavy import with others of this run."""
        sharing = tuple(
            check
            for check in self.checks
            if SHARED_IMPORTS.intersection(check.imports) and self._skip_reason(check) is None
        )
        return sharing if len(sharing) > 1 else ()

    def _import_shared(self) -> None:
        """Import once, here, what several checks share, while the workers that are there already load the rest.

        A check's own fork would pay for it anew. Whatever fails is met again, and told, by each check that needs it.
        All are forked before any clock starts: forking is not part of what a check took. The import itself has no
        deadline: it is of a pinned library of the gate's own.
        """
        sharing = self._sharing()
        for name in {name for check in sharing for name in SHARED_IMPORTS.intersection(check.imports)}:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        for check in sharing:
            if not check.requires:
                self._ready[check.id] = spawn(check, self.ctx)

    def run(self) -> tuple[Result, ...]:
        """Return one settled result per check, in registered order, whatever the checks do.

        Takes no longer than the run's timeout. No worker is alive when it returns or raises.
        """
        end = self.monotonic() + self.ctx.settings.run_timeout
        try:
            self._import_shared()
            self._start_what_can(end)
            while self._running:
                self._wait()
                self._start_what_can(end)
            for check in self.checks:
                if check.id not in self._done:
                    self._finish(
                        check, _untold(message("the run ended before it could start"), message("raise --timeout"))
                    )
            return tuple(self._done[check.id] for check in self.checks)
        finally:
            self.close()

    def results(self) -> tuple[Result, ...]:
        """Return what there is of the results: used where the gate itself broke half way."""
        return tuple(self._done[check.id] for check in self.checks if check.id in self._done)

    def close(self) -> None:
        """End every worker that is still there."""
        for worker in (*(running.worker for running in self._running.values()), *self._ready.values()):
            with contextlib.suppress(OSError):  # one that cannot be ended must not save the others
                worker.end()
        self._running.clear()
        self._ready.clear()

    def _skip_reason(self, check: Check) -> Message | None:
        if check.network and self.ctx.mode is Mode.DRY_RUN:
            return message("a dry run asks nothing over the network")
        return None

    def _start_what_can(self, end: float) -> None:
        progress = True
        while progress:  # a check that is skipped may decide about the checks that require it
            progress = False
            for check in self.checks:
                if check.id in self._done or check.id in self._running or self.monotonic() >= end:
                    continue
                reason = self._skip_reason(check)
                unmet = [need for need in check.requires if need in self._raw and self._raw[need] not in _OPEN]
                names = ", ".join(unmet)
                if reason is not None or unmet:
                    self._finish(check, _skipped(reason) if reason is not None else _unmet(names))
                    progress = True
                elif all(need in self._raw for need in check.requires):
                    self._start(check, end)

    def _start(self, check: Check, end: float) -> None:
        worker = self._ready.pop(check.id, None) or spawn(check, self.ctx)
        begun = self.monotonic()
        limit = self.ctx.settings.timeout_of(check.id, check.timeout)
        self._running[check.id] = RunningCheck(
            worker=worker, started_at=self.now(), begun=begun, deadline=min(begun + limit, end)
        )
        worker.go()

    def _wait(self) -> None:
        """Wait for the next answer, death or deadline, and finish whom it concerns."""
        nearest = min(running.deadline for running in self._running.values())  # none is later than the run's end
        with selectors.DefaultSelector() as selector:
            for running in self._running.values():
                selector.register(running.worker.answers, selectors.EVENT_READ)
            selector.select(timeout=min(_POLL_SECONDS, nearest - self.monotonic()))  # one that is over waits for nobody
        for running in tuple(self._running.values()):
            outcome = self._look_at(running)
            if outcome is not None:
                self._finish(running.worker.check, outcome)

    def _look_at(self, running: RunningCheck) -> Outcome | None:
        """Return the outcome of a running check, or None while it may still answer. Ends its worker with it."""
        dead = running.worker.gone()  # asked first: what it wrote before it died is still in the pipe
        answer = running.worker.read()
        if answer:
            running.worker.end()
            try:
                return decode(answer, self.ctx.settings.secret_values())
            except BadAnswerError as e:
                return _untold(
                    message("the check's process sent an invalid answer: {error}", error=e),
                    message("run it alone with --only"),
                )
        if answer == b"" or dead:
            how = running.worker.end()
            return _untold(
                message("the check's process ended without an answer: {how}", how=how),
                message("run it alone with --only"),
            )
        if self.monotonic() >= running.deadline:
            took = self.monotonic() - running.begun
            running.worker.end()
            return _untold(
                message("no answer within {took:.1f} s", took=took),
                message(
                    "see why it hangs, or raise check_timeouts.<id>, check_timeout (each check) or --timeout (the run)"
                ),
            )
        return None

    def _finish(self, check: Check, outcome: Outcome) -> None:
        running = self._running.pop(check.id, None)
        self._raw[check.id] = outcome.status
        result = Result(
            id=check.id,
            outcome=_with_hint(check, outcome),
            required=is_required(check.id, self.ctx.settings.env),
            started_at=None if running is None else running.started_at,
            duration_seconds=0.0 if running is None else self.monotonic() - running.begun,
        )
        self._done[check.id] = settle(result, self.waivers)
        self.on_result(self._done[check.id])


def _with_hint(check: Check, outcome: Outcome) -> Outcome:
    """Return what to do where the check, a third party's for example, does not."""
    if outcome.hint or outcome.status in {Status.PASS, Status.SKIP}:
        return outcome
    return replace(outcome, hint=message("see what it asks, by itself: preflight --only {check}", check=check.id))


def _untold(summary: Message, hint: Message) -> Outcome:
    return Outcome(status=Status.ERROR, summary=summary, hint=hint, expected="an answer", actual="none")


def _skipped(reason: Message) -> Outcome:
    return Outcome(status=Status.SKIP, summary=reason)


def _unmet(names: str) -> Outcome:
    return Outcome(
        status=Status.SKIP,
        summary=message("requires {names}", names=names),
        hint=message("fix {names} first, then rerun", names=names),
    )
