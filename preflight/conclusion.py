"""What is done with a run whose checks have ended: steps, what each failure means, and the verdict that follows.

Keep the P0 if there is one, record, send the alerts, write the report, show it. Whatever goes wrong on the way makes
the verdict worse, never better. Then what was published before it went wrong is taken back, and what was said is said
again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from preflight.config.plain_http import notes_of
from preflight.config.settings import Settings
from preflight.errors import Interrupted, RecordError, TextfileError
from preflight.message import message
from preflight.model import AlertSummary, Mode, Report, Status, Verdict, decide
from preflight.record.ledger import Ledger, RunRecord
from preflight.redaction import scrub

if TYPE_CHECKING:
    from preflight.alerts.announcer import Announces


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the command line asked for beyond the settings."""

    mode: Mode = Mode.REAL
    only: tuple[str, ...] = ()
    waivers: Mapping[str, str] = field(default_factory=dict)  # check id -> reason
    strict: bool = False
    metrics: bool = True
    alerts: bool = True
    output: str | None = None  # where the report is written, for the alerts


class MakeAnnouncer(Protocol):
    """What makes the announcer of one run."""

    def __call__(
        self,
        *,
        settings: Settings,
        ledger: Ledger,
        output: str | None,
        warn: Callable[[str], None],
        now: Callable[[], float],
    ) -> Announces:
        """Make it; no I/O."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run as far as it has come: its report, and what the verdict is made from beside the results."""

    report: Report
    broken: str | None = None  # what broke in the gate itself
    troubles: tuple[str, ...] = ()  # why the run is not recorded
    withheld: tuple[str, ...] = ()  # why what was found can no longer be relied on
    unsent: tuple[str, ...] = ()  # messages that Telegram did not take
    notes: tuple[str, ...] = ()  # what the report says that no check says
    on_record: bool = False  # it is in the ledger and the `.prom`
    stands: bool = False  # ledger or `.prom` may call it a success
    said: bool = False  # its alerts were sent, or should have been
    written: bool = False  # its report was written, or should have been

    def troubled(self, *reasons: str) -> Run:
        """Return the run with reasons why it is not recorded, each once: what fails at first mostly fails again."""
        return replace(self, troubles=tuple(dict.fromkeys((*self.troubles, *reasons))))

    def with_report(self, **changes: Any) -> Run:
        """Return the run with a report that says something else."""
        return replace(self, report=replace(self.report, **changes))


class RunStep(NamedTuple):
    """One thing that is done with a run, and what it means that it could not be done."""

    do: Callable[[Conclusion, Run], Run]
    failed: Callable[[Conclusion, Run, BaseException], Run]


