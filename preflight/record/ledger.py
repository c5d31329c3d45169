"""The ledger: what runs leave behind, for the gate's counters and for the `.prom` file made from them.

Counters live here because a process lives for one run. One file lock spans each transaction and the
publishing of the `.prom`, so that an older writer can never overwrite a newer one. A run that cannot have the ledger
still takes back what the `.prom` says of an earlier one; `standing` has the rule by which that stays.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from preflight.errors import LedgerError, TextfileError
from preflight.message import message
from preflight.model import Env, Sample
from preflight.record import catalogue, metrics, overwrite, previous, textfile
from preflight.record.state import State

if TYPE_CHECKING:
    import sqlite3

    from preflight.record.ledgerfile import LedgerFile

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What one run has to tell the ledger.

    Raises:
        ValueError: A value is not from its closed set, is no finite number, or the flags contradict.
    """

    env: str  # the value, never the enum
    run_id: str  # for messages; unbounded, so never a label
    started_at: float  # Unix seconds
    ended_at: float  # Unix seconds; the value by which the run is followed through every hop
    duration_seconds: float  # by the monotonic clock
    success: bool  # the verdict is GO
    ready_for_live: bool
    checks: Mapping[str, str]  # id of every check of the run -> pass, warn, fail, error or skip
    timings: Mapping[str, Mapping[str, float]]  # id of a check -> its named seconds

    def __post_init__(self) -> None:
        catalogue.label_value("env", self.env)
        for check_id, status in self.checks.items():
            catalogue.label_value("check", check_id)
            catalogue.label_value("status", status)
        measured = (seconds for timings in self.timings.values() for seconds in timings.values())
        for number in (self.started_at, self.ended_at, self.duration_seconds, *measured):
            if not math.isfinite(number) or number < 0:
                raise ValueError(f"run {self.run_id}: {number!r} is no time in seconds")
        if self.ready_for_live and not (self.success and self.env == Env.LIVE.value):
            raise ValueError(f"run {self.run_id}: ready_for_live without a GO in env live")


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSnapshot:
    """What stands in the ledger for one env, and where it was published."""

    samples: tuple[Sample, ...]  # every sample line of the `.prom`, in its order
    textfile: Path | None  # the `.prom`; None if the ledger has no textfile directory
    reset: Path | None  # where this Ledger object found or moved a damaged ledger to; None if there was none


