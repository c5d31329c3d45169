"""What became of each test, read from pytest's own report log."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evidence import strict_json
from evidence.errors import DocumentError

#: What can become of a test, worst first. `begun`: it started and there is no end of it.
OUTCOMES: Final = ("failed", "error", "begun", "xpassed", "skipped", "xfailed", "passed")
#: Those of which a gate's record counts the tests.
COUNTED: Final = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
_CLOCK: Final = 2.0  # seconds by which a machine's clock may have been set back during a test
_INSIDE: Final = frozenset({"SessionFinish", "CollectReport", "TestReport", "SubtestReport", "SubTestReport"})
_PHASES = frozenset({"setup", "call", "teardown"})


@dataclass(slots=True)
class _Test:
    good: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)  # members of OUTCOMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A report log."""

    tests: Mapping[str, str]  # node id -> one of OUTCOMES; a module that did not import counts as one test
    sessions: int  # how often pytest started
    exit_codes: tuple[int, ...]  # of the sessions that came to their end
    first: float | None  # Unix seconds: the earliest start and
    last: float | None  # the latest end of a test, where pytest says so
    twice: tuple[str, ...] = ()  # node ids of which a phase was reported more than once

    @property
    def ended(self) -> bool:
        """Tell whether pytest ran, and each time came to its end."""
        return self.sessions == len(self.exit_codes) > 0

    def counts(self) -> dict[str, int]:
        """Return how many tests there are of each of `COUNTED`; one without an end counts as an error."""
        outcomes = ["error" if outcome == "begun" else outcome for outcome in self.tests.values()]
        return {name: outcomes.count(name) for name in COUNTED}


def read_log(data: bytes, name: str) -> Log:
    """Read a report log; of several sessions in one file the worst outcome of a test counts.

    Args:
        data: JSON lines, as pytest-reportlog writes them.
        name: how to call the file in an error.

    Raises:
        DocumentError: it is not a report log. A last line that was cut off is one, too.
    """
    tests: dict[str, _Test] = {}
    codes: list[int] = []
    sessions = 0
    running = False
    first: float | None = None
    last: float | None = None
    reports: Counter[tuple[str, str]] = Counter()
    for number, entry in _entries(data, name):
        try:
            if not running and entry.get("$report_type") in _INSIDE:
                raise ValueError("it lies outside of a session")
            match entry.get("$report_type"):
                case "SessionStart":
                    sessions += 1
                    running = True
                case "SessionFinish":
                    codes.append(int(entry["exitstatus"]))
                    running = False
                case "CollectReport":
                    _collected(tests, entry)
                case "TestReport" | "SubtestReport" | "SubTestReport" as kind:
                    reports[str(entry["nodeid"]), str(entry["when"])] += kind == "TestReport"
                    _phase(tests.setdefault(str(entry["nodeid"]), _Test()), entry)
                    start, stop = entry.get("start"), entry.get("stop")
                    if isinstance(start, int | float) and isinstance(stop, int | float):
                        _forwards(start, stop)
                        first = start if first is None else min(first, start)
                        last = stop if last is None else max(last, stop)
        except (KeyError, TypeError, ValueError) as error:
            message = f"{name} line {number} is not a report of pytest: {error!r}"
            raise DocumentError(message) from error
    outcomes = {nodeid: _worst(test) for nodeid, test in tests.items()}
    twice = tuple(sorted({nodeid for (nodeid, _), times in reports.items() if times > 1}))
    return Log(tests=outcomes, sessions=sessions, exit_codes=tuple(codes), first=first, last=last, twice=twice)


def _forwards(start: float, stop: float) -> None:
    if not (math.isfinite(start) and start <= stop + _CLOCK):
        raise ValueError(f"it ended at {stop}, before it began at {start}")


def _entries(data: bytes, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            # A message of a test may hold any number and half a character; what is counted here is looked at itself.
            entry = json.loads(line, object_pairs_hook=strict_json.unique)
        except (ValueError, RecursionError) as error:
            message = f"{name} line {number} is not JSON: {error}"
            raise DocumentError(message) from error
        if not isinstance(entry, dict):
            raise DocumentError(f"{name} line {number} is not a JSON object")
        yield number, entry


def _collected(tests: dict[str, _Test], entry: Mapping[str, Any]) -> None:
    """A module, class or folder that broke or skipped itself took its tests with it."""
    if entry["outcome"] == "failed":
        tests.setdefault(str(entry["nodeid"]), _Test()).bad.add("error")
    elif entry["outcome"] == "skipped":
        tests.setdefault(str(entry["nodeid"]), _Test()).bad.add("skipped")


def _phase(test: _Test, entry: Mapping[str, Any]) -> None:
    when, outcome, expected_failure = entry["when"], entry["outcome"], "wasxfail" in entry
    if outcome == "failed":
        test.bad.add("failed" if when == "call" else "error")
    elif outcome == "skipped":
        test.bad.add("xfailed" if expected_failure else "skipped")
    elif expected_failure and when == "call":
        test.bad.add("xpassed")
    else:
        test.good.add(when)


def _worst(test: _Test) -> str:
    found = next((outcome for outcome in OUTCOMES if outcome in test.bad), None)
    if found is not None:
        return found
    return "passed" if test.good >= _PHASES else "begun"
