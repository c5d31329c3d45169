"""Step 1, decide: what a run has to say and how often, a function of the report, the throttle and the clock.

| severity | when                          | window              | where               |
|----------|-------------------------------|---------------------|---------------------|
| P0       | NO_GO, UNVERIFIED, UNRECORDED | never held back     | Telegram + Postgres |
| P1       | WARNED, or GO with a WARN     | 5 min a fingerprint | Telegram + Postgres |
| P2       | GO slower than 5 s            | 30 min              | Postgres            |
| P3       | GO                            | 1 h                 | Postgres            |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from preflight.alerts.account import Account
from preflight.alerts.alert import Alert, AlertFinding, Severity
from preflight.alerts.throttle import Throttle, ThrottleClaim
from preflight.config.sections import AlertsSection
from preflight.errors import RecordError
from preflight.message import cleaned, message
from preflight.model import Report, Result, Status, Verdict

_P0 = frozenset({Verdict.NO_GO, Verdict.UNVERIFIED, Verdict.UNRECORDED})
_WEIGHT = {Status.FAIL: 0, Status.ERROR: 1, Status.SKIP: 2, Status.WARN: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a run has to say before anybody looked at the throttle."""

    severity: Severity
    findings: tuple[tuple[str, AlertFinding], ...]  # fingerprint, what was found; the weightiest first
    subject: str  # fingerprint of the whole, where there is no finding
    window: float | None  # seconds for which the same is not said again; None: always said

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """What the throttle is asked about."""
        return tuple(fingerprint for fingerprint, _ in self.findings) or (self.subject,)

    def only(self, fingerprints: Iterable[str]) -> Proposal:
        """Give the proposal without the findings that are held back."""
        kept = frozenset(fingerprints)
        return replace(self, findings=tuple(found for found in self.findings if found[0] in kept))


def classify(report: Report, settings: AlertsSection) -> Proposal | None:
    """Give what a run has to say; None for a run that says nothing: a dry run, or one of only some checks."""
    verdict = report.decision.verdict
    if verdict in _P0:
        bad = [r for r in report.results if r.status in _WEIGHT and (r.required or r.status is Status.WARN)]
        return _propose(Severity.P0, report, bad, str(verdict).lower(), None)
    if verdict not in {Verdict.GO, Verdict.WARNED}:
        return None
    warned = [result for result in report.results if result.status is Status.WARN]
    if warned or verdict is Verdict.WARNED:
        return _propose(Severity.P1, report, warned, "warned", settings.p1_window)
    if report.duration_seconds > settings.slow_after:
        return _propose(Severity.P2, report, (), "slow", settings.p2_window)
    return _propose(Severity.P3, report, (), "go", settings.p3_window)


def _propose(
    severity: Severity, report: Report, results: Iterable[Result], subject: str, window: float | None
) -> Proposal:
    ordered = sorted(results, key=lambda result: _WEIGHT[result.status])
    return Proposal(
        severity=severity,
        findings=tuple((_fingerprint(report, result), _finding(result)) for result in ordered),
        subject=f"{report.env}/{subject}",
        window=window,
    )


def _fingerprint(report: Report, result: Result) -> str:
    return f"{report.env}/{result.id}/{_status(result)}"


def _status(result: Result) -> Status:
    # A check that goes from a warning to an advisory failure has something new to say.
    return result.origin or result.status


def _finding(result: Result) -> AlertFinding:
    summary = result.outcome.summary
    if result.waiver is not None:
        summary = message("{summary} [waived: {reason}]", summary=summary, reason=result.waiver)
    return AlertFinding(
        check=result.id,
        status=_status(result).value,
        summary=summary,
        hint=result.outcome.hint,
        said=result.outcome.said,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What is to be said, and the right to say it."""

    alert: Alert
    claim: ThrottleClaim | None = None  # None: it is not throttled, or the throttle could not be asked
    window: float | None = None  # as of `Proposal`

    @property
    def held_back(self) -> bool:
        """Whether all of it was said already within the window."""
        return self.claim is not None and not self.claim.open


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """Everything the decision is made from, but the report."""

    settings: AlertsSection
    throttle: Throttle
    account: Account
    host: str  # name of this machine
    output: str | None  # where the run's report is written

    def unthrottled(self, report: Report) -> Alert | None:
        """Return what a run has to say before the throttle is asked; None where it has nothing to say."""
        proposal = classify(report, self.settings)
        return None if proposal is None else self._compose(proposal, report)

    def decide(self, report: Report) -> Decided | None:
        """Return what a run says now; None for a run that has nothing to say."""
        proposal = classify(report, self.settings)
        if proposal is None:
            return None
        if proposal.severity is Severity.P0:
            return Decided(alert=self._compose(proposal, report, held_back=self._held_back(report)))
        warning = proposal.severity is Severity.P1
        claim = self._claim(proposal, count=warning)
        if claim is not None and claim.open and proposal.findings:
            proposal = proposal.only(claim.open)
        held_back = claim.held_back if claim is not None and claim.open and warning else 0
        alert = self._compose(proposal, report, held_back=held_back)
        return Decided(alert=alert, claim=claim, window=proposal.window)

    def _compose(self, proposal: Proposal, report: Report, *, held_back: int = 0) -> Alert:
        return compose(
            proposal, report, host=self.host, output=self.output, held_back=held_back, clean=self.account.clean
        )

    def _held_back(self, report: Report) -> int:
        if not report.recorded:
            return 0  # the ledger cannot be used: it must not hold up a P0
        try:
            return self.throttle.held_back()
        except Exception:  # noqa: BLE001 - a number that is nice to have
            return 0

    def _claim(self, proposal: Proposal, *, count: bool) -> ThrottleClaim | None:
        """Ask the throttle; None where it cannot be asked: then everything is said."""
        try:
            return self.throttle.claim(proposal.fingerprints, window=proposal.window or 0.0, count=count)
        except Exception as e:  # noqa: BLE001 - whatever it is: silence would be worse than a duplicate
            reason = str(e) if isinstance(e, RecordError) else type(e).__name__
            self.account.trouble(
                message("the throttle cannot be read, so nothing is held back: {reason}", reason=reason)
            )
            return None


def compose(
    proposal: Proposal,
    report: Report,
    *,
    host: str,
    output: str | None,
    held_back: int = 0,
    clean: Callable[[str], str] = lambda text: text,
) -> Alert:
    """Make the alert of a proposal.

    Args:
        proposal: What is to be said.
        report: The run that says it.
        host: Name of this machine.
        output: Path of the run's report, if it is written anywhere.
        held_back: P1 alerts that were held back since the last.
        clean: Takes secrets out of a text.
    """
    findings = tuple(
        replace(finding, summary=cleaned(finding.summary, clean), hint=cleaned(finding.hint, clean))
        for _, finding in proposal.findings
    )
    told = {f"{result.id}: {result.outcome.summary}" for result in report.results}
    return Alert(
        id=f"{report.run_id}-{proposal.severity}",
        severity=proposal.severity,
        env=report.env.value,
        host=host,
        run_id=report.run_id,
        at=report.ended_at,
        verdict=report.decision.verdict.value,
        findings=findings,
        reasons=tuple(cleaned(reason, clean) for reason in report.decision.reasons if reason not in told),
        fingerprint=" ".join(proposal.fingerprints),
        report=output,
        held_back=held_back,
    )
