from __future__ import annotations

import json
from typing import Any

import pytest

from evidence import errors
from evidence.bundle.snapshot import Snapshot
from evidence.verdict.expected import Expected, digest_of, read_expected
from evidence.verdict.gate import Step, judge_gate, read_gate
from evidence.verdict.tests import Log, read_log

ONE, TWO = "tests/test_a.py::test_one", "tests/test_a.py::test_two"
NO_LIST = {"gate": "tests", "expected": None}


def line(nodeid: str, when: str, outcome: str = "passed", **more: Any) -> dict[str, Any]:
    """A report of one phase."""
    return {"$report_type": "TestReport", "nodeid": nodeid, "when": when, "outcome": outcome, **more}


def whole(nodeid: str, **call: Any) -> list[dict[str, Any]]:
    """Three phases, the call as given."""
    return [line(nodeid, "setup"), line(nodeid, "call", **call), line(nodeid, "teardown")]


def logged(*lines: dict[str, Any], code: int | None = 0) -> Log:
    """A report log of one session; without a code it did not end."""
    start: list[dict[str, Any]] = [{"$report_type": "SessionStart", "pytest_version": "9"}]
    end = [] if code is None else [{"$report_type": "SessionFinish", "exitstatus": code}]
    return read_log("\n".join(map(json.dumps, [*start, *lines, *end])).encode(), "log")


def expected(*ids: str) -> Expected:
    """A list of tests."""
    return Expected(ids=frozenset(ids), functions={})


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        (whole(ONE), "passed"),
        (whole(ONE, outcome="failed"), "failed"),
        ([line(ONE, "setup", "failed"), line(ONE, "teardown")], "error"),
        ([line(ONE, "setup"), line(ONE, "call"), line(ONE, "teardown", "failed")], "error"),
        ([line(ONE, "setup"), line(ONE, "call", "failed"), line(ONE, "teardown", "failed")], "failed"),
        ([line(ONE, "setup", "skipped"), line(ONE, "teardown")], "skipped"),
        (whole(ONE, outcome="skipped", wasxfail="reason"), "xfailed"),
        (whole(ONE, wasxfail="reason"), "xpassed"),
        ([line(ONE, "setup"), line(ONE, "call")], "begun"),
        ([line(ONE, "setup")], "begun"),
        ([{"$report_type": "CollectReport", "nodeid": ONE, "outcome": "failed"}], "error"),
        ([{"$report_type": "CollectReport", "nodeid": ONE, "outcome": "skipped"}], "skipped"),
        ([*whole(ONE), *whole(ONE, outcome="failed"), *whole(ONE)], "failed"),
        ([*whole(ONE), {**line(ONE, "call", "failed"), "$report_type": "SubtestReport"}], "failed"),
    ],
    ids=[
        "passed", "failed", "setup", "teardown", "both", "skip", "xfail", "xpass", "no teardown", "begun", "import",
        "module skip", "again", "subtest",
    ],
)  # fmt: skip
def test_the_worst_phase_counts(lines: list[dict[str, Any]], outcome: str) -> None:
    """A test is what the worst of its phases is, however often it ran."""
    assert dict(logged(*lines).tests) == {ONE: outcome}


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"$report_type": "TestReport"}', b"\xff", b'{"$report_type": "SessionFinish"}']
)
def test_what_is_not_a_report_log_is_named(data: bytes) -> None:
    """Also a last line that was cut off."""
    with pytest.raises(errors.DocumentError, match="log line 1 is not"):
        read_log(data, "log")


