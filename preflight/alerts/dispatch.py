"""What a run does about its alerts, in order: keep, send what waits, send its own, write the rows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from preflight.alerts import message, policy
from preflight.alerts.alert import Alert, Severity
from preflight.alerts.outbox import Outbox, row_of
from preflight.alerts.policy import Draft
from preflight.alerts.spool import Content, Entry
from preflight.errors import RecordError
from preflight.ledger import Ledger
from preflight.model import AlertItem, AlertSummary, Report, Status
from preflight.settings import Settings
from preflight.throttle import Claim

_ROW_WAS_SKIPPED = "the postgres check of this run did not pass; the row waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched:
    """What became of a run's alerts, and what the counters grow by."""

    summary: AlertSummary
    counts: Mapping[tuple[str, str], int]  # (severity, outcome) -> how many


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
    _items: list[AlertItem] = field(default_factory=list)
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _troubles: list[str] = field(default_factory=list)
    _unsent: str = ""  # why what waits could not be sent, if it could not

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
        budget = self.settings.telegram.deadline
        if self.reserved is not None and not self.reserved.path.exists():
            self._note(alert, "sent", "another run sent it", counted=False)
            self._drain(budget)
            return
        entry = self._keep(alert)
        if entry is None:
            text = message.render(alert, self.settings.alerts.lang)
            delivery = self.outbox.sender.send(text, budget=budget)
            outcome = "sent" if delivery.accepted else "failed"
            if not delivery.accepted:
                self._trouble(f"{alert.id} is lost: it could be neither kept nor sent: {delivery.reason}")
            self.outbox.keep_row(row_of(alert, outcome, self.settings.alerts.lang))
            self._note(alert, outcome, delivery.reason)
            self._drain(self.settings.telegram.timeout)
            return
        sent = self._drain(budget, fresh=entry)
        if alert.id in sent:
            return
        if entry.path.exists():
            self.outbox.keep_row(row_of(alert, "spooled", self.settings.alerts.lang))
            self._trouble(f"{alert.id} is not delivered and waits in {entry.path}: {self._unsent}")
            self._note(alert, "spooled", self._unsent)
        else:  # another run had the spool, and counts it as its own
            self._note(alert, "sent", "another run sent it", counted=False)

    def _keep(self, alert: Alert) -> Entry | None:
        """Keep a P0; what was reserved for it goes once the newer text is safe."""
        entry = self.outbox.keep(alert)
        if entry is None:
            return self.reserved
        if self.reserved is not None:
            self.reserved.delete()
        return entry

    def _warning(self, draft: Draft, report: Report) -> None:
        """P1: what is open, in one message, once."""
        self._drain(self.settings.telegram.timeout)
        claim = self._claim(draft, count=True)
        if claim is not None and not claim.open:
            self._note(self._compose(draft, report), "throttled", f"told within the last {draft.window:g} s")
            return
        told = draft if claim is None or not draft.findings else draft.only(claim.open)
        alert = self._compose(told, report, held_back=0 if claim is None else sum(claim.held_back.values()))
        reason, accepted, maybe = self._unsent, False, False
        if not reason:  # else this one would meet the same silence, and the run would wait for it twice
            text = message.render(alert, self.settings.alerts.lang)
            delivery = self.outbox.sender.send(text, budget=self.settings.telegram.timeout, careful=True)
            reason, accepted, maybe = delivery.reason, delivery.accepted, delivery.uncertain
        self._settle(claim, accepted=accepted or maybe)
        outcome = "sent" if accepted else "failed"
        self.outbox.keep_row(row_of(alert, outcome, self.settings.alerts.lang))
        self._note(alert, outcome, reason)
        if not accepted:
            self._trouble(f"{alert.id} was not sent: {reason}")

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
        outcome = "sent" if problem is None else "failed" if self.outbox.homeless else "spooled"
        if outcome == "failed":
            self._settle(claim, accepted=False)
        self._note(alert, outcome, problem or "")

    def _drain(self, budget: float, *, fresh: Entry | None = None) -> set[str]:
        """Send what waits; note each that was accepted, and give their ids."""
        alerts, self._unsent = self.outbox.drain(budget, fresh=fresh)
        for alert in alerts:
            replayed = fresh is None or alert.id != fresh.id
            self._note(alert, "sent", "", replayed=replayed)
        if self._unsent and fresh is None:
            self._trouble(f"what waits in {self.outbox.spool.directory} was not sent: {self._unsent}")
        return {alert.id for alert in alerts}

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
                self.settings.env.value, draft.fingerprints, window=draft.window or 0.0, now=self.now, count=count
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
                self.ledger.throttle_accept(claim, now=self.now)
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

    def _with_row(self, item: AlertItem) -> AlertItem:
        return item if item.outcome == "throttled" else replace(item, row=self.outbox.row_state(item.id))

    def _trouble(self, sentence: str) -> None:
        self._troubles.append(self.clean(sentence))
        self.warn(self._troubles[-1])
