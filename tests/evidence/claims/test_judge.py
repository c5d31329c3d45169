from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from evidence import errors
from evidence.claims.facts import Facts, GateFacts, servers
from evidence.claims.judge import Judged, Status, criteria, judge
from evidence.claims.table import Claim, Criterion, Table

TEST = "acceptance/test_a.py::test_a"
UNIT = "tests/test_b.py::test_b"
STANDIN = {"kind": "stand-in", "version": "0", "label": "stand-in"}
IMAGE = {"kind": "image", "version": "12.4.4", "label": "Grafana 12.4.4 (official image)"}
SERVICES = {"prometheus": {"version": "3.13.5"}}


def claim(**fields: Any) -> Claim:
    return Claim(**{"id": "a", "section": "s", "en": "a claim in English", "ko": "한국어 주장", **fields})


def gate(*, full: bool = True, passed: bool = True, reasons: tuple[str, ...] = (), **tests: str) -> GateFacts:
    named = {"a": TEST, "b": UNIT, "a1": f"{TEST}[1]", "a2": f"{TEST}[2]"}
    found = {named[name]: outcome for name, outcome in tests.items()}
    return GateFacts(full=full, passed=passed, reasons=reasons, tests=found)


def facts(
    gates: Mapping[str, GateFacts], *, grafana: Mapping[str, Mapping[str, str]] | None = None, **more: Any
) -> Facts:
    stacks = {name: servers(used, SERVICES) for name, used in (grafana or {}).items()}
    return Facts(gates=gates, stacks=stacks, **more)


def judged(row: Claim, given: Facts) -> Judged:
    rows = Table(
        claim=(row,), criterion=(Criterion(id="AC-1", en="a criterion in English", ko="한국어 조건", claims=("a",)),)
    )
    (found,) = judge(rows, given)
    return found


def test_a_claim_whose_test_passed_is_pass() -> None:
    """It names the servers on which it was shown."""
    found = judged(
        claim(tests=(TEST,), about=("prometheus",)),
        facts({"e2e-embedded": gate(a="passed")}, grafana={"embedded": STANDIN}),
    )
    assert (found.text, found.on, found.reasons) == ("PASS", ("Prometheus 3.13.5 (embedded)",), ())


@pytest.mark.parametrize(
    ("grafana", "text", "on"),
    [
        ({"embedded": STANDIN}, "PASS (stand-in for Grafana)", ("stand-in for Grafana (embedded)",)),
        ({"embedded": IMAGE}, "PASS", ("Grafana 12.4.4 (official image) (embedded)",)),
        (
            {"embedded": STANDIN, "compose": STANDIN},
            "PASS (stand-in for Grafana)",
            ("stand-in for Grafana (embedded, compose)",),
        ),
        (
            {"embedded": STANDIN, "compose": IMAGE},
            "PASS",
            ("stand-in for Grafana (embedded)", "Grafana 12.4.4 (official image) (compose)"),
        ),
    ],
)
def test_what_a_standin_showed_is_never_plain_pass(
    grafana: Mapping[str, Mapping[str, str]], text: str, on: tuple[str, ...]
) -> None:
    """It takes one stack with a real Grafana; which it was is said in any case."""
    found = judged(
        claim(tests=(TEST,), about=("grafana",)),
        facts({f"e2e-{stack}": gate(a="passed") for stack in grafana}, grafana=grafana),
    )
    assert (found.text, found.on) == (text, on)


def test_a_real_grafana_on_another_stack_helps_no_claim_about_this_one() -> None:
    """A claim about compose is not proven by the embedded stack's Grafana."""
    found = judged(
        claim(tests=(TEST,), about=("grafana",), stacks=("compose",)),
        facts(
            {"e2e-embedded": gate(a="passed"), "e2e-compose": gate(a="passed")},
            grafana={"embedded": IMAGE, "compose": STANDIN},
        ),
    )
    assert found.text == "PASS (stand-in for Grafana)"


@pytest.mark.parametrize("outcome", ["failed", "error"])
def test_one_failed_case_on_one_stack_is_fail(outcome: str) -> None:
    """However many others passed."""
    found = judged(
        claim(tests=(TEST,)),
        facts(
            {
                "e2e-embedded": gate(a1="passed", a2="passed"),
                "e2e-compose": gate(full=False, passed=False, a1="passed", a2=outcome),
            }
        ),
    )
    assert found.text == "FAIL"
    assert found.reasons == (f"{TEST}: 1 of 2 failed in e2e-compose",)


@pytest.mark.parametrize("outcome", ["skipped", "xfailed", "begun"])
def test_a_case_that_did_not_run_is_not_run(outcome: str) -> None:
    """A skip is not a pass."""
    found = judged(claim(tests=(TEST,)), facts({"e2e-embedded": gate(full=False, a1="passed", a2=outcome)}))
    assert found.text == "NOT RUN"
    assert found.reasons == (f"{TEST}: 1 of 2 not run in e2e-embedded",)


