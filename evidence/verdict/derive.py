"""Derives the verdict on a run from its records. Seal writes it down; verify derives it again and compares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from evidence import schema
from evidence.bundle import layout
from evidence.bundle.names import expected_name, is_portable
from evidence.bundle.snapshot import Snapshot
from evidence.errors import DocumentError
from evidence.git import raw_url
from evidence.problems import Problem
from evidence.times import seconds
from evidence.verdict.documents import Documents
from evidence.verdict.gate import SLACK, Coverage, GateFiles, read_gate
from evidence.verdict.stack import VERSIONS, StackFiles, read_stack
from evidence.verdict.tests import COUNTED

_GATE: Final = re.compile(r"gates/(?P<gate>[a-z0-9-]+)\.json")
_STACK: Final = re.compile(r"e2e/(?P<stack>[a-z]+)/")
#: How a gate's log begins, and how it ends.
_GATE_SAYS: Final = re.compile(
    r"^[0-9:]{8} gate (?P<gate>[a-z0-9-]+)(?:: | (?P<result>FULL|PARTIAL|INCOMPLETE): )", re.MULTILINE
)
_LOGS: Final = {"fast": layout.FAST_LOG, "core": layout.CORE_LOG}


class Result(StrEnum):
    """What a bundle says of its run."""

    PASSED = "PASSED"  # every gate is there, FULL, and no record contradicts another
    FAILED = "FAILED"  # something failed, or a record contradicts another
    PARTIAL = "PARTIAL"  # nothing failed, yet something was left out
    INCOMPLETE = "INCOMPLETE"  # a gate did not come to its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a bundle's records prove."""

    result: Result
    reasons: tuple[str, ...]  # why it is not PASSED; none when it is
    run: Mapping[str, Any]  # run.json
    gates: Mapping[str, GateFiles]
    stacks: Mapping[str, StackFiles]
    problems: tuple[Problem, ...]  # contradictions: an untouched bundle has none

    @property
    def missing_gates(self) -> tuple[str, ...]:
        """Return which gates did not run into this bundle."""
        return tuple(gate for gate in layout.required(self.gates) if gate not in self.gates)

    @property
    def complete(self) -> bool:
        """Tell whether every gate ran, and ran all that it had to."""
        return not self.missing_gates and all(
            self.gates[gate].outcome.result is Coverage.FULL for gate in layout.required(self.gates)
        )

    @property
    def scope(self) -> str:
        """Say which gates ran: ``all gates``, or such as ``e2e only``."""
        return scope_of(self.gates)

    @property
    def counts(self) -> dict[str, int]:
        """Return the tests of all gates by outcome; a test of the fast gate counts again in core."""
        return {name: sum(gate.outcome.counts[name] for gate in self.gates.values()) for name in COUNTED}

    @property
    def tests(self) -> dict[str, dict[str, str]]:
        """Return node id -> gate -> outcome."""
        found: dict[str, dict[str, str]] = {}
        for gate, files in self.gates.items():
            for nodeid, outcome in files.outcome.tests.items():
                found.setdefault(nodeid, {})[gate] = outcome
        return found


def derive(snapshot: Snapshot) -> Verdict:
    """Derive the verdict; of what a manifest or a gate claims nothing is believed.

    Raises:
        DocumentError: ``run.json`` or a gate's record cannot be read, so that nothing can be derived.
    """
    run = _run(snapshot)
    documents = Documents(snapshot)
    problems = [*documents.problems]
    gates = {found["gate"]: read_gate(snapshot, found["gate"]) for found in _found(snapshot, _GATE)}
    names = {found["stack"] for found in _found(snapshot, _STACK)}
    begin = seconds(run["started_at"])
    stacks = {}
    for stack in sorted(names):
        gate = gates.get(layout.e2e_gate(stack))
        if gate is None:
            problems.append(Problem(layout.stack_folder(stack), f"has no {layout.gate_record(layout.e2e_gate(stack))}"))
        window = (begin, begin) if gate is None else (gate.begin - SLACK, gate.end + SLACK)
        stacks[stack] = read_stack(snapshot, documents, stack, window)
    problems += [problem for gate_files in gates.values() for problem in gate_files.problems]
    problems += [problem for stack_files in stacks.values() for problem in stack_files.problems]
    problems += _identity(snapshot, run, gates)
    problems += _git(run["git"])
    problems += _twice(snapshot)
    problems += _runs(stacks)
    problems += _gate_logs(snapshot, gates)
    problems += _machine(documents, run, stacks)
    problems += _copies(snapshot, stacks)
    problems += _materials(snapshot, documents)
    result, reasons = _conclude(gates, stacks, problems, snapshot)
    return Verdict(
        result=result, reasons=reasons, run=run, gates=gates, stacks=stacks, problems=tuple(dict.fromkeys(problems))
    )


