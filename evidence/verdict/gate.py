"""What one gate proved, derived from pytest's records and never from what the gate says of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.errors import DocumentError
from evidence.problems import Problem
from evidence.times import moment
from evidence.verdict.expected import Expected, phrase, read_expected
from evidence.verdict.junit import differences, read_junit
from evidence.verdict.tests import COUNTED, Log, read_log

SLACK: Final = 2.0  # seconds that a test may seem to lie outside its gate: two clocks, rounding
_UNFINISHED = frozenset({2, 3, 4})  # pytest's exit codes: interrupted, internal error, usage error


class Coverage(StrEnum):
    """How much of what a gate had to run has run to its end."""

    FULL = "FULL"  # exactly what had to run has run, and all of it passed
    PARTIAL = "PARTIAL"  # it came to its end, and something failed, was skipped, deselected, or did not run
    INCOMPLETE = "INCOMPLETE"  # it did not come to its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that a gate ran beside pytest, such as a linter."""

    name: str
    argv: tuple[str, ...]
    exit_code: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The form in a document."""
        return {"name": self.name, "argv": list(self.argv), "exit_code": self.exit_code, "seconds": self.seconds}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOutcome:
    """What one gate proved."""

    gate: str
    result: Coverage
    passed: bool  # FULL
    failed: bool  # something ran and was bad
    reasons: tuple[str, ...]  # why it is not passed; none when it is
    counts: Mapping[str, int]  # of `COUNTED`
    tests: Mapping[str, str] = field(default_factory=dict)  # node id -> one of `evidence.verdict.tests.OUTCOMES`


def judge_gate(
    gate: str,
    *,
    log: Log | None,
    expected: Expected | None,
    deselected: Sequence[str] = (),
    chosen: Sequence[str] = (),
    left_out: Sequence[str] = (),
    steps: Sequence[Step] = (),
    exit_code: int,
) -> GateOutcome:
    """Say what a gate proved. The only function that does.

    Args:
        gate: its name.
        log: what became of the tests; None: pytest left no report log, as of a gate that is not made of tests.
        expected: the tests that had to run; None: there is no list, so what was collected had to.
        deselected: tests that pytest found and left out.
        chosen: tests that pytest was going to run.
        left_out: what of the suite was not even asked for, a phrase each; a list of tests says it better.
        steps: what else ran.
        exit_code: of the gate.
    """
    tests = {} if log is None else dict(log.tests)
    bad = _tally(tests, ("failed", "error", "xpassed"))
    bad += [f"{step.name} ended with exit code {step.exit_code}" for step in steps if step.exit_code != 0]

    if log is not None and not tests and not chosen:
        bad.append("no test ran")

    broken = phrase("did not come to an end", sorted(test for test, outcome in tests.items() if outcome == "begun"))
    broken += phrase("chosen and not run", sorted(set(chosen) - set(tests)))
    if log is None and not steps and gate in layout.ALL_GATES:
        broken.append("there is no report log of pytest")
    if log is not None and not log.ended:
        broken.append("pytest did not come to its end")
    elif log is not None and _UNFINISHED & set(log.exit_codes) and not bad:
        broken.append("pytest was interrupted or broke")

    gaps = _tally(tests, ("skipped", "xfailed"))
    gaps += phrase("ran twice", [] if log is None else list(log.twice))
    if expected is not None:
        gaps += expected.differences(tests)
    elif gate in layout.ALL_GATES:
        gaps.append("there is no list of the tests that had to run")
    if expected is None:
        gaps += [f"{len(deselected)} deselected"] if deselected else []
        gaps += left_out

    codes = {exit_code, *(() if log is None else log.exit_codes)} - {0}
    if codes and not (bad or broken or gaps):
        bad.append(f"it ended with exit code {max(codes)} although nothing failed")
    reasons = (*bad, *broken, *gaps)
    return GateOutcome(
        gate=gate,
        result=Coverage.INCOMPLETE if broken else Coverage.PARTIAL if reasons else Coverage.FULL,
        passed=not reasons,
        failed=bool(bad),
        reasons=reasons,
        counts=dict.fromkeys(COUNTED, 0) if log is None else log.counts(),
        tests=tests,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFiles:
    """One gate as its files tell it."""

    record: Mapping[str, Any]  # gates/<gate>.json
    outcome: GateOutcome  # derived anew
    begin: float  # Unix seconds
    end: float
    problems: tuple[Problem, ...]  # where the files contradict each other


def read_gate(snapshot: Snapshot, gate: str) -> GateFiles:
    """Derive a gate's outcome from its files and compare it with what its record says.

    Raises:
        DocumentError: the record is not one, so that nothing can be said of the gate.
    """
    name = layout.gate_record(gate)
    record = snapshot.json(name)
    problems: list[Problem] = []
    log = _log(snapshot, gate, problems)
    collection = _collection(snapshot, gate, problems)
    expected = _expected(snapshot, gate, problems)
    try:
        steps = tuple(
            Step(name=one["name"], argv=tuple(one["argv"]), exit_code=one["exit_code"], seconds=one["seconds"])
            for one in record.get("steps", ())
        )
        outcome = judge_gate(
            gate,
            log=log,
            expected=expected,
            deselected=collection.get("deselected", ()),
            chosen=collection.get("selected", ()),
            left_out=collection.get("left_out", ()),
            steps=steps,
            exit_code=record["exit_code"],
        )
        begin, end = moment(record["started_at"]), moment(record["ended_at"])
        problems += _claims(record, outcome, name)
        problems += _list(snapshot, gate, record, name)
        problems += _chosen(collection, outcome, gate)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{name} is not a gate's record: {error!r}"
        raise DocumentError(message) from error
    if begin > end:
        problems.append(Problem(name, "ends before it starts"))
    outside = (
        log is not None
        and log.first is not None
        and log.last is not None
        and (log.first < begin - SLACK or log.last > end + SLACK)
    )
    if outside:
        problems.append(Problem(layout.gate_report_log(gate), f"has tests outside the time of {name}"))
    return GateFiles(record=record, outcome=outcome, begin=begin, end=end, problems=tuple(problems))


def _claims(record: Mapping[str, Any], outcome: GateOutcome, name: str) -> Iterator[Problem]:
    stack = record["stack"]
    stem = outcome.gate if stack is None else outcome.gate.removesuffix(f"-{stack}")
    if record["gate"] not in {outcome.gate, stem}:
        yield Problem(name, f"is the record of another gate: {record['gate']!r} on {stack!r}")
    own = layout.stack_of(outcome.gate)
    if own is not None and stack != own:
        yield Problem(name, f"says that it ran on the stack {stack!r}; the gate {outcome.gate} is that of {own!r}")
    if outcome.gate in layout.ALL_GATES and own is None and stack is not None:
        yield Problem(name, f"says that it ran on the stack {stack!r}; the gate {outcome.gate} is that of none")
    derived = {"result": outcome.result.value, "passed": outcome.passed, "counts": dict(outcome.counts)}
    for key, value in derived.items():
        if record[key] != value:
            yield Problem(name, f"says {key}: {record[key]!r}; its records say {value!r}")
    if bool(record["reasons"]) == record["passed"]:
        yield Problem(name, f"says passed: {record['passed']!r} with the reasons {record['reasons']!r}")


def _list(snapshot: Snapshot, gate: str, record: Mapping[str, Any], name: str) -> Iterator[Problem]:
    """The list of tests beside a record is the one that it names."""
    data = snapshot.files.get(layout.gate_expected(gate))
    actual = None if data is None else hashlib.sha256(data).hexdigest()
    if record.get("expected_sha256") != actual or (record.get("expected_file") is None) != (data is None):
        text = f"is the list {actual}; {name} names {record.get('expected_file')} {record.get('expected_sha256')}"
        yield Problem(layout.gate_expected(gate), text)


def _chosen(collection: Mapping[str, Any], outcome: GateOutcome, gate: str) -> Iterator[Problem]:
    """Only what pytest had chosen can have run; with pytest-xdist the workers choose, and the list is empty."""
    if not collection.get("selected"):
        return
    tests = {test for test in outcome.tests if "::" in test}
    for text in phrase("ran without having been chosen", sorted(tests - set(collection["selected"]))):
        yield Problem(layout.gate_report_log(gate), text)


def _log(snapshot: Snapshot, gate: str, problems: list[Problem]) -> Log | None:
    name, junit_name = layout.gate_report_log(gate), layout.gate_junit(gate)
    try:
        junit_data = snapshot.content(junit_name)
        data = snapshot.content(name)
        log = None if data is None else read_log(data, name)
    except DocumentError as error:
        problems.append(Problem(name, str(error)))
        return None
    if log is None or junit_data is None:
        if log is None and junit_data is not None:
            problems.append(Problem(name, f"is missing beside {junit_name}"))
        if log is not None and log.ended:  # a run that was killed has not come to write it
            problems.append(Problem(junit_name, f"is missing beside {name}"))
        return log
    try:
        junit = read_junit(junit_data, junit_name)
    except DocumentError as error:
        problems.append(Problem(junit_name, str(error)))
        return log
    problems += [Problem(junit_name, text) for text in differences(junit, log.tests)]
    return log


def _collection(snapshot: Snapshot, gate: str, problems: list[Problem]) -> Mapping[str, Any]:
    name = layout.gate_collection(gate)
    if name not in snapshot.files:
        return {}
    try:
        found = snapshot.json(name)
    except DocumentError as error:
        problems.append(Problem(name, str(error)))
        return {}
    return found if isinstance(found, dict) else {}


def _expected(snapshot: Snapshot, gate: str, problems: list[Problem]) -> Expected | None:
    name = layout.gate_expected(gate)
    if name not in snapshot.files:
        return None
    try:
        return read_expected(snapshot.files[name], name)
    except DocumentError as error:
        problems.append(Problem(name, str(error)))
        return Expected(ids=frozenset(), functions={})


def _tally(tests: Mapping[str, str], outcomes: Iterable[str]) -> list[str]:
    words = {"error": "ended in an error", "xpassed": "passed against their xfail mark"}
    return [
        said
        for one in outcomes
        for said in phrase(words.get(one, one), sorted(test for test, outcome in tests.items() if outcome == one))
    ]
