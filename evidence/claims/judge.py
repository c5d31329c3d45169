"""Says of each claim whether a bundle proves it, and on what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from evidence.bundle import layout
from evidence.claims.facts import Facts
from evidence.claims.table import Claim, Criterion, Table
from evidence.errors import ClaimsError


class Status(StrEnum):
    """What became of a claim."""

    PASS = "PASS"  # noqa: S105 -- a verdict
    FAIL = "FAIL"
    NOT_RUN = "NOT RUN"


_BAD: Final = frozenset({"failed", "error"})
_WEIGHT: Final = {Status.PASS: 0, Status.NOT_RUN: 1, Status.FAIL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One test function in one gate."""

    test: str
    gate: str
    cases: int
    passed: int
    failed: int  # the others were skipped, expected to fail, or not run to their end


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A claim with what the bundle says of it."""

    claim: Claim
    status: Status
    standin_for: tuple[str, ...]  # what was not the original
    on: tuple[str, ...]  # such as "Prometheus 3.13.5 (compose, embedded)"
    reasons: tuple[str, ...]  # why it is not PASS
    proofs: tuple[Proof, ...]
    files: tuple[tuple[str, str], ...]  # path inside the bundle, sha256

    @property
    def text(self) -> str:
        """How its status is written everywhere: ``PASS (stand-in for Grafana)``."""
        return status_text(self.status, self.standin_for)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedCriterion:
    """An acceptance criterion: as good as the worst of its claims."""

    criterion: Criterion
    status: Status
    standin_for: tuple[str, ...]

    @property
    def text(self) -> str:
        """How its status is written everywhere."""
        return status_text(self.status, self.standin_for)


def status_text(status: str, standin_for: Iterable[str]) -> str:
    """Write a status; what a stand-in passed is never plain PASS."""
    names = ", ".join(f"stand-in for {name}" for name in standin_for)
    return f"{status} ({names})" if names and status == Status.PASS else str(status)


def judge(table: Table, facts: Facts) -> tuple[Judged, ...]:
    """Judge every claim.

    Raises:
        ClaimsError: a claim names a test that a gate which ran in full does not have.
    """
    return tuple(_judge(claim, facts) for claim in table.claim)


def criteria(table: Table, judged: Iterable[Judged]) -> tuple[JudgedCriterion, ...]:
    """Judge every criterion from its claims."""
    by_id = {one.claim.id: one for one in judged}
    found = []
    for criterion in table.criterion:
        parts = [by_id[name] for name in criterion.claims]
        standins = dict.fromkeys(name for part in parts for name in part.standin_for)
        found.append(
            JudgedCriterion(
                criterion=criterion,
                status=max((part.status for part in parts), key=_WEIGHT.__getitem__),
                standin_for=tuple(standins),
            )
        )
    return tuple(found)


def _judge(claim: Claim, facts: Facts) -> Judged:
    proofs = tuple(proof for test in claim.tests for proof in _proofs(test, facts))
    failed = [*_failed(proofs), *_failed_gates(claim, facts)]
    missing = [*_tests_missing(claim, proofs, facts), *_gates_missing(claim, facts)]
    missing += [f"{name} is not in the bundle" for name in claim.files if name not in facts.files]
    for fact in claim.git:
        verdict, reason = _GIT[fact](facts.git)
        if verdict is not Status.PASS:
            (failed if verdict is Status.FAIL else missing).append(reason)
    status = Status.FAIL if failed else Status.NOT_RUN if missing else Status.PASS
    stacks = _stacks(claim, proofs)
    return Judged(
        claim=claim,
        status=status,
        standin_for=_standins(claim, stacks, facts),
        on=_on(claim, stacks, facts) if status is not Status.NOT_RUN else (),
        reasons=tuple(dict.fromkeys([*failed, *missing])),
        proofs=proofs,
        files=tuple((name, facts.files[name]) for name in _files(claim, proofs, facts)),
    )


def _proofs(test: str, facts: Facts) -> Iterator[Proof]:
    for name, gate in facts.gates.items():
        found = [outcome for case, outcome in gate.tests.items() if case == test or case.startswith(f"{test}[")]
        if found:
            bad = sum(outcome in _BAD for outcome in found)
            yield Proof(test=test, gate=name, cases=len(found), passed=found.count("passed"), failed=bad)


def _failed(proofs: Iterable[Proof]) -> Iterator[str]:
    for proof in proofs:
        if proof.failed:
            yield f"{proof.test}: {proof.failed} of {proof.cases} failed in {proof.gate}"


def _failed_gates(claim: Claim, facts: Facts) -> Iterator[str]:
    for name in claim.gates:
        gate = facts.gates.get(name)
        if gate is not None and not gate.passed:
            yield f"the gate {name} did not pass: {'; '.join(gate.reasons) or 'it gives no reason'}"


def _gates_missing(claim: Claim, facts: Facts) -> Iterator[str]:
    for name in claim.gates:
        gate = facts.gates.get(name)
        if gate is None:
            yield f"the gate {name} did not run"
        elif gate.passed and not gate.full:
            yield f"the gate {name} did not run in full"


def _tests_missing(claim: Claim, proofs: Iterable[Proof], facts: Facts) -> Iterator[str]:
    """Name each test that left no record where it should have; one that does not exist at all is an error."""
    ran = {(proof.test, proof.gate) for proof in proofs}
    for proof in proofs:
        if proof.passed + proof.failed < proof.cases:
            yield f"{proof.test}: {proof.cases - proof.passed - proof.failed} of {proof.cases} not run in {proof.gate}"
    for test in claim.tests:
        acceptance = test.startswith("acceptance/")
        possible = [name for name in facts.gates if (layout.stack_of(name) is not None) == acceptance]
        in_gates = {gate for one, gate in ran if one == test}
        if not in_gates:
            # Of these gates only core has every test of tests/; each e2e gate has every test of acceptance/.
            whole = [name for name in possible if facts.gates[name].full and (acceptance or name == "core")]
            if whole:
                message = (
                    f"the claim {claim.id} stands on {test}, which does not exist: {whole[0]} ran in full without it"
                )
                raise ClaimsError(message)
            yield f"{test} did not run"
        elif acceptance:
            for stack in claim.stacks:
                if f"e2e-{stack}" not in in_gates:
                    yield f"{test} did not run on the {stack} stack"


def _stacks(claim: Claim, proofs: Iterable[Proof]) -> tuple[str, ...]:
    gates = [*(proof.gate for proof in proofs), *claim.gates]
    found = dict.fromkeys(stack for gate in gates if (stack := layout.stack_of(gate)) is not None)
    return tuple(stack for stack in found if not claim.stacks or stack in claim.stacks)


def _standins(claim: Claim, stacks: Iterable[str], facts: Facts) -> tuple[str, ...]:
    """Name what no stack of the claim had the original of."""
    found = []
    for subject in claim.about:
        servers = [facts.stacks[stack][subject] for stack in stacks if subject in facts.stacks.get(stack, {})]
        if servers and all(server.standin_for for server in servers):
            found += [server.standin_for for server in servers if server.standin_for]
    return tuple(dict.fromkeys(found))


def _on(claim: Claim, stacks: tuple[str, ...], facts: Facts) -> tuple[str, ...]:
    where: dict[str, list[str]] = {}
    for subject in claim.about:
        for stack in stacks:
            if server := facts.stacks.get(stack, {}).get(subject):
                where.setdefault(server.label, []).append(stack)
    if where:
        return tuple(f"{label} ({', '.join(names)})" for label, names in where.items())
    names = dict.fromkeys(
        [
            *(gate for gate in facts.gates if gate in claim.gates),
            *_gates_of(claim, facts),
            *(f"git {f}" for f in claim.git),
        ]
    )
    return tuple(names)


def _gates_of(claim: Claim, facts: Facts) -> Iterator[str]:
    for test in claim.tests:
        yield from (proof.gate for proof in _proofs(test, facts))


def _files(claim: Claim, proofs: Iterable[Proof], facts: Facts) -> Iterator[str]:
    gates = dict.fromkeys([*claim.gates, *(proof.gate for proof in proofs)])
    names = [
        *claim.files,
        *(layout.gate_junit(gate) + layout.PACKED for gate in gates),
        *(layout.gate_record(gate) for gate in claim.gates),
    ]
    return (name for name in dict.fromkeys(names) if name in facts.files)


def _clean(git: Mapping[str, Any]) -> tuple[Status, str]:
    if git.get("dirty") is False:
        return Status.PASS, ""
    return Status.FAIL, "the tree differed from its commit"


def _pushed(git: Mapping[str, Any]) -> tuple[Status, str]:
    if git.get("pushed") is True:
        return Status.PASS, ""
    if not git.get("remote"):
        return Status.NOT_RUN, "the repository has no remote to push to"
    return Status.NOT_RUN, "the commit was not on a remote branch when the run began"


def _raw_urls(git: Mapping[str, Any]) -> tuple[Status, str]:
    changed = [change for change in git.get("changed", ()) if change["status"] != "D"]
    if changed and all(change["raw_url"] for change in changed):
        return Status.PASS, ""
    return Status.NOT_RUN, "the repository has no remote that shows files by a raw URL"


_GIT: Final[Mapping[str, Callable[[Mapping[str, Any]], tuple[Status, str]]]] = {
    "clean": _clean,
    "pushed": _pushed,
    "raw_urls": _raw_urls,
}
