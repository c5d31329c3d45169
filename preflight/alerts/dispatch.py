"""What a run does about its alerts, in order: keep, send what waits, send its own, write the rows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from preflight.alerts import message, policy
from preflight.alerts.alert import Alert, Severity
from preflight.alerts.clock import Moment, Uptime, uptime
from preflight.alerts.outbox import Outbox, Own, Stop, row_of
from preflight.alerts.policy import Draft
from preflight.alerts.spool import Content, Entry
from preflight.alerts.throttle import Claim
from preflight.config.settings import Settings
from preflight.errors import RecordError
from preflight.model import AlertItem, AlertSummary, Report, Status
from preflight.record.ledger import Ledger

_ROW_WAS_SKIPPED = "the postgres check of this run did not pass; the row waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched:
    """What became of a run's alerts, and what the counters grow by."""

    summary: AlertSummary
    counts: Mapping[tuple[str, str], int]  # (severity, outcome) -> how many
    unsent: tuple[str, ...] = ()  # those of the troubles that are messages which Telegram did not take


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """Everything one run needs to speak up, handed in."""

    settings: Settings
    ledger: Ledger
    outbox: Outbox
    clean: Callable[[str], str]  # takes secrets out of a text
    output: str | None = None  # where the run's report is written
    reserved: Entry | None = None  # the P0 of this run, as `reserve` kept it before the run was on record
    warn: Callable[[str], None] = lambda _: None  # is told at once what goes wrong
    now: Callable[[], float] = time.time
    uptime: Callable[[], Uptime] = uptime
    _items: list[AlertItem] = field(default_factory=list)
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _troubles: list[str] = field(default_factory=list)
    _unsent: list[str] = field(default_factory=list)  # as of `Dispatched`
    _stop: Stop = field(default_factory=Stop)  # why what waits could not be sent, if it could not

    def dispatch(self, report: Report) -> Dispatched:
        """Say what the run has to say. Raises nothing on purpose; what goes wrong is in the summary."""
        self.outbox.trouble = self._trouble
        draft = policy.classify(report, self.settings.alerts)
        if draft is not None:
            match draft.severity:
                case Severity.P0:
                    self._urgent(draft, report)
                case Severity.P1:
                    self._warning(draft, report)
                case _:
                    self._quiet(draft, report)
            self._write_rows(report)
        return self._done()

    def broken_off(self, report: Report, why: str) -> Dispatched:
        """Conclude after `dispatch` raised: what is known stays known, and a P0 is looked for, or kept now.

        Args:
            report: What `dispatch` was given.
            why: One sentence, without a secret.
        """
        self.outbox.trouble = self._trouble
        self._stop = Stop(reason=why)
        self._trouble(why)
        draft = policy.classify(report, self.settings.alerts)
        if draft is not None:
            alert = self._compose(draft, report)
            if alert.id not in {item.id for item in self._items if not item.replayed}:
                if alert.severity is Severity.P0:
                    self._leave(alert, self.reserved or self.outbox.find(alert.id))
                else:
                    self._note(alert, "failed", why)
        return self._done()

    def _done(self) -> Dispatched:
        return Dispatched(
            summary=AlertSummary(
                enabled=True,
                reason="",
                items=tuple(self._with_row(item) for item in self._items),
                pending=self.outbox.count(Content.P0),
                rows_pending=self.outbox.count(Content.ROW),
                troubles=tuple(self._troubles),
            ),
            counts=dict(self._counts),
            unsent=tuple(self._unsent),
        )

    def reserve(self, report: Report) -> Entry | None:
        """Keep the P0 of a run that is about to be recorded; None where it has none, or it cannot be kept.

        Whoever dies between the record and the sending then leaves a message that waits, not a NO_GO that nobody is
        told of.
        """
        self.outbox.trouble = self._trouble
        draft = policy.classify(report, self.settings.alerts)
        if draft is None or draft.severity is not Severity.P0:
            return None
        return self.outbox.keep(self._compose(draft, report))

    def _urgent(self, draft: Draft, report: Report) -> None:
        """P0: on the disk first; then what waits, which this one ends."""
        alert = self._compose(draft, report, held_back=self._held_back(report))
        # What this run said before, where that still waits, gives its place to what it says now.
        entry = self.reserved or self.outbox.find(alert.id) or self.outbox.keep(alert)
        if entry is None:
            self._send_unkept(alert)
            self._drain(self.settings.telegram.timeout)
        elif entry.path not in self._drain(self.settings.telegram.deadline, own=Own(entry=entry, alert=alert)):
            self._leave(alert, entry)

    def _send_unkept(self, alert: Alert) -> None:
        """Send a P0 that the spool does not take."""
        text = message.render(alert, self.settings.alerts.lang)
        delivery = self.outbox.sender.send(text, budget=self.settings.telegram.deadline)
        outcome = "sent" if delivery.accepted else "failed"
        self._note(alert, outcome, delivery.reason)
        if not delivery.accepted:
            self._trouble(f"{alert.id} is lost: it could be neither kept nor sent: {delivery.reason}")
        self.outbox.keep_row(row_of(alert, outcome, self.settings.alerts.lang))

    def _leave(self, alert: Alert, entry: Entry | None) -> None:
        """Say where a P0 is that this run did not send: with another run, in the spool, or nowhere."""
        if entry is None and self.reserved is None:
            entry = self.outbox.keep(alert)
        if entry is not None and entry.waits():
            outcome, where = "spooled", f"is not delivered and waits in {entry.path}"
        elif entry is not None or self.reserved is not None:  # another run had the spool, and counts it as its own
            self._note(alert, "sent", "another run sent it", counted=False)
            return
        else:
            outcome, where = "failed", "is lost: it could be neither kept nor sent"
        self._note(alert, outcome, self._stop.reason)
        self._trouble(f"{alert.id} {where}: {self._stop.reason}")
        self.outbox.keep_row(row_of(alert, outcome, self.settings.alerts.lang))

    def _warning(self, draft: Draft, report: Report) -> None:
        """P1: what is open, in one message, once."""
        self._drain(self.settings.telegram.timeout)
        claim = self._claim(draft, count=True)
        if claim is not None and not claim.open:
            self._note(self._compose(draft, report), "throttled", f"told within the last {draft.window:g} s")
            return
        told = draft if claim is None or not draft.findings else draft.only(claim.open)
        alert = self._compose(told, report, held_back=0 if claim is None else claim.held_back)
        reason, accepted, maybe = self._stop.reason, False, False
        if not self._stop.silence:  # else this one would meet the same, and the run would wait for it twice
            text = message.render(alert, self.settings.alerts.lang)
            delivery = self.outbox.sender.send(text, budget=self.settings.telegram.timeout, careful=True)
            reason, accepted, maybe = delivery.reason, delivery.accepted, delivery.uncertain
        self._settle(claim, accepted=accepted or maybe)
        outcome = "sent" if accepted else "failed"
        self.outbox.keep_row(row_of(alert, outcome, self.settings.alerts.lang))
        self._note(alert, outcome, reason)
        if not accepted:
            self._refused(f"{alert.id} was not sent: {reason}")

    def _quiet(self, draft: Draft, report: Report) -> None:
        """P2 and P3: a row, now and then."""
        self._drain(self.settings.telegram.timeout)
        alert = self._compose(draft, report)
        claim = self._claim(draft, count=False)
        if claim is not None and not claim.open:
            self._note(alert, "throttled", f"told within the last {draft.window:g} s")
            return
        self.outbox.keep_row(row_of(alert, "sent", self.settings.alerts.lang))
        problem = self._write_rows(report)
        # Rows of earlier runs are written first: without a problem this one may wait too.
        outcome = {"stored": "sent"}.get(row := self.outbox.row_state(alert.id), row)
        if outcome == "failed":
            self._settle(claim, accepted=False)
        self._note(alert, outcome, problem or "")

    def _drain(self, budget: float, *, own: Own | None = None) -> set[Path]:
        """Send what waits; note each that was accepted, and give the files that held them."""
        sent: set[Path] = set()

        def accepted(entry: Entry, alert: Alert) -> None:
            sent.add(entry.path)
            self._note(alert, "sent", "", replayed=own is None or entry.path != own.entry.path)

        self._stop = self.outbox.drain(budget, accepted, own=own)
        # Where the own P0 waits too, the reason is told with it.
        if self._stop.reason and (own is None or own.entry.path in sent):
            say = self._refused if self._stop.silence else self._trouble
            say(f"something still waits in {self.outbox.spool.directory}: {self._stop.reason}")
        return sent

    def _compose(self, draft: Draft, report: Report, *, held_back: int = 0) -> Alert:
        return policy.compose(
            draft, report, host=self.outbox.host, output=self.output, held_back=held_back, clean=self.clean
        )

    def _held_back(self, report: Report) -> int:
        if not report.recorded:
            return 0  # the ledger cannot be used: it must not hold up a P0
        try:
            return self.ledger.throttle_held_back(report.env.value)
        except Exception:  # noqa: BLE001 - a number that is nice to have
            return 0

    def _claim(self, draft: Draft, *, count: bool) -> Claim | None:
        """Ask the throttle; None where it cannot be asked: then everything is said."""
        try:
            return self.ledger.throttle_claim(
                self.settings.env.value, draft.fingerprints, window=draft.window or 0.0, now=self._moment, count=count
            )
        except Exception as e:  # noqa: BLE001 - whatever it is: silence would be worse than a duplicate
            reason = str(e) if isinstance(e, RecordError) else type(e).__name__
            self._trouble(f"the throttle cannot be read, so nothing is held back: {reason}")
            return None

    def _settle(self, claim: Claim | None, *, accepted: bool) -> None:
        if claim is None:
            return
        try:
            if accepted:
                self.ledger.throttle_accept(claim, now=self._moment)
            else:
                self.ledger.throttle_release(claim)
        except Exception as e:  # noqa: BLE001 - the window is as it was claimed
            reason = str(e) if isinstance(e, RecordError) else type(e).__name__
            self._trouble(f"the throttle cannot be written: {reason}")

    def _write_rows(self, report: Report) -> str | None:
        """Write the rows that wait; where Postgres has just been found out of order, not even try."""
        known = {result.id: result.status for result in report.results}
        if known.get("postgres", Status.PASS) not in {Status.PASS, Status.WARN} and not self.outbox.homeless:
            return _ROW_WAS_SKIPPED
        problem = self.outbox.store_rows()
        if problem is not None and self.clean(problem) not in self._troubles:
            self._trouble(problem)
        return problem

    def _note(self, alert: Alert, outcome: str, reason: str, *, replayed: bool = False, counted: bool = True) -> None:
        if counted:
            self._counts[alert.severity.value, outcome] += 1
        self._items.append(
            AlertItem(
                id=alert.id,
                severity=alert.severity.value,
                outcome=outcome,
                at=alert.at,
                reason=self.clean(reason),
                replayed=replayed,
            )
        )

    def _moment(self) -> Moment:
        return Moment(at=self.now(), uptime=self.uptime())

    def _with_row(self, item: AlertItem) -> AlertItem:
        return item if item.outcome == "throttled" else replace(item, row=self.outbox.row_state(item.id))

    def _refused(self, sentence: str) -> None:
        """Note a message that Telegram did not take; where there is no Telegram `alert_channel` has said so."""
        self._trouble(sentence)
        if self.settings.telegram.configured:
            self._unsent.append(self._troubles[-1])

    def _trouble(self, sentence: str) -> None:
        self._troubles.append(self.clean(sentence))
        self.warn(self._troubles[-1])
