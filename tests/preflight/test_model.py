from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight import model
from preflight.message import Message
from preflight.model import (
    AlertItem,
    AlertSummary,
    Decision,
    Env,
    Mode,
    Outcome,
    Report,
    Result,
    Sample,
    Status,
    Verdict,
    decide,
    is_required,
    settle,
)
from preflight.render.json import report_dict
from tests.preflight.verdict_table import BLOCKING, Raw, stated
from tests.property_size import examples

SCHEMA = json.loads(Path(model.__file__).with_name("report.schema.json").read_text(encoding="utf-8"))

IDS = ("environment", "secrets", "redis", "storage", "clock", "git")


def settled(raw: Raw, env: Env, waivers: dict[str, str]) -> list[Result]:
    return [
        settle(
            Result(
                id=check_id,
                outcome=Outcome(status=Status(status), summary=Message(f"{check_id} {status}")),
                required=is_required(check_id, env),
            ),
            waivers,
        )
        for check_id, status in raw.items()
    ]


@settings(max_examples=examples(600), deadline=None)
@given(
    raw=st.dictionaries(st.sampled_from(IDS), st.sampled_from(["pass", "warn", "fail", "error", "skip"])),
    # Mostly good runs too: with free choice alone GO would hardly ever be seen.
    good=st.booleans(),
    env=st.sampled_from(["live", "paper", "dev", "test"]),
    mode=st.sampled_from(["real", "real", "dry-run", "partial"]),
    more=st.sets(st.sampled_from(IDS), max_size=1),
    waived=st.sets(st.sampled_from(IDS), max_size=2),
    strict=st.booleans(),
    recorded=st.sampled_from([True, True, True, False]),
    broken=st.sampled_from([None, None, None, "ValueError: x"]),
    overridden=st.booleans(),
    unsent=st.sampled_from([(), (), ("r-P1 was not sent: TOPIC_CLOSED",)]),
    data=st.data(),
)
def test_verdict_table(
    *,
    raw: Raw,
    good: bool,
    env: str,
    mode: str,
    more: set[str],
    waived: set[str],
    strict: bool,
    recorded: bool,
    broken: str | None,
    overridden: bool,
    unsent: tuple[str, ...],
    data: st.DataObject,
) -> None:
    """Whatever checks say, in any order, verdict, exit code and ready_for_live are those of the verdict table."""
    if good:
        raw = {i: status if status in ("pass", "warn") or i in waived else "pass" for i, status in raw.items()}
    expected = set(raw) | more
    results = settled(raw, Env(env), dict.fromkeys(waived, "because"))
    results = data.draw(st.permutations(results))
    decision = decide(
        results,
        env=Env(env),
        mode=Mode(mode),
        expected=expected,
        strict=strict,
        recorded=recorded,
        broken=broken,
        overridden=overridden,
        unsent=unsent,
    )
    assert (decision.verdict.value, decision.exit_code, decision.ready_for_live) == stated(
        raw,
        env=env,
        mode=mode,
        expected=expected,
        waived=waived,
        strict=strict,
        recorded=recorded,
        broken=broken is not None,
        overridden=overridden,
        unsent=bool(unsent),
    )
    clean = decision.verdict is Verdict.GO and all(r.status in (Status.PASS, Status.SKIP) for r in results)
    clean &= not unsent
    assert bool(decision.reasons) is not clean
    assert (decision.exit_code == 0) is (decision.verdict is Verdict.GO)


ALL = {"environment": "pass", "redis": "pass", "postgres": "pass", "storage": "pass"}


def conclude(raw: Raw, *, env: Env = Env.PAPER, waive: tuple[str, ...] = (), **given: Any) -> Decision:
    arguments: dict[str, Any] = {"mode": Mode.REAL, "expected": set(ALL), **given}
    return decide(settled(raw, env, dict.fromkeys(waive, "because")), env=env, **arguments)


