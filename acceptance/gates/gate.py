"""One gate from its plan to its verdict: run the parts, read what pytest recorded, compare with the committed list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from acceptance.gates import expected, reportlog
from acceptance.gates.expected import Expected, ExpectedError
from acceptance.gates.interface import Coverage, Verdict
from acceptance.gates.lanes import Done, Part, Say, Tests, run_lanes
from acceptance.gates.reportlog import ReportLogError
from acceptance.gates.verdict import judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a gate is going to do."""

    gate: str  # fast, core, e2e or git
    lanes: tuple[tuple[Part, ...], ...]
    log: str  # its name at the top of the bundle
    stack: str | None = None
    list_file: str | None = None  # the committed list, relative to the project; None: no tests
    legs: tuple[str, ...] | None = None  # of that list; None: all
    earlier: tuple[Path, ...] = ()  # report logs of tests that another gate of the same bundle has run
    notes: tuple[str, ...] = ()  # what does not run here, and why

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of them, lane by lane."""
        return tuple(part for lane in self.lanes for part in lane)

    @property
    def report_logs(self) -> tuple[Path, ...]:
        """Where pytest's records will be."""
        return (*self.earlier, *(part.run.report_log for part in self.parts if isinstance(part, Tests)))

    @property
    def junit_files(self) -> tuple[Path, ...]:
        """Where its JUnit files will be."""
        own = (part.run.junit for part in self.parts if isinstance(part, Tests))
        return tuple(path for path in own if path is not None)


def run(plan: Plan, project: Path, say: Say, *, beside: bool = True) -> tuple[Verdict, tuple[Done, ...]]:
    """Run a gate.

    Returns:
        What it was worth, and what came of each part.

    Raises:
        ExpectedError: the committed list cannot be used, so that nothing could count.
    """
    wanted = _list(plan, project)  # first: without it every test would run for nothing
    done = run_lanes(plan.lanes, say, beside=beside)
    return verdict_of(plan, done, wanted), done


def verdict_of(plan: Plan, done: Sequence[Done], wanted: Expected | None) -> Verdict:
    """Say what the parts of a gate were worth together."""
    steps = tuple(
        f"{one.part.name} ended with exit code {one.exit_code}"
        for one in done
        if one.exit_code != 0 and not isinstance(one.part, Tests)
    )
    if wanted is None:
        return Verdict(coverage=Coverage.FULL, reasons=steps, failed=bool(steps))
    try:
        seen = reportlog.read(plan.report_logs)
    except ReportLogError as error:
        return Verdict(coverage=Coverage.INCOMPLETE, reasons=(*steps, str(error)), failed=bool(steps))
    codes = [one.exit_code for one in done if isinstance(one.part, Tests)]
    verdict = judge(seen, wanted, exit_codes=codes)
    return replace(
        verdict,
        reasons=(*steps, *plan.notes, *verdict.reasons),
        failed=verdict.failed or bool(steps),
    )


def _list(plan: Plan, project: Path) -> Expected | None:
    if plan.list_file is None:
        return None
    listed = expected.read(project / plan.list_file)
    wanted = listed if plan.legs is None else listed.of(plan.legs)
    if not wanted.lines:
        raise ExpectedError(f"{plan.list_file} has no test of the legs {', '.join(plan.legs or ())}: `make expected`")
    return wanted