def scope_of(gates: Mapping[str, object]) -> str:
    """Say which of the gates these are: ``all gates``, or such as ``e2e only``."""
    present = [gate for gate in layout.ALL_GATES if gate in gates]
    if len(present) == len(layout.ALL_GATES):
        return "all gates"
    others = sorted(set(gates) - set(layout.ALL_GATES))
    words = list(dict.fromkeys("e2e" if gate.startswith("e2e-") else gate for gate in (*present, *others)))
    if words == ["e2e"] and len(present) < 2:
        return "e2e only"
    return f"{' and '.join(words)} only" if words else "no gate"


def _conclude(
    gates: Mapping[str, GateFiles],
    stacks: Mapping[str, StackFiles],
    problems: list[Problem],
    snapshot: Snapshot,
) -> tuple[Result, tuple[str, ...]]:
    outcomes = [files.outcome for files in gates.values()]
    reasons = [f"{one.gate}: {reason}" for one in outcomes for reason in one.reasons]
    lacking = [gate for gate in layout.required(gates) if gate not in gates]
    if lacking:
        reasons.append(f"{scope_of(gates)}: {', '.join(lacking)} did not run")
    gaps = [gap for files in stacks.values() for gap in files.gaps]
    gaps += [] if layout.SBOM in snapshot.files else [f"{layout.SBOM} is missing"]
    gaps += [f"{log} is missing" for gate, log in _LOGS.items() if gate in gates and log not in snapshot.files]
    gaps += [
        f"{layout.stack_folder(gate.removeprefix('e2e-'))} is missing"
        for gate in gates
        if gate.startswith("e2e-") and gate.removeprefix("e2e-") not in stacks
    ]
    reasons += gaps
    reasons += [f"contradiction in {problem}" for problem in problems]
    if any(one.failed for one in outcomes) or problems:
        return Result.FAILED, tuple(reasons)
    if any(one.result is Coverage.INCOMPLETE for one in outcomes) or not gates:
        return Result.INCOMPLETE, tuple(reasons)
    return (Result.PARTIAL if reasons else Result.PASSED), tuple(reasons)


def _run(snapshot: Snapshot) -> Mapping[str, Any]:
    document = snapshot.json(layout.RUN)
    schema.validate("run", document, layout.RUN)
    if not isinstance(document, dict):  # the schema says so; this tells the type checker
        raise DocumentError(f"{layout.RUN} is not a JSON object")
    return document


def _identity(snapshot: Snapshot, run: Mapping[str, Any], gates: Mapping[str, GateFiles]) -> Iterator[Problem]:
    """The folder, its run and its gates belong together."""
    if run["bundle"] != snapshot.name:
        yield Problem(layout.RUN, f"is of the bundle {run['bundle']}, this folder is {snapshot.name}")
    begin = seconds(run["started_at"])
    git = run["git"]
    name = expected_name(begin, git["short"])
    if not re.fullmatch(re.escape(name) + r"(-\d{1,2})?", run["bundle"]):
        yield Problem(layout.RUN, f"names itself {run['bundle']}; by its start and commit it is {name}")
    if git["commit"] != "unknown" and not git["commit"].startswith(git["short"]):
        yield Problem(layout.RUN, f"shortens the commit {git['commit']} to {git['short']}")
    for gate, files in gates.items():
        if files.begin < begin - SLACK:
            yield Problem(layout.gate_record(gate), f"begins before the run itself ({run['started_at']})")


