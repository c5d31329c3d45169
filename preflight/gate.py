"""One run of the gate from start marker to report: what is done in which order, and what each failure means.

Order of a real run: fork the workers, publish the start (`ready_for_live 0`), let the checks go, conclude, keep the
P0 if there is one, record, send the alerts, write the report, show it. Whatever goes wrong on the way makes the verdict
worse, never better. Then what was published before it went wrong is taken back, and what was said is said again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from preflight import __version__
from preflight.check import Check, Context
from preflight.conclusion import Conclusion, MakeAnnouncer, Run, RunOptions, mention_reset, pending, told
from preflight.config.settings import Settings
from preflight.config.state_dirs import make_own_directories
from preflight.errors import Interrupted, RecordError
from preflight.message import message
from preflight.model import EXIT_UNVERIFIED, Decision, Mode, Outcome, Report, Result, Status, Verdict, is_required
from preflight.record.ledger import Ledger
from preflight.registry import Registry
from preflight.runner import OnResult, Runner


def new_run_id(now: float) -> str:
    """Give an id that sorts by time and does not repeat: `20261123T141500Z-1a2b3c4d`."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}"


@dataclass(slots=True, kw_only=True)
class Gate:
    """Everything one run needs, handed in.

    `write_report` puts the report where the user asked for it; if that fails the run counts as not recorded. `show`
    shows the run to the person or program that waits for it; if that fails the gate counts as broken.
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
    make_announcer: MakeAnnouncer | None = None  # None: `preflight.alerts.announcer.Announcer`
    overrides: tuple[str, ...] = ()  # why a GO is not ready for live: what the settings weaken
    notes: tuple[str, ...] = ()  # what the report says of where the settings come from
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _conclusion: Conclusion | None = None  # of the run
    _last: Run | None = None  # how the run ended

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
        ledger, troubles = self._open_ledger()
        conclusion = self._conclusion = self._conclude_with(ledger)
        results, broken, reset = self._ask(checks, ctx, started_at, conclusion, troubles)
        try:
            report = Report(
                run_id=ctx.run_id,
                version=__version__,
                env=self.settings.env,
                mode=self.options.mode,
                strict=self.options.strict,
                decision=_UNDECIDED,
                results=results,
                started_at=started_at,
                ended_at=self.now(),
                duration_seconds=self.monotonic() - begun,
                recorded=False,
                ledger=None if ledger is None else str(self.settings.ledger),
            )
            run = mention_reset(Run(report=report, broken=broken, troubles=tuple(troubles)), reset)
            self._last = conclusion.conclude(run)
        except BaseException:  # a signal between two steps: nothing may go on calling this run a success
            conclusion.withdraw()
            raise
        return self._last.report

    def reconsider(self, report: Report, *, results: Sequence[Result] = (), doubts: Sequence[str] = ()) -> Report:
        """Conclude anew from what was found after the run was shown; if it is no GO any more, take it back and say so.

        Args:
            report: What `run` returned.
            results: Checks that were asked again; each takes the place of the earlier one.
            doubts: Why the run can no longer be relied on, one sentence each.
        """
        anew = {result.id: result for result in results}
        merged = (*(anew.pop(result.id, result) for result in report.results), *anew.values())
        known = self._last or Run(report=report)
        run = replace(known, report=replace(report, results=merged), withheld=(*known.withheld, *doubts))
        conclusion = self._conclusion or self._conclude_with(self._open_ledger()[0])
        self._last = conclusion.reconsider(run)
        return self._last.report

    def _ask(
        self, checks: Sequence[Check], ctx: Context, started_at: float, conclusion: Conclusion, troubles: list[str]
    ) -> tuple[tuple[Result, ...], str | None, Path | None]:
        """Run the checks; return their results, what broke on the way, and where a damaged ledger went."""
        runner = Runner(
            checks,
            ctx,
            waivers=self.options.waivers,
            on_result=self.on_result,
            now=self.now,
            monotonic=self.monotonic,
        )
        reset: Path | None = None
        try:
            runner.prepare()
            ledger = conclusion.ledger
            if ledger is not None:
                try:
                    ids, waiting = [check.id for check in checks], pending(self.settings)
                    reset = ledger.start(self.settings.env.value, ids, at=started_at, pending=waiting).reset
                except RecordError as e:
                    troubles.append(str(e))
                conclusion.announcer(ledger)  # loaded while the checks' processes load what they need
            return runner.run(), None, reset
        except (Exception, SystemExit, KeyboardInterrupt, Interrupted) as e:  # noqa: BLE001 - it could not tell
            broken = told(self.settings, e)
            return self._fill_in(checks, runner.results(), broken), broken, reset
        finally:
            runner.close()

    def _conclude_with(self, ledger: Ledger | None) -> Conclusion:
        return Conclusion(
            settings=self.settings,
            options=self.options,
            expected=self.registry.ids,
            ledger=ledger,
            write_report=self.write_report,
            show=self.show,
            warn=self.warn,
            make_announcer=self.make_announcer,
            overrides=self.overrides,
            notes=self.notes,
            now=self.now,
        )

    def _open_ledger(self) -> tuple[Ledger | None, list[str]]:
        """Make the ledger of a real run, and say why the run cannot be recorded as it should be."""
        if self.options.mode is not Mode.REAL:
            return None, []
        make_own_directories(self.settings)
        ledger = Ledger(
            self.settings.ledger,
            textfile_dir=self.settings.textfile_dir if self.options.metrics else None,
            lock_timeout=self.settings.ledger_timeout,
            now=self.now,
        )
        if self.options.metrics and self.settings.textfile_dir is None:
            return ledger, [message("textfile_dir is not set, so there is nowhere to publish metrics")]
        return ledger, []

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


_UNDECIDED = Decision(verdict=Verdict.UNVERIFIED, exit_code=EXIT_UNVERIFIED, reasons=(), ready_for_live=False)
