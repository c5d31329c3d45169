from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from preflight.alerts.account import Account
from preflight.alerts.alert import Severity
from preflight.alerts.decide import Decider, classify, compose
from preflight.alerts.throttle import Throttle
from preflight.config.sections import AlertsSection
from preflight.message import Message
from preflight.model import Mode, Outcome, Report, Status, Verdict

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


def test_before_the_throttle_is_asked_nothing_was_held_back(make_run: MakeRun) -> None:
    """What is kept then does not say so either, should the run be killed."""
    account = Account(clean=str, warn=lambda _: None)
    decider = Decider(settings=SETTINGS, throttle=cast("Throttle", None), account=account, host="trader-1", output=None)
    kept = decider.unthrottled(make_run(Verdict.NO_GO, {"redis": Status.FAIL}))
    assert kept is not None
    assert kept.held_back == 0


def test_fingerprints_tell_check_and_status(make_run: MakeRun) -> None:
    """A warning is throttled by env, check and status; an advisory failure is another status than a warning."""
    report = make_run(Verdict.GO, {"redis": Status.WARN, "clock": Status.WARN})
    lowered = tuple(replace(r, origin=Status.FAIL) if r.id == "clock" else r for r in report.results)
    draft = classify(replace(report, results=lowered), SETTINGS)

    assert draft is not None
    assert set(draft.fingerprints) == {"paper/redis/warn", "paper/clock/fail"}


def test_the_weightiest_comes_first(make_run: MakeRun) -> None:
    """FAIL before ERROR before SKIP before WARN: what may be cut is what matters least."""
    statuses = {"a": Status.WARN, "b": Status.SKIP, "c": Status.ERROR, "d": Status.FAIL}
    draft = classify(make_run(Verdict.NO_GO, statuses), SETTINGS)

    assert draft is not None
    assert [finding.check for _, finding in draft.findings] == ["d", "c", "b", "a"]


def test_a_p0_tells_the_warnings_too(make_run: MakeRun) -> None:
    """Every warning is in it, an advisory check's as well; of what could not tell only what is required."""
    statuses = {"a": Status.FAIL, "b": Status.WARN, "c": Status.WARN, "d": Status.SKIP}
    report = make_run(Verdict.NO_GO, statuses)
    advisory = tuple(replace(result, required=result.id not in {"c", "d"}) for result in report.results)
    draft = classify(replace(report, results=advisory), SETTINGS)

    assert draft is not None
    assert [finding.check for _, finding in draft.findings] == ["a", "b", "c"]


def test_compose_cleans_and_does_not_repeat(make_run: MakeRun) -> None:
    """Secrets are taken out of every text, and a reason that a finding gives is not given twice."""
    report = make_run(Verdict.NO_GO, {"redis": Status.FAIL})
    bad = replace(
        report.results[0],
        outcome=Outcome(status=Status.FAIL, summary=Message("hunter2 is wrong"), hint=Message("try hunter2")),
    )
    decision = replace(report.decision, reasons=("redis: hunter2 is wrong", "the gate itself broke: hunter2"))
    report = replace(report, results=(bad, *report.results[1:]), decision=decision)
    draft = classify(report, SETTINGS)
    assert draft is not None

    alert = compose(draft, report, host="h", output=None, clean=lambda text: text.replace("hunter2", "[secret]"))

    assert alert.reasons == ("the gate itself broke: [secret]",)
    assert (alert.findings[0].summary, alert.findings[0].hint) == ("[secret] is wrong", "try [secret]")
    assert (alert.id, alert.severity) == (f"{report.run_id}-P0", Severity.P0)


def test_report_mode_is_not_asked(make_run: MakeRun) -> None:
    """The verdict alone decides: a report that calls itself real but is PARTIAL says nothing."""
    assert classify(make_run(Verdict.PARTIAL, mode=Mode.REAL), SETTINGS) is None