def _git(git: Mapping[str, Any]) -> Iterator[Problem]:
    """Where a file of the commit can be read follows from the remote and the commit."""
    for change in git["changed"]:
        wanted = None if git["remote"] is None else raw_url(git["remote"], git["commit"], change["path"])
        if change["raw_url"] not in {None, wanted}:
            yield Problem(layout.RUN, f"says that {change['path']} can be read at {change['raw_url']}, not at {wanted}")


def _twice(snapshot: Snapshot) -> Iterator[Problem]:
    """A document lies there once, plain or packed: of two, readers would take different ones."""
    alike: dict[str, str] = {}
    for name in sorted(snapshot.files):
        if not is_portable(name):
            yield Problem(name, "has a name that not every system can hold")
        if (other := alike.setdefault(name.casefold(), name)) != name:
            yield Problem(name, f"is on some systems the same file as {other}")
        if name + layout.PACKED in snapshot.files:
            yield Problem(name, f"lies in the bundle a second time, as {name}{layout.PACKED}")


def _runs(stacks: Mapping[str, StackFiles]) -> Iterator[Problem]:
    """Each stack followed a preflight run of its own."""
    first: dict[str, str] = {}
    for stack, files in stacks.items():
        other = None if files.run_id is None else first.setdefault(files.run_id, stack)
        if other is not None and other != stack:
            yield Problem(layout.stack_folder(stack), f"is of the run {files.run_id}, as {other} is")


def _gate_logs(snapshot: Snapshot, gates: Mapping[str, GateFiles]) -> Iterator[Problem]:
    """What a gate printed is that gate's, and ends as it did."""
    for gate, files in gates.items():
        stack = layout.stack_of(gate)
        name = _LOGS.get(gate) if stack is None else layout.e2e_log(stack)
        data = snapshot.files.get(name or "")
        for found in _GATE_SAYS.finditer("" if data is None else data.decode("utf-8", "replace")):
            if found["gate"] != gate:
                yield Problem(name or "", f"is what the gate {found['gate']} printed")
            elif found["result"] not in {None, files.outcome.result.value}:
                yield Problem(name or "", f"says that the gate is {found['result']}; it is {files.outcome.result}")


def _machine(documents: Documents, run: Mapping[str, Any], stacks: Iterable[str]) -> Iterator[Problem]:
    """All gates of a run ran on one machine."""
    for stack in stacks:
        name = f"{layout.stack_folder(stack)}/{VERSIONS}"
        versions = documents.get(name) or run
        for what in ("python", "platform"):
            if versions[what] != run[what]:
                yield Problem(name, f"says {what}: {versions[what]}; {layout.RUN} says {run[what]}")


def _copies(snapshot: Snapshot, stacks: Mapping[str, StackFiles]) -> Iterator[Problem]:
    """The seed's names at the top hold what the best stack's folder holds."""
    source = source_of_copies(stacks)
    for name in layout.SEED_FILES:
        original = None if source is None else snapshot.files.get(f"{layout.stack_folder(source)}/{name}")
        copy = snapshot.files.get(name)
        if copy is not None and copy != original:
            yield Problem(name, f"differs from the one in {layout.stack_folder(source or '')}")
        elif copy is None and original is not None and layout.MANIFEST in snapshot.files:
            yield Problem(name, f"is missing at the top; {layout.stack_folder(source or '')} has it")


def _materials(snapshot: Snapshot, documents: Documents) -> Iterator[Problem]:
    """The bill of materials is this run's."""
    document = documents.get(layout.SBOM)
    if document is not None and document["metadata"]["component"]["name"] != snapshot.name:
        yield Problem(layout.SBOM, f"is of {document['metadata']['component']['name']}, this folder is {snapshot.name}")


def source_of_copies(stacks: Mapping[str, object]) -> str | None:
    """Return the stack whose files stand at the top too."""
    return next((stack for stack in layout.STACK_ORDER if stack in stacks), None)


def _found(snapshot: Snapshot, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    for name in sorted(snapshot.files):
        found = pattern.match(name)
        if found is not None and (found.end() == len(name) or pattern is _STACK):
            yield found
