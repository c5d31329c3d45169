"""One run of the gate from start marker to report: what is done in which order, and what each failure means.

Order of a real run: fork the workers, publish the start (`ready_for_live 0`), let the checks go, conclude, keep the
P0 if there is one, record, send the alerts, write the report, show it. Whatever goes wrong on the way makes the verdict
worse, never better, and takes back what was published before it went wrong.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from preflight import __version__
from preflight.check import Check, Context
from preflight.config.plain_http import notes_of
from preflight.config.settings import Settings
from preflight.config.state_dirs import make_own_directories
from preflight.errors import Interrupted, RecordError, TextfileError
from preflight.message import Message, message
from preflight.model import AlertSummary, Decision, Mode, Outcome, Report, Result, Status, Verdict, decide, is_required
from preflight.record.ledger import Ledger, RunRecord, Snapshot
from preflight.redaction import scrub
from preflight.registry import Registry
from preflight.runner import OnResult, Runner

if TYPE_CHECKING:
    from preflight.alerts.spool import Entry
    from preflight.alerts.stage import Reserve, Speak


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


def new_run_id(now: float) -> str:
    """Give an id that sorts by time and does not repeat: `20261123T141500Z-1a2b3c4d`."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}"


@dataclass(slots=True, kw_only=True)
class Gate:
    """Everything one run needs, handed in.

    `write_report` puts the report where the user asked for it; if that fails the run counts as not recorded. `show`
    shows the run to whoever waits for it; if that fails nobody was told to go, and the gate counts as broken.
    """

    settings: Settings
    options: RunOptions
    registry: Registry
    environ: Mapping[str, str]
    cwd: Path
    on_result: OnResult = lambda _: None
    write_report: Callable[[Report], None] = lambda _: None
    show: Callable[[Report], None] = lambda _: None
    warn: Callable[[str], None] = lambda _: None  # is told at once what goes wrong with an alert
    reserve: Reserve | None = None  # None: `preflight.alerts.stage.reserve`
    speak: Speak | None = None  # None: `preflight.alerts.stage.speak`
    overrides: tuple[str, ...] = ()  # why a GO is not ready for live: what the settings weaken
    notes: tuple[str, ...] = ()  # what the report says of where the settings come from
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _troubles: list[str] = field(default_factory=list)  # why the run is not recorded
    _notes: list[str] = field(default_factory=list)
    _withheld: list[str] = field(default_factory=list)  # why what was found can no longer be relied on
    _unsent: list[str] = field(default_factory=list)  # messages that Telegram did not take
    _reserved: Entry | None = None  # the P0 of this run, kept before the run is on record

    def run(self) -> Report:
        """Run the gate once.

        Raises:
            UsageError: An id in `--only`, `--waive` or `check_timeouts` is unknown; nothing ran.
        """
        checks = self.registry.select(self.options.only)
        self.registry.must_know(self.options.waivers, "--waive")
        self.registry.must_know(self.settings.check_timeouts, "check_timeouts")
        started_at, begun = self.now(), self.monotonic()
        ctx = Context(
            settings=self.settings,
            mode=self.options.mode,
            run_id=new_run_id(started_at),
            environ=self.environ,
            cwd=self.cwd,
            metrics=self.options.metrics,
        )
        runner = Runner(
            checks,
            ctx,
            waivers=self.options.waivers,
            on_result=self.on_result,
            now=self.now,
            monotonic=self.monotonic,
        )
        ledger = self._ledger()
        broken: str | None = None
        snapshot: Snapshot | None = None
        try:
            runner.prepare()
            if ledger is not None:
                snapshot = self._publish_start(ledger, [check.id for check in checks], started_at)
                _speak()
            results = runner.run()
        except (Exception, SystemExit, KeyboardInterrupt, Interrupted) as e:  # noqa: BLE001 - it could not tell
            broken = self._told(e)
            results = self._fill_in(checks, runner.results(), broken)
        finally:
            runner.close()
        try:
            results = self._mention_reset(results, snapshot)
            report = Report(
                run_id=ctx.run_id,
                version=__version__,
                env=self.settings.env,
                mode=self.options.mode,
                strict=self.options.strict,
                decision=self._decide(results, broken),
                results=results,
                started_at=started_at,
                ended_at=self.now(),
                duration_seconds=self.monotonic() - begun,
                recorded=False,
                ledger=str(self.settings.ledger) if ledger is not None else None,
                textfile=None,
            )
            return self._conclude(ledger, report, broken)
        except BaseException:  # a signal between two steps that catch it: nothing may go on calling this run a success
            self._take_back(ledger)
            raise

    def reconsider(self, report: Report, *, results: Sequence[Result] = (), doubts: Sequence[str] = ()) -> Report:
        """Conclude anew from what was found after the run was shown; if it is no GO any more, take it back and say so.

        Args:
            report: What `run` gave.
            results: Checks that were asked again; each takes the place of the earlier one.
            doubts: Why the run can no longer be relied on, one sentence each.
        """
        anew = {result.id: result for result in results}
        merged = (*(anew.pop(result.id, result) for result in report.results), *anew.values())
        self._withheld.extend(doubts)
        report = replace(report, results=merged, decision=self._decide(merged, None))
        if report.decision.verdict is Verdict.GO:
            return report
        ledger = self._ledger()
        if ledger is not None:
            report = self._keep_p0(ledger, report, None)
            self._take_back(ledger)
            report = replace(report, decision=self._decide(merged, None))
        return self._say_anew(ledger, report, None)

    def _conclude(self, ledger: Ledger | None, report: Report, broken: str | None) -> Report:
        """Record the run, send its alerts, write and show its report."""
        if ledger is not None:
            report = self._keep_p0(ledger, report, broken)
            report = self._speak(ledger, self._record(ledger, report, broken), broken)
        code = report.decision.exit_code
        report = self._hand_over(ledger, report, broken)
        if report.decision.exit_code != code:
            report = self._say_anew(ledger, report, broken)
        return self._show(ledger, report, broken)

    def _ledger(self) -> Ledger | None:
        if self.options.mode is not Mode.REAL:
            return None
        if self.options.metrics and self.settings.textfile_dir is None:
            self._troubles.append(message("textfile_dir is not set, so there is nowhere to publish metrics"))
        make_own_directories(self.settings)
        return Ledger(
            self.settings.ledger,
            textfile_dir=self.settings.textfile_dir if self.options.metrics else None,
            lock_timeout=self.settings.ledger_timeout,
            now=self.now,
        )

    def _trouble(self, reason: str) -> None:
        """Note why the run is not recorded, once: what fails at the start mostly fails at the end as well."""
        if reason not in self._troubles:
            self._troubles.append(reason)

    def _pending(self) -> int:
        """Count the P0s that wait: what the gauge says must not be older than the run that publishes it."""
        from preflight.alerts.spool import Spool  # noqa: PLC0415 - for real runs only

        return Spool(self.settings.spool_dir).pending(self.settings.env.value)

    def _told(self, error: BaseException) -> str:
        """Give what was raised, without the secrets that libraries put into their messages."""
        return scrub(f"{type(error).__name__}: {error}".rstrip(": "), self.settings.secret_values())

    def _take_back(self, ledger: Ledger | None) -> Snapshot | None:
        """Have ledger and `.prom` call the run no success; give what they say now, None where that was not possible."""
        try:
            return None if ledger is None else ledger.mark_unsuccessful(self.settings.env.value)
        except RecordError as worse:
            self._trouble(str(worse))
            return None

    def _publish_start(self, ledger: Ledger, ids: Sequence[str], at: float) -> Snapshot | None:
        try:
            return ledger.start(self.settings.env.value, ids, at=at, pending=self._pending())
        except RecordError as e:
            self._trouble(str(e))
            return None

    def _fill_in(self, checks: Sequence[Check], done: Sequence[Result], broken: str) -> tuple[Result, ...]:
        """Complete the results of a run that broke half way: what had not ended could not tell."""
        known = {result.id: result for result in done}
        outcome = Outcome(
            status=Status.ERROR,
            summary=message("not finished: the gate itself stopped"),
            hint=message("run it again"),
            expected="an answer",
            actual=broken,
        )
        return tuple(
            known.get(check.id)
            or Result(id=check.id, outcome=outcome, required=is_required(check.id, self.settings.env))
            for check in checks
        )

    def _mention_reset(self, results: tuple[Result, ...], snapshot: Snapshot | None) -> tuple[Result, ...]:
        """Make a ledger that was set aside a WARN of `storage`, whose subject it is."""
        if snapshot is None or snapshot.reset is None:
            return results
        note = _reset_note(snapshot.reset)
        self._notes.append(note)
        return tuple(
            replace(
                result,
                outcome=replace(
                    result.outcome,
                    status=Status.WARN,
                    summary=note,
                    hint=message(
                        "find out what damaged it (disk, a copy while it was in use) before the next live run"
                    ),
                ),
            )
            if result.id == "storage" and result.status is Status.PASS
            else result
            for result in results
        )

    def _decide(self, results: tuple[Result, ...], broken: str | None) -> Decision:
        decision = decide(
            results,
            env=self.settings.env,
            mode=self.options.mode,
            expected=self.registry.ids,
            strict=self.options.strict,
            recorded=not self._troubles,
            broken=broken,
            overridden=self.settings.overridden or bool(self.overrides),
            withheld=self._withheld,
            unsent=self._unsent,
        )
        return replace(decision, reasons=(*decision.reasons, *self._troubles))

    def _keep_p0(self, ledger: Ledger, report: Report, broken: str | None) -> Report:
        """Put the P0 of a run on the disk before the run is on record: a crash in between must not swallow it."""
        if not self.options.alerts:
            return report
        try:
            reserve = self.reserve or _stage_reserve()
            self._reserved = reserve(
                self.settings, ledger, report, output=self.options.output, warn=self.warn, now=self.now
            )
        except Exception as e:  # noqa: BLE001 - then it is kept, or sent, after the record
            self.warn(f"the alert could not be kept before the record ({type(e).__name__})")
        except (SystemExit, KeyboardInterrupt, Interrupted) as e:
            self._trouble(message("alerting was interrupted ({kind})", kind=type(e).__name__))
            return replace(report, decision=self._decide(report.results, broken))
        return report

    def _record(self, ledger: Ledger, report: Report, broken: str | None) -> Report:
        try:
            snapshot = ledger.record(_run_record(report), pending=self._pending())
        except (Exception, SystemExit, KeyboardInterrupt, Interrupted) as e:  # noqa: BLE001 - must not cost the report
            self._trouble(str(e) if isinstance(e, RecordError) else self._told(e))
            if not isinstance(e, RecordError):
                self._take_back(ledger)  # it may have been written before that came
            ledger_only = isinstance(e, TextfileError)
            return replace(
                report,
                decision=self._decide(report.results, broken),
                ledger=report.ledger if ledger_only else None,
            )
        if snapshot.reset is not None and not self._notes:  # damaged while the checks ran
            report, snapshot = self._correct(ledger, report, broken, snapshot)
        return replace(
            report,
            recorded=not self._troubles,
            samples=snapshot.samples,
            textfile=None if snapshot.textfile is None else str(snapshot.textfile),
        )

    def _correct(
        self, ledger: Ledger, report: Report, broken: str | None, snapshot: Snapshot
    ) -> tuple[Report, Snapshot]:
        """Conclude again once the record itself told that the ledger was damaged."""
        results = self._mention_reset(report.results, snapshot)
        report = replace(report, results=results, decision=self._decide(results, broken))
        if report.decision.verdict is not Verdict.GO:  # what is on record by now may call it a success
            snapshot = self._take_back(ledger) or snapshot
            report = replace(report, decision=self._decide(results, broken))
        return report, snapshot

    def _speak(self, ledger: Ledger, report: Report, broken: str | None) -> Report:
        """Send the alerts. What goes wrong with that can make the verdict worse; then that is said as well."""
        if not self.options.alerts:
            return replace(report, alerts=AlertSummary(reason="--no-alerts"))
        for _ in range(2):
            verdict = report.decision.verdict
            report = self._speak_once(ledger, report, broken)
            if report.decision.verdict is verdict:
                break
        return report

    def _speak_once(self, ledger: Ledger, report: Report, broken: str | None) -> Report:
        said = report.alerts
        try:
            speak = self.speak or _speak()
            spoken = speak(
                self.settings,
                ledger,
                report,
                output=self.options.output,
                warn=self.warn,
                now=self.now,
                reserved=self._reserved,
            )
            self._reserved = None  # used up: what is said after this is kept anew
        except (Exception, SystemExit, KeyboardInterrupt, Interrupted) as e:  # noqa: BLE001 - must not cost the report
            # `speak` itself gives what it knows when it is interrupted; this is for what it could not catch.
            trouble = message("alerting was interrupted ({kind})", kind=type(e).__name__)
            self.warn(trouble)
            report = replace(report, alerts=replace(said, enabled=True, reason="", troubles=(*said.troubles, trouble)))
            return self._unrecorded(ledger, report, broken, trouble)
        summary = replace(
            spoken.summary,
            items=(*said.items, *spoken.summary.items),
            troubles=(*said.troubles, *spoken.summary.troubles),
        )
        report = replace(report, alerts=summary)
        if spoken.snapshot is not None:
            report = replace(report, samples=spoken.snapshot.samples)
        if spoken.broken is not None:
            return self._unrecorded(ledger, report, broken, spoken.broken)
        if spoken.unpublished is not None:
            self._trouble(spoken.unpublished)
            return replace(report, decision=self._decide(report.results, broken), recorded=False)
        return self._mention_unsent(ledger, report, spoken.unsent, broken)

    def _mention_unsent(self, ledger: Ledger, report: Report, unsent: Sequence[str], broken: str | None) -> Report:
        """Have the run itself say which messages Telegram did not take; under `--strict` that costs a GO."""
        self._unsent.extend(sentence for sentence in unsent if sentence not in self._unsent)
        was_go = report.decision.verdict is Verdict.GO
        report = replace(report, decision=self._decide(report.results, broken))
        if not was_go or report.decision.verdict is Verdict.GO:
            return report
        snapshot = self._take_back(ledger)  # it is on record as a success
        samples = report.samples if snapshot is None else snapshot.samples
        return replace(
            report, decision=self._decide(report.results, broken), samples=samples, recorded=not self._troubles
        )

    def _unrecorded(self, ledger: Ledger, report: Report, broken: str | None, trouble: str) -> Report:
        """Conclude that alerting did not end as it should: nobody can rely on what this run said."""
        self._trouble(trouble)
        with contextlib.suppress(RecordError):
            report = replace(report, samples=ledger.mark_unsuccessful(self.settings.env.value).samples)
        return replace(report, decision=self._decide(report.results, broken), recorded=False)

    def _hand_over(self, ledger: Ledger | None, report: Report, broken: str | None) -> Report:
        """Write the report where it was asked for; a run whose report is lost is not one that can be audited."""
        report = replace(report, notes=(*self._notes, *self.notes, *notes_of(self.settings)))
        try:
            self.write_report(report)
        except (Exception, SystemExit, KeyboardInterrupt, Interrupted) as e:  # noqa: BLE001 - whatever kept it away
            reason = getattr(e, "strerror", None) or str(e) or type(e).__name__
            self._troubles.append(message("--output: the report cannot be written: {reason}", reason=reason))
            self._take_back(ledger if report.recorded else None)
            return replace(report, decision=self._decide(report.results, broken), recorded=False)
        return report

    def _show(self, ledger: Ledger | None, report: Report, broken: str | None) -> Report:
        """Show the run. A GO that nobody could be told must not stand anywhere else either."""
        try:
            self.show(report)
        except (Exception, SystemExit, KeyboardInterrupt, Interrupted) as e:  # noqa: BLE001 - whatever kept it away
            self._take_back(ledger if report.recorded else None)
            code, broken = (
                report.decision.exit_code,
                broken or message("the run could not be shown: {error}", error=self._told(e)),
            )
            report = replace(report, decision=self._decide(report.results, broken))
            if report.decision.exit_code != code:
                report = self._say_anew(ledger, report, broken)
        return report

    def _say_anew(self, ledger: Ledger | None, report: Report, broken: str | None) -> Report:
        """Say what the verdict has become: the alerts, and perhaps a written report, tell of another one."""
        if ledger is not None:
            report = self._speak(ledger, report, broken)
        with contextlib.suppress(Exception):  # that it cannot be written is known by now
            self.write_report(report)
        return report


def _speak() -> Speak:
    from preflight.alerts.stage import speak  # noqa: PLC0415 - loaded while the checks' processes load theirs

    return speak


def _stage_reserve() -> Reserve:
    from preflight.alerts.stage import reserve  # noqa: PLC0415 - as above

    return reserve


def _reset_note(aside: Path) -> Message:
    return message("the ledger was damaged and has been set aside as {aside}; counters begin at 0", aside=aside)


def _run_record(report: Report) -> RunRecord:
    timings = {result.id: result.outcome.timings for result in report.results}
    redis, postgres = timings.get("redis", {}), timings.get("postgres", {})
    return RunRecord(
        env=report.env.value,
        run_id=report.run_id,
        started_at=report.started_at,
        ended_at=report.ended_at,
        duration_seconds=report.duration_seconds,
        success=report.decision.verdict is Verdict.GO,
        ready_for_live=report.decision.ready_for_live,
        checks={result.id: result.status.value for result in report.results},
        redis_latency={name: (redis[name],) for name in ("ping", "set", "get") if name in redis},
        postgres_latency=(postgres["select"],) if "select" in postgres else (),
    )
