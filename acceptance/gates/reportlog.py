"""Reads pytest-reportlog's file: what became of each test, and whether the run came to its end.

A run that is cut off leaves no closing record, whatever its exit code; that is how it is recognised.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from acceptance.gates.interface import Counts

_PHASES: Final = frozenset({"setup", "call", "teardown"})
_WORST_FIRST: Final = ("failed", "error", "xpassed", "xfailed", "skipped")


class ReportLogError(Exception):
    """The file is not a report log; the text names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one or several pytest runs recorded. Each test is in exactly one of the first six."""

    passed: frozenset[str] = frozenset()  # set-up, call and tear-down each passed, once
    failed: frozenset[str] = frozenset()
    error: frozenset[str] = frozenset()  # set-up, tear-down or collection broke
    skipped: frozenset[str] = frozenset()
    xfailed: frozenset[str] = frozenset()
    xpassed: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()  # begun, and no phase failed, but not all three are there
    twice: frozenset[str] = frozenset()  # recorded more than once, whatever became of it
    closed: bool = True  # every run has its closing record
    exit_statuses: tuple[int, ...] = ()  # of the runs, from their closing records
    why: tuple[tuple[str, str], ...] = ()  # (test, first line of the reason) of what was skipped

    @property
    def known(self) -> frozenset[str]:
        """Every test that has any record."""
        return self.passed | self.failed | self.error | self.skipped | self.xfailed | self.xpassed | self.unfinished

    @property
    def counts(self) -> Counts:
        """How many there are of each."""
        return Counts(
            passed=len(self.passed),
            failed=len(self.failed),
            error=len(self.error) + len(self.unfinished),
            skipped=len(self.skipped),
            xfailed=len(self.xfailed),
            xpassed=len(self.xpassed),
        )


def read(paths: Iterable[Path]) -> Seen:
    """Read the report logs of runs that together are one gate.

    Raises:
        ReportLogError: a line is not what pytest-reportlog writes. A last line that was cut off is left out.
    """
    reading = Reading()
    for path in paths:
        reading.begin()
        for number, entry in _entries(path):
            try:
                _take(reading, entry)
            except (KeyError, TypeError, ValueError) as error:
                raise ReportLogError(f"{path.name}, line {number} is not a report of pytest: {error!r}") from error
    return reading.seen()


class Reading:
    """Takes in reports one by one, from a file or while pytest runs."""

    def __init__(self) -> None:
        self._passed: dict[str, set[str]] = {}  # test -> phases that passed
        self._reports: Counter[tuple[str, str]] = Counter()  # (test, phase) -> times it was reported
        self._marks: dict[str, set[str]] = {name: set() for name in _WORST_FIRST}
        self._why: dict[str, str] = {}
        self._runs = 0
        self._statuses: list[int] = []

    def begin(self) -> None:
        """A run begins; it counts as cut off until `close`."""
        self._runs += 1

    def close(self, exit_status: int) -> None:
        """The run came to its end."""
        self._statuses.append(exit_status)

    def collected(self, nodeid: str, outcome: str, why: str = "") -> None:
        """Take in what became of collecting a file or class."""
        if outcome != "passed":
            self._marks["error" if outcome == "failed" else "skipped"].add(nodeid)
            self._why[nodeid] = why

    def phase(
        self, nodeid: str, when: str, outcome: str, *, xfail: bool = False, subtest: bool = False, why: str = ""
    ) -> None:
        """Take in one phase of one test.

        Args:
            nodeid: pytest's id.
            when: ``setup``, ``call`` or ``teardown``.
            outcome: ``passed``, ``failed`` or ``skipped``.
            xfail: it carries that mark; to pass against it proves nothing either.
            subtest: this is a part of a test and not the test.
            why: the reason of a skip.
        """
        passed = self._passed.setdefault(nodeid, set())
        if not subtest:
            self._reports[nodeid, when] += 1
        if outcome == "failed":
            self._marks["failed" if when == "call" else "error"].add(nodeid)
        elif outcome == "skipped":
            self._marks["xfailed" if xfail else "skipped"].add(nodeid)
            self._why[nodeid] = why
        elif xfail and when == "call":
            self._marks["xpassed"].add(nodeid)
        elif not subtest:
            passed.add(when)

    def seen(self) -> Seen:
        """Put each test in one place: the worst of its phases counts."""
        placed: set[str] = set()
        worst = {}
        for name in _WORST_FIRST:
            worst[name] = frozenset(self._marks[name] - placed)
            placed |= self._marks[name]
        rest = set(self._passed) - placed
        passed = frozenset(test for test in rest if self._passed[test] >= _PHASES)
        return Seen(
            passed=passed,
            unfinished=frozenset(rest - passed),
            twice=frozenset(test for (test, _), times in self._reports.items() if times > 1),
            closed=self._runs == len(self._statuses),
            exit_statuses=tuple(self._statuses),
            why=tuple(sorted(self._why.items())),
            **worst,
        )


def _take(reading: Reading, entry: dict[str, Any]) -> None:
    match entry.get("$report_type"):
        case "SessionFinish":
            reading.close(int(entry["exitstatus"]))
        case "CollectReport":
            reading.collected(entry["nodeid"], entry["outcome"], _reason(entry))
        case "TestReport" | "SubTestReport" | "SubtestReport" as kind:
            reading.phase(
                entry["nodeid"],
                entry["when"],
                entry["outcome"],
                xfail="wasxfail" in entry,
                subtest=kind != "TestReport",
                why=_reason(entry),
            )
        case "SessionStart" | "WarningMessage":
            return
        case other:
            raise ReportLogError(f"a record of a kind that is not known here: {other!r}")


def _reason(entry: dict[str, Any]) -> str:
    """The last line of what pytest says of a skip or a broken collection: the reason itself."""
    said = entry.get("wasxfail") or entry.get("longrepr")
    if isinstance(said, list):  # a skip: path, line, reason
        said = said[-1]
    if isinstance(said, dict):
        said = (said.get("reprcrash") or {}).get("message") or said.get("longrepr") or ""
    lines = [line.strip() for line in str(said or "").splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _entries(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
    except FileNotFoundError:
        return  # pytest did not come to write one
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            if number == len(lines) and not line.endswith("\n"):
                return  # cut off while it was written: the run has no closing record
            raise ReportLogError(f"{path.name}, line {number} is not JSON") from error
        if not isinstance(entry, dict):
            raise ReportLogError(f"{path.name}, line {number} is not an object")
        yield number, entry
