from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.alerts.alert import Severity
from preflight.alerts.policy import classify, compose, is_open
from preflight.ledger import Ledger
from preflight.model import Mode, Outcome, Report, Status, Verdict
from preflight.sections import AlertsSection

MakeRun = Callable[..., Report]
SETTINGS = AlertsSection()


@pytest.mark.parametrize(
    ("verdict", "statuses", "seconds", "severity"),
    [
        (Verdict.NO_GO, {"redis": Status.FAIL}, 1, "P0"),
        (Verdict.UNVERIFIED, {"redis": Status.ERROR}, 1, "P0"),
        (Verdict.UNRECORDED, {}, 1, "P0"),
        (Verdict.NO_GO, {"redis": Status.FAIL, "postgres": Status.WARN}, 9, "P0"),
        (Verdict.WARNED, {"redis": Status.WARN}, 1, "P1"),
        (Verdict.GO, {"redis": Status.WARN}, 1, "P1"),
        (Verdict.GO, {"redis": Status.WARN}, 9, "P1"),
        (Verdict.GO, {}, 5.001, "P2"),
        (Verdict.GO, {}, 5.0, "P3"),
        (Verdict.DRY_RUN, {"redis": Status.FAIL}, 1, None),
        (Verdict.PARTIAL, {"redis": Status.FAIL}, 1, None),
    ],
)
def test_severity(
    verdict: Verdict, statuses: dict[str, Status], seconds: float, severity: str | None, make_run: MakeRun
) -> None:
    """Each verdict has its severity; a dry run and a partial one say nothing."""
    draft = classify(make_run(verdict, statuses, duration_seconds=seconds), SETTINGS)

    assert (None if draft is None else draft.severity) == severity


def test_p0_is_never_throttled(make_run: MakeRun) -> None:
    """A P0 has no window, whatever the settings say."""
    draft = classify(make_run(Verdict.NO_GO, {"redis": Status.FAIL}), SETTINGS)

    assert draft is not None
    assert draft.window is None


def test_fingerprints_tell_check_and_status(make_run: MakeRun) -> None:
    """A warning is throttled by env, check and status; an advisory failure is another status than a warning."""
    report = make_run(Verdict.GO, {"redis": Status.WARN, "clock": Status.WARN})
    lowered = tuple(replace(r, origin=Status.FAIL) if r.id == "clock" else r for r in report.results)
    draft = classify(replace(report, results=lowered), SETTINGS)

    assert draft is not None
    assert set(draft.fingerprints) == {"paper/redis/warn", "paper/clock/fail"}


def test_the_weightiest_comes_first(make_run: MakeRun) -> None:
    """FAIL before ERROR before SKIP before WARN: what may be cut is what matters least."""
    statuses = {"a": Status.WARN, "b": Status.SKIP, "c": Status.FAIL, "d": Status.ERROR}
    draft = classify(make_run(Verdict.NO_GO, statuses), SETTINGS)

    assert draft is not None
    assert [finding.check for _, finding in draft.findings] == ["c", "d", "b", "a"]


def test_compose_cleans_and_does_not_repeat(make_run: MakeRun) -> None:
    """Secrets are taken out of every text, and a reason that a finding gives is not given twice."""
    report = make_run(Verdict.NO_GO, {"redis": Status.FAIL})
    bad = replace(
        report.results[0], outcome=Outcome(status=Status.FAIL, summary="hunter2 is wrong", hint="try hunter2")
    )
    decision = replace(report.decision, reasons=("redis: hunter2 is wrong", "the gate itself broke: hunter2"))
    report = replace(report, results=(bad, *report.results[1:]), decision=decision)
    draft = classify(report, SETTINGS)
    assert draft is not None

    alert = compose(draft, report, host="h", output=None, clean=lambda text: text.replace("hunter2", "[secret]"))

    assert alert.reasons == ("the gate itself broke: [secret]",)
    assert (alert.findings[0].summary, alert.findings[0].hint) == ("[secret] is wrong", "try [secret]")
    assert (alert.id, alert.severity) == (f"{report.run_id}-P0", Severity.P0)


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [(None, 0, True), (100, 100, False), (100, 399.9, False), (100, 400, True), (100, 99.9, True), (100, 1e12, True)],
)
def test_window(last: float | None, now: float, expected: bool) -> None:
    """Closed from the moment of acceptance for 300 s; a clock that went back opens it."""
    assert is_open(last, now, 300) is expected


