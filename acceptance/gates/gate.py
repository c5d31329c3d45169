"""One gate from its plan to its outcome: run the parts, read what pytest recorded, compare with the committed list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from acceptance.gates import expected
from acceptance.gates.lanes import Done, Part, Say, Tests, run_lanes
from evidence.errors import DocumentError
from evidence.verdict.expected import Expected
from evidence.verdict.gate import Coverage, GateOutcome, Step, judge_gate
from evidence.verdict.tests import COUNTED, Log, read_log


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a gate is going to do."""

    gate: str  # fast, core, e2e-<stack> or git
    lanes: tuple[tuple[Part, ...], ...]
    log: str  # its name at the top of the bundle
    stack: str | None = None  # of an e2e gate
    list_file: str | None = None  # the committed list, relative to the project; None: no tests
    legs: tuple[str, ...] | None = None  # of that list; None: all
    files: tuple[str, ...] | None = None  # of that list; None: all
    notes: tuple[str, ...] = ()  # what does not run here or was left out on purpose, and why; makes it PARTIAL

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of them, lane by lane."""
        return tuple(part for lane in self.lanes for part in lane)

    @property
    def runs(self) -> tuple[Tests, ...]:
        """Those that are runs of pytest."""
        return tuple(part for part in self.parts if isinstance(part, Tests))

    def expected(self, project: Path) -> tuple[str, Expected] | None:
        """The tests that have to run, as text and read; None for a gate without tests.

        Raises:
            ExpectedError: the committed list cannot be used.
        """
        return (
            None
            if self.list_file is None
            else expected.read(project / self.list_file, legs=self.legs, files=self.files)
        )


def run(plan: Plan, project: Path, say: Say, *, beside: bool = True) -> tuple[GateOutcome, tuple[Done, ...]]:
    """Run a gate.

    Returns:
        What it proved, and what came of each part.

    Raises:
        ExpectedError: the committed list cannot be used, so that nothing could count.
    """
    wanted = plan.expected(project)  # first: without it every test would run for nothing
    done = run_lanes(plan.lanes, say, beside=beside)
    return outcome_of(plan, done, None if wanted is None else wanted[1]), done


def outcome_of(plan: Plan, done: Sequence[Done], wanted: Expected | None) -> GateOutcome:
    """Say what the parts of a gate proved together."""
    try:
        log = read_log(report_log(plan), "the report log") if plan.runs else None
    except DocumentError as error:
        return GateOutcome(
            gate=plan.gate,
            result=Coverage.INCOMPLETE,
            passed=False,
            failed=False,
            reasons=(str(error),),
            counts=dict.fromkeys(COUNTED, 0),
        )
    code = next((one.exit_code for one in done if isinstance(one.part, Tests) and one.exit_code != 0), 0)
    outcome = judge_gate(plan.gate, log=log, expected=wanted, steps=steps_of(done), exit_code=code)
    reasons = (*plan.notes, *_endings(done, log), *outcome.reasons)
    if reasons == outcome.reasons:
        return outcome
    result = outcome.result if outcome.result is not Coverage.FULL else Coverage.PARTIAL
    return replace(outcome, result=result, passed=False, reasons=reasons)


def steps_of(done: Sequence[Done]) -> tuple[Step, ...]:
    """What ran beside pytest, as the evidence keeps it."""
    return tuple(
        Step(name=one.part.name, argv=one.part.argv, exit_code=one.exit_code, seconds=one.seconds)
        for one in done
        if not isinstance(one.part, Tests)
    )


def report_log(plan: Plan) -> bytes:
    """The report logs of a gate's runs as one, without a last line that was cut off because its run was killed."""
    return b"".join(_whole_lines(part.run.report_log) for part in plan.runs)


def _whole_lines(path: Path) -> bytes:
    data = path.read_bytes() if path.is_file() else b""  # pytest may not have come to write one
    return data[: data.rfind(b"\n") + 1]


def _endings(done: Sequence[Done], log: Log | None) -> Iterator[str]:
    """Say how pytest ended where its records alone do not tell."""
    if log is not None and not log.ended:
        for one in done:
            if isinstance(one.part, Tests):
                how = f"signal {-one.exit_code}" if one.exit_code < 0 else f"exit code {one.exit_code}"
                yield f"no closing record: {one.part.name} ended with {how}"