@pytest.mark.parametrize(
    ("raw", "given", "verdict", "code"),
    [
        pytest.param(ALL, {}, Verdict.GO, 0, id="all-pass"),
        pytest.param(ALL | {"redis": "warn"}, {}, Verdict.GO, 0, id="a-warn"),
        pytest.param(ALL | {"redis": "warn"}, {"strict": True}, Verdict.WARNED, 4, id="a-warn-strict"),
        pytest.param(ALL | {"redis": "fail"}, {}, Verdict.NO_GO, 1, id="a-fail"),
        pytest.param(ALL | {"redis": "error"}, {}, Verdict.UNVERIFIED, 3, id="an-error"),
        pytest.param(ALL | {"redis": "skip"}, {}, Verdict.UNVERIFIED, 3, id="a-skip"),
        pytest.param(ALL | {"clock": "fail"}, {}, Verdict.GO, 0, id="advisory-fail"),
        pytest.param(ALL | {"clock": "error"}, {}, Verdict.GO, 0, id="advisory-error"),
        pytest.param(ALL | {"clock": "skip"}, {}, Verdict.GO, 0, id="advisory-skip"),
        pytest.param(ALL | {"clock": "error"}, {"strict": True}, Verdict.WARNED, 4, id="advisory-error-strict"),
        pytest.param(ALL | {"clock": "fail"}, {"env": Env.LIVE}, Verdict.NO_GO, 1, id="nothing-advisory-in-live"),
        pytest.param(ALL | {"redis": "fail"}, {"waive": ("redis",)}, Verdict.GO, 0, id="waived-fail"),
        pytest.param(ALL | {"redis": "error"}, {"waive": ("redis",)}, Verdict.UNVERIFIED, 3, id="no-waiver-for-error"),
        pytest.param(ALL | {"redis": "skip"}, {"waive": ("redis",)}, Verdict.UNVERIFIED, 3, id="no-waiver-for-skip"),
        pytest.param({}, {}, Verdict.UNVERIFIED, 3, id="nothing-ran"),
        pytest.param({}, {"expected": set()}, Verdict.UNVERIFIED, 3, id="nothing-to-run"),
        pytest.param({"clock": "pass"}, {"expected": {"clock"}}, Verdict.UNVERIFIED, 3, id="only-advisory"),
        pytest.param({"redis": "pass"}, {}, Verdict.UNVERIFIED, 3, id="some-gave-no-result"),
        pytest.param(ALL, {"broken": "OSError"}, Verdict.UNVERIFIED, 3, id="gate-broke"),
        pytest.param(ALL, {"broken": ""}, Verdict.UNVERIFIED, 3, id="gate-broke-without-a-word"),
        pytest.param(ALL, {"recorded": False}, Verdict.UNRECORDED, 5, id="unrecorded"),
        pytest.param(ALL | {"redis": "fail"}, {"recorded": False}, Verdict.NO_GO, 1, id="fail-before-unrecorded"),
        pytest.param(ALL | {"redis": "error"}, {"recorded": False}, Verdict.UNRECORDED, 5, id="unrecorded-first"),
        pytest.param(ALL | {"redis": "fail", "storage": "error"}, {}, Verdict.NO_GO, 1, id="fail-before-error"),
        pytest.param(ALL | {"redis": "warn", "storage": "error"}, {"strict": True}, Verdict.UNVERIFIED, 3, id="3-4"),
        pytest.param(ALL, {"mode": Mode.DRY_RUN}, Verdict.DRY_RUN, 6, id="dry-run"),
        pytest.param(ALL | {"redis": "skip"}, {"mode": Mode.DRY_RUN}, Verdict.DRY_RUN, 6, id="dry-run-skips"),
        pytest.param(
            {"redis": "skip"},
            {"mode": Mode.DRY_RUN, "expected": {"redis"}},
            Verdict.DRY_RUN,
            3,
            id="dry-run-that-proves-nothing",
        ),
        pytest.param(ALL | {"storage": "fail"}, {"mode": Mode.DRY_RUN}, Verdict.DRY_RUN, 1, id="dry-run-fail"),
        pytest.param(ALL | {"storage": "error"}, {"mode": Mode.DRY_RUN}, Verdict.DRY_RUN, 3, id="dry-run-error"),
        pytest.param({"redis": "pass"}, {"mode": Mode.PARTIAL}, Verdict.PARTIAL, 3, id="partial"),
        pytest.param(ALL, {"mode": Mode.PARTIAL}, Verdict.PARTIAL, 3, id="partial-of-all"),
        pytest.param({"redis": "fail"}, {"mode": Mode.PARTIAL}, Verdict.PARTIAL, 1, id="partial-fail"),
        pytest.param(
            {"redis": "warn"}, {"mode": Mode.PARTIAL, "strict": True}, Verdict.PARTIAL, 3, id="partial-strict"
        ),
        pytest.param(ALL, {"mode": Mode.PARTIAL, "recorded": False}, Verdict.PARTIAL, 5, id="partial-report-lost"),
    ],
)
def test_examples(raw: Raw, given: dict[str, Any], verdict: Verdict, code: int) -> None:
    """Each line of the verdict table, by a named example."""
    decision = conclude(raw, **given)
    assert (verdict, code) == (decision.verdict, decision.exit_code)