def test_what_failed_is_not_counted_as_not_run() -> None:
    """Each case is in one of the two sentences, and a test is found by its name, wherever that text comes from."""
    read = GateFacts(
        full=False,
        passed=False,
        reasons=(),
        tests={f"{TEST}[{number}]": outcome for number, outcome in enumerate(("passed", "failed", "error", "begun"))},
    )
    found = judged(claim(tests=(TEST,)), facts({"core": read}))
    assert found.reasons == (f"{TEST}: 2 of 4 failed in core", f"{TEST}: 1 of 4 not run in core")
    again = "".join(list(TEST))
    alone = GateFacts(full=True, passed=True, reasons=(), tests={again: "passed"})
    assert judged(claim(tests=(TEST,)), facts({"core": alone})).text == "PASS"


def test_a_test_that_left_no_record_is_not_run() -> None:
    """Nothing is claimed of what did not happen, and no server is named for it."""
    found = judged(claim(tests=(TEST,), about=("prometheus",)), facts({"e2e-embedded": gate(full=False)}))
    assert (found.text, found.on, found.reasons) == ("NOT RUN", (), (f"{TEST} did not run",))


def test_a_claim_about_a_stack_needs_that_stack() -> None:
    """What the embedded stack shows is not a claim about compose."""
    found = judged(claim(tests=(TEST,), stacks=("compose",)), facts({"e2e-embedded": gate(a="passed")}))
    assert (found.text, found.reasons) == ("NOT RUN", (f"{TEST} did not run on the compose stack",))


@pytest.mark.parametrize(("test", "name"), [(TEST, "e2e-embedded"), (UNIT, "core")], ids=["acceptance", "unit"])
def test_a_test_that_does_not_exist_is_an_error(test: str, name: str) -> None:
    """A gate that ran all there is, without it, shows that the claim stands on nothing."""
    with pytest.raises(errors.ClaimsError, match=f"the claim a stands on {test}, which does not exist: {name} ran"):
        judged(claim(tests=(test,)), facts({name: gate()}))


def test_the_fast_gate_need_not_have_every_test() -> None:
    """It runs a part of core's: a test that is not in it may exist."""
    assert judged(claim(tests=(UNIT,)), facts({"fast": gate()})).text == "NOT RUN"


@pytest.mark.parametrize(
    ("given", "text", "reason"),
    [
        ({"core": gate()}, "PASS", None),
        ({}, "NOT RUN", "the gate core did not run"),
        (
            {"core": gate(full=False, passed=False, reasons=("2 failed",))},
            "FAIL",
            "the gate core did not pass: 2 failed",
        ),
        ({"core": gate(full=False)}, "NOT RUN", "the gate core did not run in full"),
    ],
)
def test_a_claim_about_a_gate(given: Mapping[str, GateFacts], text: str, reason: str | None) -> None:
    """Only a gate that ran in full and passed proves anything."""
    found = judged(claim(gates=("core",)), facts(given))
    assert (found.text, found.reasons) == (text, () if reason is None else (reason,))


def test_a_file_that_is_missing_keeps_a_claim_open() -> None:
    """A claim is linked to its evidence; without it there is none."""
    row = claim(gates=("core",), files=("full_regression.log",))
    assert judged(row, facts({"core": gate()})).reasons == ("full_regression.log is not in the bundle",)
    found = judged(row, facts({"core": gate()}, files={"full_regression.log": "5" * 64, "gates/core.json": "6" * 64}))
    assert found.text == "PASS"
    assert found.files == (("full_regression.log", "5" * 64), ("gates/core.json", "6" * 64))


@pytest.mark.parametrize(
    ("fact", "git", "text"),
    [
        ("clean", {"dirty": False}, "PASS"),
        ("clean", {"dirty": True}, "FAIL"),
        ("clean", {}, "FAIL"),
        ("pushed", {"pushed": True}, "PASS"),
        ("pushed", {"pushed": False, "remote": "https://host/p"}, "NOT RUN"),
        ("pushed", {"pushed": None, "remote": None}, "NOT RUN"),
        ("raw_urls", {"changed": [{"status": "M", "raw_url": "https://host/a"}]}, "PASS"),
        ("raw_urls", {"changed": [{"status": "M", "raw_url": None}]}, "NOT RUN"),
        ("raw_urls", {"changed": [{"status": "D", "raw_url": None}]}, "NOT RUN"),
        ("raw_urls", {"changed": []}, "NOT RUN"),
    ],
)
def test_facts_of_git(fact: str, git: Mapping[str, Any], text: str) -> None:
    """What git does not say is not so."""
    assert judged(claim(git=(fact,)), facts({}, git=git)).text == text


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((Status.PASS, Status.PASS), "PASS (stand-in for Grafana)"),
        ((Status.PASS, Status.NOT_RUN), "NOT RUN"),
        ((Status.NOT_RUN, Status.FAIL), "FAIL"),
    ],
)
def test_a_criterion_is_as_good_as_its_weakest_claim(parts: tuple[Status, Status], text: str) -> None:
    """And a stand-in in one of them is a stand-in in it."""
    rows = tuple(claim(id=name, gates=("core",)) for name in ("a", "b"))
    criterion = Criterion(id="AC-1", en="a criterion in English", ko="한국어 조건", claims=("a", "b"))
    found = tuple(
        Judged(claim=row, status=status, standin_for=standin, on=(), reasons=(), proofs=(), files=())
        for row, status, standin in zip(rows, parts, ((), ("Grafana",)), strict=True)
    )
    (one,) = criteria(Table(claim=rows, criterion=(criterion,)), found)
    assert one.text == text