@pytest.fixture
def clock() -> list[float]:
    """Unix seconds, to be set."""
    return [1_000_000.0]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty one."""
    return Ledger(tmp_path / "ledger.sqlite", textfile_dir=None)


def test_warnings_at_0_459_501(ledger: Ledger, clock: list[float]) -> None:
    """The seed's own case: said at 0:00, held back at 4:59, said again at 5:01, telling that one was held back."""
    said = []
    for seconds in (0, 299, 301):
        clock[0] = 1_000_000.0 + seconds
        claim = ledger.throttle_claim("paper", ["paper/redis/warn"], window=300, now=lambda: clock[0])
        if claim.open:
            said.append((seconds, sum(claim.held_back.values())))
            ledger.throttle_accept(claim, now=lambda: clock[0])
    assert said == [(0, 0), (301, 1)]
    assert ledger.throttle_held_back("paper") == 0


def test_the_window_begins_when_it_was_accepted(ledger: Ledger, clock: list[float]) -> None:
    """A message that took 20 s to be accepted closes the window for 300 s from then."""
    claim = ledger.throttle_claim("paper", ["f"], window=300, now=lambda: clock[0])
    clock[0] += 20
    ledger.throttle_accept(claim, now=lambda: clock[0])
    clock[0] += 299
    assert ledger.throttle_claim("paper", ["f"], window=300, now=lambda: clock[0]).open == ()
    clock[0] += 1
    assert ledger.throttle_claim("paper", ["f"], window=300, now=lambda: clock[0]).open == ("f",)


def test_what_was_not_accepted_is_given_back(ledger: Ledger, clock: list[float]) -> None:
    """After a refusal the same may be said at once, and an older window is as it was."""
    first = ledger.throttle_claim("paper", ["new"], window=300, now=lambda: clock[0])
    ledger.throttle_release(first)
    assert ledger.throttle_claim("paper", ["new"], window=300, now=lambda: clock[0]).open == ("new",)
    clock[0] += 400
    again = ledger.throttle_claim("paper", ["new"], window=300, now=lambda: clock[0])
    ledger.throttle_release(again)
    assert again.before == {"new": 1_000_000.0}
    assert ledger.throttle_claim("paper", ["new"], window=300, now=lambda: clock[0]).open == ("new",)


def test_a_claim_that_is_never_settled_costs_one_window(ledger: Ledger, clock: list[float]) -> None:
    """A process that dies after its claim silences the same for one window, not longer."""
    ledger.throttle_claim("paper", ["f"], window=300, now=lambda: clock[0])
    clock[0] += 299
    assert ledger.throttle_claim("paper", ["f"], window=300, now=lambda: clock[0]).open == ()
    clock[0] += 1
    assert ledger.throttle_claim("paper", ["f"], window=300, now=lambda: clock[0]).open == ("f",)


def test_only_what_is_open_is_claimed(ledger: Ledger, clock: list[float]) -> None:
    """Of two warnings the one that was said is held back, the new one is said; each env has its own."""
    ledger.throttle_claim("paper", ["a"], window=300, now=lambda: clock[0])
    assert ledger.throttle_claim("paper", ["a", "b"], window=300, now=lambda: clock[0]).open == ("b",)
    assert ledger.throttle_claim("live", ["a"], window=300, now=lambda: clock[0]).open == ("a",)


def test_throttling_changes_no_metric(tmp_path: Path, clock: list[float]) -> None:
    """Claims leave the `.prom` alone."""
    ledger = Ledger(tmp_path / "ledger.sqlite", textfile_dir=tmp_path)
    ledger.throttle_claim("paper", ["a"], window=300, now=lambda: clock[0])
    assert list(tmp_path.glob("*.prom")) == []


def test_report_mode_is_not_asked(make_run: MakeRun) -> None:
    """The verdict alone decides: a report that calls itself real but is PARTIAL says nothing."""
    assert classify(make_run(Verdict.PARTIAL, mode=Mode.REAL), SETTINGS) is None