@pytest.mark.parametrize(
    ("raw", "given", "ready"),
    [
        pytest.param(ALL, {"env": Env.LIVE}, True, id="clean-live"),
        pytest.param(ALL | {"redis": "warn"}, {"env": Env.LIVE}, True, id="live-with-a-warn"),
        pytest.param(ALL, {"env": Env.PAPER}, False, id="paper"),
        pytest.param(ALL | {"redis": "fail"}, {"env": Env.LIVE, "waive": ("redis",)}, False, id="waived"),
        pytest.param(ALL, {"env": Env.LIVE, "waive": ("redis",)}, True, id="waiver-not-used"),
        pytest.param(ALL, {"env": Env.LIVE, "overridden": True}, False, id="endpoint-overridden"),
        pytest.param(ALL, {"env": Env.LIVE, "mode": Mode.DRY_RUN}, False, id="dry-run"),
        pytest.param(ALL, {"env": Env.LIVE, "mode": Mode.PARTIAL}, False, id="partial"),
        pytest.param(ALL, {"env": Env.LIVE, "recorded": False}, False, id="unrecorded"),
        pytest.param(ALL, {"env": Env.LIVE, "broken": "x"}, False, id="broken"),
    ],
)
def test_ready_for_live(raw: Raw, given: dict[str, Any], ready: bool) -> None:
    """Only a GO in env live, with nothing waived and no endpoint overridden, makes the bot ready."""
    assert conclude(raw, **given).ready_for_live is ready


def test_reasons_name_each_cause_most_weighty_first() -> None:
    """Every cause is told, in the order of the exit codes."""
    raw = ALL | {"redis": "fail", "postgres": "error", "storage": "warn"}
    del raw["environment"]
    decision = conclude(raw, recorded=False, broken="OSError: disk", strict=True)
    assert decision.reasons == (
        "redis: redis fail",
        "the run could not be recorded",
        "the gate itself broke: OSError: disk",
        "postgres: postgres error",
        "environment: returned no result",
        "storage: storage warn",
    )


def test_a_fail_is_reason_enough() -> None:
    """Where a check failed, nobody is told besides that nothing was proved."""
    assert conclude({"redis": "fail"}, expected={"redis"}).reasons == ("redis: redis fail",)


def test_a_part_is_not_blamed_for_the_rest() -> None:
    """With --only, checks that were not asked for are no reason; that only a part ran is."""
    decision = conclude({"redis": "pass"}, mode=Mode.PARTIAL)
    assert decision.reasons == ("only a part of the checks was asked for (--only)",)


def test_required_checks_per_env() -> None:
    """Live requires every check, known or not; elsewhere the committed set and nothing else."""
    ids = {"environment", "secrets", "read_only_guard", "redis", "postgres", "storage", "clock", "git", "my_own"}
    assert {i for i in ids if is_required(i, Env.LIVE)} == ids
    for env in (Env.PAPER, Env.DEV, Env.TEST):
        assert {i for i in ids if is_required(i, env)} == BLOCKING[env.value]


@pytest.mark.parametrize(
    ("required", "status", "waived", "counts", "origin"),
    [
        (True, Status.FAIL, False, Status.FAIL, None),
        (True, Status.FAIL, True, Status.WARN, Status.FAIL),
        (True, Status.ERROR, True, Status.ERROR, None),
        (True, Status.PASS, True, Status.PASS, None),
        (False, Status.FAIL, False, Status.WARN, Status.FAIL),
        (False, Status.ERROR, False, Status.WARN, Status.ERROR),
        (False, Status.ERROR, True, Status.WARN, Status.ERROR),
        (False, Status.SKIP, False, Status.SKIP, None),
        (False, Status.WARN, False, Status.WARN, None),
    ],
)
def test_settle(required: bool, status: Status, waived: bool, counts: Status, origin: Status | None) -> None:
    """A waived FAIL and an advisory FAIL or ERROR become WARN and keep their origin; nothing else changes."""
    result = Result(id="a", outcome=Outcome(status=status, summary=Message("s"), hint=Message("h")), required=required)
    lowered = settle(result, {"a": "why"} if waived else {"b": "why"})
    assert (lowered.status, lowered.origin) == (counts, origin)
    assert lowered.waiver == ("why" if waived and status is Status.FAIL else None)
    assert (lowered.outcome.summary, lowered.outcome.hint, lowered.required) == ("s", "h", required)