@pytest.mark.parametrize(
    ("log", "more", "result", "failed", "reason"),
    [
        (logged(*whole(ONE)), {"expected": expected(ONE)}, "FULL", False, ""),
        (logged(*whole(ONE)), {"expected": expected(ONE, TWO)}, "PARTIAL", False, f"1 had to run and did not: {TWO}"),
        (
            logged(*whole(ONE), *whole(TWO)),
            {"expected": expected(ONE)},
            "PARTIAL",
            False,
            "1 ran and are not in the list",
        ),
        (logged(*whole(ONE)), {"expected": None}, "PARTIAL", False, "there is no list of the tests that had to run"),
        (logged(*whole(ONE)), NO_LIST, "FULL", False, ""),
        (logged(*whole(ONE)), {**NO_LIST, "deselected": [TWO]}, "PARTIAL", False, "1 deselected"),
        (logged(*whole(ONE)), {**NO_LIST, "chosen": [ONE, TWO]}, "INCOMPLETE", False, f"1 chosen and not run: {TWO}"),
        (logged(*whole(ONE)), {**NO_LIST, "left_out": ["only test_a.py"]}, "PARTIAL", False, "only test_a.py"),
        (logged(*whole(ONE, outcome="failed"), code=1), {"expected": expected(ONE)}, "PARTIAL", True, "1 failed"),
        (
            logged(*whole(ONE, wasxfail="x")),
            {"expected": expected(ONE)},
            "PARTIAL",
            True,
            "passed against their xfail mark",
        ),
        (
            logged(*whole(ONE, outcome="skipped", wasxfail="x")),
            {"expected": expected(ONE)},
            "PARTIAL",
            False,
            "1 xfailed",
        ),
        (
            logged(*whole(ONE), code=None),
            {"expected": expected(ONE)},
            "INCOMPLETE",
            False,
            "pytest did not come to its end",
        ),
        (logged(*whole(ONE), code=2), {"expected": expected(ONE)}, "INCOMPLETE", False, "interrupted"),
        (
            logged(*whole(ONE), line(TWO, "setup")),
            {"expected": expected(ONE, TWO)},
            "INCOMPLETE",
            False,
            "did not come to an end",
        ),
        (logged(), NO_LIST, "PARTIAL", True, "no test ran"),
        (
            logged(*whole(ONE), code=1),
            {"expected": expected(ONE)},
            "PARTIAL",
            True,
            "exit code 1 although nothing failed",
        ),
        (logged(*whole(ONE)), {"expected": expected(ONE), "exit_code": -9}, "PARTIAL", True, "although nothing failed"),
        (None, {"expected": expected(ONE)}, "INCOMPLETE", False, "there is no report log of pytest"),
        (None, {"gate": "git", "expected": None}, "FULL", False, ""),
        (None, {"gate": "git", "expected": None, "exit_code": 1}, "PARTIAL", True, "exit code 1"),
        (
            logged(*whole(ONE)),
            {"expected": expected(ONE), "steps": [Step(name="mypy", argv=("mypy",), exit_code=1, seconds=1)]},
            "PARTIAL",
            True,
            "mypy ended with exit code 1",
        ),
    ],
)
def test_only_all_of_it_is_full(
    log: Log | None, more: dict[str, Any], result: str, *, failed: bool, reason: str
) -> None:
    """FULL is exactly what had to run, all passed; everything else says why it is not."""
    outcome = judge_gate(**{"gate": "core", "log": log, "exit_code": 0, **more})
    assert (outcome.result, outcome.failed, outcome.passed) == (result, failed, result == "FULL")
    assert reason in "; ".join(outcome.reasons)
    assert bool(outcome.reasons) == bool(reason)


def test_a_list_may_stand_for_all_cases_of_a_function() -> None:
    """Their number and the hash of their ids are compared."""
    cases = [f"{ONE}[{case}]" for case in ("a", "b::c")]
    text = f"# head\n\npure    2  {digest_of(cases)}  {ONE}\n"
    listed = read_expected(text.encode(), "list")
    assert list(listed.differences(cases)) == []
    assert list(listed.differences(cases[:1])) == [f"{ONE} ran with 1 of 2 cases"]
    assert list(listed.differences([*cases[:1], f"{ONE}[z]"])) == [f"{ONE} ran with other cases than listed"]
    assert list(listed.differences([])) == [f"1 had to run and did not: {ONE}"]
    assert list(listed.differences([*cases, TWO])) == [f"1 ran and are not in the list: {TWO}"]
    with pytest.raises(errors.DocumentError, match="UTF-8"):
        read_expected(b"\xff", "list")


def test_a_record_without_what_it_needs_is_named() -> None:
    """Half a record is an error and not a gate that passed."""
    timeless = {"exit_code": 0, "stack": None, "started_at": "x", "ended_at": "y"}
    halves: list[object] = [{}, [], {"stack": None}, timeless]
    for document in halves:
        snapshot = Snapshot(name="b", files={"gates/core.json": json.dumps(document).encode()})
        with pytest.raises(errors.DocumentError, match=r"gates/core\.json is not a gate's record"):
            read_gate(snapshot, "core")