@dataclass(slots=True, kw_only=True)
class Conclusion:
    """Everything that concluding one run needs, handed in."""

    settings: Settings
    options: RunOptions
    expected: AbstractSet[str]  # ids of every check that a real run has
    ledger: Ledger | None  # None: the run is not recorded, and says nothing
    write_report: Callable[[Report], None]
    show: Callable[[Report], None]
    warn: Callable[[str], None]
    make_announcer: MakeAnnouncer | None
    overrides: tuple[str, ...]
    notes: tuple[str, ...]
    now: Callable[[], float]
    _announcer: Announces | None = None  # made when it is first needed

    def conclude(self, run: Run) -> Run:
        """Take every step, and return how the run ended."""
        run = self._concluded(run)
        for step in _STEPS if self.ledger is not None else _STEPS_UNRECORDED:
            before = run.report.decision.exit_code
            run = self._concluded(self._guarded(step, run))
            if run.report.decision.exit_code != before:  # nothing makes it better
                run = self._say_again(run)
        return run

    def reconsider(self, run: Run) -> Run:
        """Conclude anew from a run that says something else by now; take it back and say so if it is no GO any more."""
        run = self._concluded(run)
        if run.report.decision.verdict is Verdict.GO:
            return run
        if self.ledger is not None:
            run = self._concluded(self._guarded(KEEP, run))
        return self._say_again(replace(run, stands=True, said=self.ledger is not None, written=True))

    def withdraw(self) -> None:
        """Have ledger and `.prom` call the run no success, where they can be reached."""
        if self.ledger is not None:
            with contextlib.suppress(RecordError):
                self.ledger.mark_unsuccessful(self.settings.env.value)

    def _guarded(self, step: RunStep, run: Run) -> Run:
        """Take one step; whatever stops it means what the step says."""
        try:
            return step.do(self, run)
        except (Exception, SystemExit, KeyboardInterrupt, Interrupted) as e:  # noqa: BLE001 - must not cost the report
            return step.failed(self, run, e)

    def _say_again(self, run: Run) -> Run:
        """Take back what stands of a run that got worse, and say what the verdict has become."""
        for _ in range(2):  # saying it can make it worse once more
            run = self._concluded(self._take_back(run))
            before = run.report.decision.exit_code
            if run.said:
                run = self._concluded(self._guarded(ANNOUNCE, run))
            if run.report.decision.exit_code == before:
                break
        if run.written:
            with contextlib.suppress(Exception):  # that it cannot be written is known by now
                self.write_report(run.report)
        return run

    def _take_back(self, run: Run) -> Run:
        """Have ledger and `.prom` call the run no success."""
        if self.ledger is None or not run.stands:
            return run
        try:
            snapshot = self.ledger.mark_unsuccessful(self.settings.env.value)
        except RecordError as worse:
            return replace(run.troubled(str(worse)), stands=False)
        run = replace(run, stands=False)
        return run.with_report(samples=snapshot.samples) if run.on_record else run

    def _concluded(self, run: Run) -> Run:
        """Return the run with the verdict that all of it gives."""
        decision = decide(
            run.report.results,
            env=self.settings.env,
            mode=self.options.mode,
            expected=self.expected,
            strict=self.options.strict,
            recorded=not run.troubles,
            broken=run.broken,
            overridden=self.settings.overridden or bool(self.overrides),
            withheld=run.withheld,
            unsent=run.unsent,
        )
        return run.with_report(
            decision=replace(decision, reasons=(*decision.reasons, *run.troubles)),
            recorded=run.on_record and not run.troubles,
            notes=(*run.notes, *self.notes, *notes_of(self.settings)),
        )

    # --- the steps, and what it means that one could not be taken -------------------------------------------

    def _keep(self, run: Run) -> Run:
        """Put the P0 of a run on the disk before the run is on record: a crash in between must not swallow it."""
        if self.options.alerts and self.ledger is not None:
            self.announcer(self.ledger).keep(run.report)
        return run

    def _not_kept(self, run: Run, error: BaseException) -> Run:
        if isinstance(error, Exception):  # then it is kept, or sent, after the record
            self.warn(message("the alert could not be kept before the record ({kind})", kind=type(error).__name__))
            return run
        return run.troubled(message("alerting was interrupted ({kind})", kind=type(error).__name__))

    def _record(self, run: Run) -> Run:
        if self.ledger is None:
            return run
        snapshot = self.ledger.record(_run_record(run.report), pending=pending(self.settings))
        run = replace(run, on_record=True, stands=True)
        if not run.notes:
            run = mention_reset(run, snapshot.reset)  # damaged while the checks ran
        return run.with_report(
            samples=snapshot.samples, textfile=None if snapshot.textfile is None else str(snapshot.textfile)
        )

    def _not_recorded(self, run: Run, error: BaseException) -> Run:
        refused = isinstance(error, RecordError)
        run = run.troubled(str(error) if refused else told(self.settings, error))
        run = replace(run, stands=not refused)  # it may have been written before something else came
        return run if isinstance(error, TextfileError) else run.with_report(ledger=None)

    def _announce(self, run: Run) -> Run:
        """Send the alerts. What goes wrong with that can make the verdict worse; then that is said as well."""
        if self.ledger is None:
            return run
        if not self.options.alerts:
            return run.with_report(alerts=AlertSummary(reason=message("--no-alerts")))
        earlier = run.report.alerts
        announced = self.announcer(self.ledger).announce(run.report)
        summary = replace(
            announced.summary,
            items=(*earlier.items, *announced.summary.items),
            troubles=(*earlier.troubles, *announced.summary.troubles),
        )
        run = replace(run.with_report(alerts=summary), said=True)
        if announced.snapshot is not None:
            run = run.with_report(samples=announced.snapshot.samples)
        if announced.broken is not None:  # what this run said cannot be relied on
            run = run.troubled(announced.broken)
        if announced.unpublished is not None:
            run = replace(run.troubled(announced.unpublished), stands=False)
        # The run itself says which messages Telegram did not take; under `--strict` that costs a GO.
        return replace(run, unsent=tuple(dict.fromkeys((*run.unsent, *announced.unsent))))

    def _not_announced(self, run: Run, error: BaseException) -> Run:
        # `announce` itself says what it knows when it is interrupted; this is for what it could not catch.
        trouble = message("alerting was interrupted ({kind})", kind=type(error).__name__)
        self.warn(trouble)
        earlier = run.report.alerts
        summary = replace(earlier, enabled=True, reason="", troubles=(*earlier.troubles, trouble))
        return replace(run.with_report(alerts=summary), said=True).troubled(trouble)

    def _write(self, run: Run) -> Run:
        """Write the report where it was asked for."""
        self.write_report(run.report)
        return replace(run, written=True)

    def _not_written(self, run: Run, error: BaseException) -> Run:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        # A run whose report is lost is not one that can be audited.
        return replace(run, written=True).troubled(
            message("--output: the report cannot be written: {reason}", reason=reason)
        )

    def _show(self, run: Run) -> Run:
        self.show(run.report)
        return run

    def _not_shown(self, run: Run, error: BaseException) -> Run:
        # A GO that was told to no one must not stand anywhere else either.
        return replace(
            run,
            broken=run.broken or message("the run could not be shown: {error}", error=told(self.settings, error)),
        )

    def announcer(self, ledger: Ledger) -> Announces:
        """Return what announces the run; made once."""
        if self._announcer is None:
            from preflight.alerts.announcer import Announcer  # noqa: PLC0415 - for real runs only

            make: MakeAnnouncer = self.make_announcer or Announcer
            self._announcer = make(
                settings=self.settings, ledger=ledger, output=self.options.output, warn=self.warn, now=self.now
            )
        return self._announcer