def test_q2_live_safety_is_never_waived() -> None:
    """A reason given for it lowers nothing."""
    result = Result(
        id="live_safety",
        outcome=Outcome(status=Status.FAIL, summary=Message("thrown"), hint=Message("h")),
        required=True,
    )
    assert settle(result, {"live_safety": "we know"}) == result


def test_q3_what_is_withheld_makes_a_go_unverified() -> None:
    """A run that can no longer be relied on could not tell, and says why; a FAIL is still the worse of the two."""
    late = conclude(ALL, env=Env.LIVE, withheld=("the bot is another one",))
    assert (late.verdict, late.exit_code, late.ready_for_live) == (Verdict.UNVERIFIED, 3, False)
    assert late.reasons == ("the bot is another one",)
    assert conclude(ALL | {"redis": "fail"}, env=Env.LIVE, withheld=("late",)).verdict is Verdict.NO_GO


VALUES = [kind for kind in vars(model).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_values_cannot_be_changed(kind: Any) -> None:
    """What a run found is frozen, has no other fields than it has, and is made by naming them."""
    made = {field.name: None for field in dataclasses.fields(kind)}
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(kind(**made), next(iter(made)), None)
    assert "__slots__" in kind.__dict__
    with pytest.raises(TypeError, match="positional"):
        kind(*made.values())


def test_a_result_that_does_not_block_is_not_ready_for_live() -> None:
    """Whoever hands in a result that does not block in live gets no `ready_for_live`, whatever it says."""
    results = [dataclasses.replace(result, required=result.id != "redis") for result in settled(ALL, Env.LIVE, {})]
    decision = decide(results, env=Env.LIVE, mode=Mode.REAL, expected=set(ALL))
    assert (decision.verdict, decision.ready_for_live) == (Verdict.GO, False)


def test_what_is_not_said_is_the_cautious_thing() -> None:
    """Fields that nobody fills in claim nothing: no alert sent, none replayed, no time taken, no waiver."""
    assert dataclasses.asdict(AlertSummary()) == {
        "enabled": False,
        "reason": "this run sends no alerts",
        "items": (),
        "pending": None,
        "rows_pending": None,
        "troubles": (),
    }
    item = AlertItem(id="run-P0", severity="P0", outcome="sent", at=1.0)
    assert (item.reason, item.row, item.replayed) == ("", "none", False)
    outcome = Outcome(status=Status.PASS, summary=Message("s"))
    assert (outcome.hint, outcome.expected, outcome.actual, dict(outcome.timings)) == ("", "", "", {})
    result = Result(id="a", outcome=outcome, required=True)
    assert (result.origin, result.waiver, result.started_at, result.duration_seconds) == (None, None, None, 0.0)


def test_exit_codes() -> None:
    """The numbers that scripts are written against, as docs/verdicts.md has them."""
    assert {name: value for name, value in vars(model).items() if name.startswith("EXIT_")} == {
        "EXIT_GO": 0,
        "EXIT_NO_GO": 1,
        "EXIT_USAGE": 2,
        "EXIT_UNVERIFIED": 3,
        "EXIT_WARNED": 4,
        "EXIT_UNRECORDED": 5,
        "EXIT_DRY_RUN": 6,
        "EXIT_NOT_STARTED": 7,
    }


def test_what_decides_is_named() -> None:
    """All that a verdict hangs on, but for the results, is given by name: two flags cannot be mixed up."""
    results, *others = inspect.signature(decide).parameters.values()
    assert results.name == "results"
    assert {other.kind for other in others} == {inspect.Parameter.KEYWORD_ONLY}


def test_report_schema_is_a_schema() -> None:
    """The published schema is valid JSON Schema 2020-12."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


KINDS: dict[Verdict, tuple[Raw, dict[str, Any]]] = {
    Verdict.GO: (ALL, {"env": Env.LIVE}),
    Verdict.NO_GO: (ALL | {"redis": "fail"}, {}),
    Verdict.UNVERIFIED: (ALL | {"redis": "error"}, {}),
    Verdict.WARNED: (ALL | {"redis": "fail"}, {"waive": ("redis",), "strict": True}),
    Verdict.UNRECORDED: (ALL, {"recorded": False}),
    Verdict.DRY_RUN: (ALL | {"redis": "skip"}, {"mode": Mode.DRY_RUN}),
    Verdict.PARTIAL: ({"redis": "pass"}, {"mode": Mode.PARTIAL}),
}


@pytest.mark.parametrize("verdict", Verdict)
def test_report_of_every_verdict_fits_the_schema(verdict: Verdict, make_report: Callable[..., Report]) -> None:
    """The report of each kind of verdict is plain data that survives JSON and fits the published schema."""
    raw, given = KINDS[verdict]
    decision = conclude(raw, **given)
    assert decision.verdict is verdict
    unwritten = given.get("mode", Mode.REAL) is not Mode.REAL
    report = make_report(
        env=given.get("env", Env.PAPER),
        mode=given.get("mode", Mode.REAL),
        strict=given.get("strict", False),
        recorded=not unwritten and given.get("recorded", True),
        decision=decision,
        results=tuple(settled(raw, given.get("env", Env.PAPER), dict.fromkeys(given.get("waive", ()), "because"))),
        samples=() if unwritten else (Sample(name="arbitrage_preflight_last_success", labels={"env": "x"}, value=1),),
        **({"textfile": None, "ledger": None} if unwritten else {}),
    )
    document = report_dict(report)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "MAYBE"},
        {"verdict": "GO"},  # with exit code 1
        {"exit_code": 0},  # with NO_GO
        {"exit_code": 2},
        {"ready_for_live": True},
        {"env": "RuntimeEnv.PAPER"},
        {"mode": "dry-run"},  # with NO_GO
        {"schema_version": 2},
        {"started_at": "yesterday"},
        {"recorded": None},
        {"surprise": 1},
        {"checks": [{"id": "redis"}]},
        {"metrics": [{"name": "x", "labels": {"env": 1}, "value": 1.0}]},
    ],
    ids=str,
)
def test_schema_refuses(change: dict[str, Any], make_report: Callable[..., Report]) -> None:
    """A document that contradicts itself or has other fields or types does not fit the schema."""
    document = report_dict(make_report())
    jsonschema.validate(document, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, **change}, SCHEMA)


def test_report_gives_every_field_of_a_check(make_report: Callable[..., Report]) -> None:
    """A check in the report has all that is known about it, statuses as their plain values."""
    checks = {check["id"]: check for check in report_dict(make_report())["checks"]}
    assert checks["storage"] == {
        "id": "storage",
        "status": "warn",
        "origin": "fail",
        "required": True,
        "waiver": "new disk on Monday",
        "summary": "storage says warn",
        "message_id": None,
        "values": {},
        "hint": "fix storage",
        "expected": "good",
        "actual": "warn",
        "said": "",
        "started_at": 1_800_000_000.25,
        "duration_seconds": 0.012,
        "timings": {},
    }
    assert checks["redis"]["timings"] == {"ping": 0.0005}
    assert checks["open_positions"]["started_at"] is None


def test_report_is_every_field_of_the_run(make_report: Callable[..., Report]) -> None:
    """What the report holds of the run and of its alerts is in the document under its own name."""
    item = AlertItem(
        id="run-P0", severity="P0", outcome="spooled", at=2.5, reason="no route", row="spooled", replayed=True
    )
    alerts = AlertSummary(enabled=True, reason="", items=(item,), pending=1, rows_pending=2, troubles=("no route",))
    report = make_report(alerts=alerts, strict=True, notes=("a note",))
    document = report_dict(report)
    assert document["alerts"] == {
        "enabled": True,
        "reason": "",
        "pending": 1,
        "rows_pending": 2,
        "items": [
            {
                "id": "run-P0",
                "severity": "P0",
                "outcome": "spooled",
                "at": 2.5,
                "reason": "no route",
                "row": "spooled",
                "replayed": True,
            }
        ],
        "troubles": ["no route"],
    }
    del document["alerts"], document["checks"]
    assert document == {
        "schema_version": 1,
        "run_id": "20270115T080000Z-1a2b3c4d",
        "version": "0.1.0",
        "env": "paper",
        "mode": "real",
        "strict": True,
        "verdict": "NO_GO",
        "exit_code": 1,
        "ready_for_live": False,
        "reasons": ["redis: redis says fail"],
        "notes": ["a note"],
        "started_at": 1_800_000_000.125,
        "ended_at": 1_800_000_001.625,
        "duration_seconds": 1.5,
        "recorded": True,
        "metrics": [{"name": "arbitrage_preflight_runs_total", "labels": {"env": "paper"}, "value": 1.0}],
        "textfile": "/metrics/arbitrage_preflight_paper.prom",
        "ledger": "/state/ledger.sqlite",
    }