class Ledger:
    """The counters of every env, in one SQLite file.

    Args:
        path: The file; made if missing, but not its directory.
        textfile_dir: What node_exporter reads; None leaves the `.prom` files alone.
        lock_timeout: Seconds to wait for another process that holds the ledger.
        now: Gives Unix seconds, by the clock of the times it is given; asked while the lock is held.

    Each method is one transaction, followed under the same lock by the `.prom` of its env. Each raises:
        LedgerLockedError: Another process held the ledger beyond the deadline; nothing was written to it.
        LedgerError: The ledger cannot be read or written; nothing was written to it.
        TextfileError: The transaction stands, but the `.prom` could not be written: last_success and
            ready_for_live are 0 in the ledger now.
        ValueError: An argument is not from its closed set (a mistake of the caller); nothing was written.

    In each of these cases but the last the `.prom` that stands says last_success 0 and ready_for_live 0 where it can be
    written at all, if only byte by byte; the error says where it cannot. What a run's start, end and taking back have
    to tell is published without the ledger then: its gauges, and the counters as they stand in the file.

    Making one does no I/O.
    """

    def __init__(
        self,
        path: Path,
        *,
        textfile_dir: Path | None,
        lock_timeout: float = 5.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._textfile_dir = textfile_dir
        self._lock_timeout = lock_timeout
        self._now = now
        self._reset: Path | None = None

    def start(self, env: str, check_ids: Sequence[str], *, at: float, pending: int | None = None) -> LedgerSnapshot:
        """Say that a run begins: whatever an earlier run found no longer makes the bot ready.

        Args:
            env: Where it runs.
            check_ids: Every configured check; what is not among them leaves the `.prom`, its counters the
                ledger keeps.
            at: Unix seconds.
            pending: How many alerts wait in the spool; None leaves what is known.
        """
        catalogue.label_value("env", env)
        checks = tuple(catalogue.label_value("check", check_id) for check_id in check_ids)
        if len(set(checks)) != len(checks):
            raise ValueError(f"check ids are not unique: {', '.join(checks)}")

        def change(state: State) -> None:
            state.checks = checks
            state.forget(catalogue.CHECK_STATUS, but=checks)
            self._begin(state, at)
            _set_pending(state, pending)

        def alone(state: State) -> None:
            change(state)
            _unsuccessful(state)  # a run whose start the ledger does not take cannot end in GO

        self._withdraw_ready(env, at)
        return self._commit(env, change, alone=alone)

    def record(self, run: RunRecord, *, pending: int | None = None) -> LedgerSnapshot:
        """Write down a finished run. `check_status` afterwards is that of the run that ended last.

        A run that waited for the lock while one that ended later was recorded is counted, and changes no gauge; one
        during which another began makes nothing ready: that one may be about to find the opposite.

        Args:
            run: What it has to tell.
            pending: How many alerts wait in the spool; None leaves what is known.
        """

        def change(state: State) -> None:
            moment = self._now()
            state.add(catalogue.RUNS, 1)
            state.observe(catalogue.DURATION, run.duration_seconds)
            for check_id, status in run.checks.items():
                state.add(catalogue.CHECKS, 1, check_id, status)
            for row in catalogue.MEASURES:
                seconds = run.timings.get(row.check, {}).get(row.timing)
                if seconds is not None:
                    state.observe(row.metric, seconds, *row.labels.values())
            if run.success and not _overtaken(state, catalogue.LAST_SUCCESS_TIME, run.ended_at, moment):
                state.set(catalogue.LAST_SUCCESS_TIME, run.ended_at)
            if not _overtaken(state, catalogue.LAST_RUN, run.ended_at, moment):
                _show(state, run, moment)
            _set_pending(state, pending)

        def alone(state: State) -> None:
            moment = self._now()
            if not _overtaken(state, catalogue.LAST_RUN, run.ended_at, moment):
                _show(state, run, moment)
                _unsuccessful(state)
            _set_pending(state, pending)

        return self._commit(run.env, change, alone=alone)

    def record_alerts(self, env: str, outcomes: Mapping[tuple[str, str], int], *, pending: int) -> LedgerSnapshot:
        """Write down what became of a run's alerts.

        Args:
            env: Where it ran.
            outcomes: (P0 to P3, sent, throttled, spooled or failed) -> how many.
            pending: How many wait in the spool now.
        """

        def change(state: State) -> None:
            for (severity, outcome), count in outcomes.items():
                state.add(catalogue.ALERTS, count, severity, outcome)
            _set_pending(state, pending)

        return self._commit(env, change)

    def transact(self, env: str, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do something with the tables that hold no metric, in one transaction; the `.prom` is left alone.

        Args:
            env: Where the run is.
            work: See `LedgerFile.transact`.
        """
        from preflight.record.ledgerfile import hold  # noqa: PLC0415 - sqlite3, which `--help` should not pay for

        catalogue.label_value("env", env)
        with hold(self._path, self._lock_timeout) as file:
            try:
                return file.transact(work)
            finally:
                self._reset = file.set_aside or self._reset

    def mark_unsuccessful(self, env: str) -> LedgerSnapshot:
        """Take back what the last run of an env said: last_success and ready_for_live become 0."""
        return self._commit(env, _unsuccessful, alone=_unsuccessful)

    def _withdraw_ready(self, env: str, at: float) -> None:
        """Take a yes out of the `.prom` before anything is waited for: the ledger may be long in coming."""
        directory = self._textfile_dir
        if directory is None:
            return
        with suppress(OSError, TextfileError):  # the start itself, which follows, meets the same and tells it
            known = previous.parse(textfile.read(directory, env), env, gauges=True)
            if known is not None and known.values.get((catalogue.READY_FOR_LIVE,)) == 1:
                self._publish_alone(env, directory, lambda state: self._begin(state, at))

    def _begin(self, state: State, at: float) -> None:
        if not _overtaken(state, catalogue.LAST_START, at, self._now()):
            state.set(catalogue.LAST_START, at)
        state.set(catalogue.READY_FOR_LIVE, 0)

    def _commit(
        self, env: str, change: Callable[[State], None], *, alone: Callable[[State], None] | None = None
    ) -> LedgerSnapshot:
        """Change the numbers and publish them.

        Args:
            env: Whose.
            change: See `LedgerFile.update`.
            alone: Where the ledger cannot be had, changes what stands in the `.prom`. None leaves that as it is.
        """
        from preflight.record.ledgerfile import hold  # noqa: PLC0415 - sqlite3, which `--help` should not pay for

        catalogue.label_value("env", env)
        changed = False
        try:
            with hold(self._path, self._lock_timeout) as file:
                try:
                    state = file.update(env, change)
                finally:
                    self._reset = file.set_aside or self._reset
                changed, target = True, None
                if self._textfile_dir is not None:
                    target, state = self._publish(file, state, self._textfile_dir)
        except ValueError:
            raise  # a mistake of the caller, who takes back what it published
        except Exception as e:
            if not changed and alone is not None and self._textfile_dir is not None:
                try:
                    self._publish_alone(env, self._textfile_dir, alone)
                except TextfileError as second:
                    raise (type(e) if isinstance(e, LedgerError) else LedgerError)(
                        message("{error}; nor can the metrics file say so: {second}", error=e, second=second)
                    ) from e
            raise
        return LedgerSnapshot(samples=metrics.samples(state), textfile=target, reset=self._reset)

    def _publish(self, file: LedgerFile, state: State, directory: Path) -> tuple[Path, State]:
        """Publish what the ledger says, as far as `standing` lets it; give where, and what."""
        shown = state

        def make(raw: bytes | None) -> bytes:
            nonlocal shown
            shown = previous.reconcile(state, previous.parse(raw, state.env, gauges=True), self._now())
            return metrics.render(shown)

        try:
            return textfile.publish(directory, state.env, make), shown
        except Exception as e:
            # Whatever went wrong, nobody can audit this run: the next `.prom` must not call it a success.
            try:
                state = file.update(state.env, _unsuccessful)
            except LedgerError as second:
                raise TextfileError(
                    message(
                        "{error}; nor can the ledger say that the run does not count: {second}", error=e, second=second
                    )
                ) from e
            if isinstance(e, textfile.UnsyncedError):
                with suppress(TextfileError):  # the first error is the one to tell
                    textfile.publish(directory, state.env, make)
            if not overwrite.take_back(directory, state.env):
                raise _not_taken_back(e) from e
            raise

    def _publish_alone(self, env: str, directory: Path, change: Callable[[State], None]) -> None:
        """Publish what stands in the `.prom` with a change, without the ledger.

        Raises:
            TextfileError: It cannot be replaced. What it says of an earlier run is taken back all the same where a
                byte can be written.
        """

        def make(raw: bytes | None) -> bytes:
            known = previous.parse(raw, env)
            state = State(env) if known is None else known
            change(state)
            return metrics.render(state, counters=(catalogue.RUNS,) in state.values)

        try:
            textfile.publish(directory, env, make)
        except Exception as e:
            if not overwrite.take_back(directory, env):
                raise _not_taken_back(e) from e
            raise


def _not_taken_back(error: Exception) -> TextfileError:
    return TextfileError(message("{error}; it still says what an earlier run found", error=error))


def _show(state: State, run: RunRecord, now: float) -> None:
    """Let the gauges say what the run that ended last found."""
    if run.checks:  # a run whose gate broke before any check says nothing about the configuration
        state.checks = tuple(run.checks)
    state.forget(catalogue.CHECK_STATUS)
    for check_id, status in run.checks.items():
        state.set(catalogue.CHECK_STATUS, catalogue.STATUS_CODE[status], check_id)
    state.set(catalogue.LAST_RUN, run.ended_at)
    state.set(catalogue.LAST_SUCCESS, int(run.success))
    # Another run may have begun meanwhile; and the ledger may have been replaced since this one did.
    another_began = _overtaken(state, catalogue.LAST_START, run.started_at, now)
    state.set(catalogue.READY_FOR_LIVE, int(run.ready_for_live and not another_began))
    if not another_began:
        state.set(catalogue.LAST_START, run.started_at)


def _overtaken(state: State, name: str, at: float, now: float) -> bool:
    """Whether a later moment than `at` stands there. One after `now` does not count: the clock was set back since."""
    return at < state.values.get((name,), 0.0) <= now


def _set_pending(state: State, pending: int | None) -> None:
    if pending is None:
        return
    if pending < 0:
        raise ValueError(f"{pending} alerts cannot be pending")
    state.set(catalogue.ALERTS_PENDING, pending)


def _unsuccessful(state: State) -> None:
    state.set(catalogue.LAST_SUCCESS, 0)
    state.set(catalogue.READY_FOR_LIVE, 0)