KEEP = RunStep(Conclusion._keep, Conclusion._not_kept)
RECORD = RunStep(Conclusion._record, Conclusion._not_recorded)
ANNOUNCE = RunStep(Conclusion._announce, Conclusion._not_announced)
WRITE = RunStep(Conclusion._write, Conclusion._not_written)
SHOW = RunStep(Conclusion._show, Conclusion._not_shown)
_STEPS = (KEEP, RECORD, ANNOUNCE, WRITE, SHOW)
_STEPS_UNRECORDED = (WRITE, SHOW)  # of a dry run or a part of the checks


def pending(settings: Settings) -> int:
    """Count the P0s that wait: what the gauge says must not be older than the run that publishes it."""
    from preflight.alerts.spool import Spool  # noqa: PLC0415 - for real runs only

    return Spool(settings.spool_dir).pending(settings.env.value)


def told(settings: Settings, error: BaseException) -> str:
    """Return what was raised, without the secrets that libraries put into their messages."""
    return scrub(f"{type(error).__name__}: {error}".rstrip(": "), settings.secret_values())


def mention_reset(run: Run, aside: Path | None) -> Run:
    """Make a ledger that was set aside a WARN of `storage`, whose subject it is."""
    if aside is None:
        return run
    note = message("the ledger was damaged and has been set aside as {aside}; counters begin at 0", aside=aside)
    results = tuple(
        replace(
            result,
            outcome=replace(
                result.outcome,
                status=Status.WARN,
                summary=note,
                hint=message("find out what damaged it (disk, a copy while it was in use) before the next live run"),
            ),
        )
        if result.id == "storage" and result.status is Status.PASS
        else result
        for result in run.report.results
    )
    return replace(run.with_report(results=results), notes=(*run.notes, note))


def _run_record(report: Report) -> RunRecord:
    return RunRecord(
        env=report.env.value,
        run_id=report.run_id,
        started_at=report.started_at,
        ended_at=report.ended_at,
        duration_seconds=report.duration_seconds,
        success=report.decision.verdict is Verdict.GO,
        ready_for_live=report.decision.ready_for_live,
        checks={result.id: result.status.value for result in report.results},
        timings={result.id: result.outcome.timings for result in report.results},
    )
