"""Says of each sabotage whether it was caught, and whether for its own reason."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from acceptance.sabotage.row import STACK, Sabotage

# Of a traceback only what was raised counts: the lines of source above it hold words that nobody has said.
_RAISED = re.compile(r"^E(?:$| .*$)", re.MULTILINE)
_SHOWN = 400  # characters of a failure in the table


class Catch(StrEnum):
    """What came of a sabotage. Anything but the first fails."""

    RIGHT = "caught for the right reason"
    OTHER = "caught for another reason"
    MISSED = "NOT CAUGHT"
    UNFIT = "its edit does not apply"
    UNSOUND = "its test fails unbroken"


@dataclass(frozen=True, slots=True, kw_only=True)
class SabotageResult:
    """The judgement on one sabotage."""

    row: Sabotage
    catch: Catch
    why: str = ""  # empty where it was caught for the right reason
    seconds: float = 0.0  # of the run that it was part of


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """What one pytest run did."""

    failed: Mapping[str, str] = field(default_factory=dict)  # id of a test, or of a file -> all that it raised
    passed: frozenset[str] = frozenset()  # ids of tests that passed in each phase
    ended: bool = False  # the run came to its end
    said: str = ""  # the end of what pytest printed, for where a test did not run


def read_record(path: Path, said: str) -> RecordedRun:
    """Read what `recorder` wrote; an absent file is a run that did nothing."""
    failed: dict[str, str] = {}
    begun: set[str] = set()
    ended = False
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for line in lines:
        record = json.loads(line)
        if record["phase"] == "end":
            ended = True
            continue
        begun.add(record["test"])
        if record["outcome"] != "passed":
            raised = "\n".join(_RAISED.findall(record["said"])) or record["said"]
            failed[record["test"]] = f"{failed.get(record['test'], '')}{raised}\n"
    return RecordedRun(failed=failed, passed=frozenset(begun - failed.keys()), ended=ended, said=said)


def judge(row: Sabotage, record: RecordedRun, seconds: float = 0.0) -> SabotageResult:
    """Judge one sabotage by the run that its tests were part of."""

    def found(catch: Catch, why: str = "") -> SabotageResult:
        return SabotageResult(row=row, catch=catch, why=why, seconds=seconds)

    if not record.passed and not record.failed and (words := row.caught.get(STACK)):
        missing = [word for word in words if word not in record.said]
        said = f"the stack does not say {', '.join(map(repr, missing))} but: {brief(record.said)}"
        return found(Catch.OTHER, said) if missing or "the stack: " not in record.said else found(Catch.RIGHT)
    if STACK in row.caught:
        return found(Catch.MISSED, "the stack started all the same")
    silent = [test for test in row.caught if test in record.passed]
    if len(silent) == len(row.caught):
        return found(Catch.MISSED, f"passed all the same: {', '.join(silent)}")
    absent = [test for test in row.caught if test not in record.passed and test not in record.failed]
    if len(absent) == len(row.caught):
        return found(Catch.MISSED, f"did not run: {', '.join(absent)}; pytest said: {brief(record.said)}")
    troubles = [f"{test} passed" for test in silent]
    troubles += [f"{test} did not run" for test in absent]
    for test in row.caught:
        if test in record.failed:
            raised = record.failed[test]
            if missing := [word for word in row.caught[test] if word not in raised]:
                troubles.append(f"{test} does not say {', '.join(map(repr, missing))} but: {brief(raised)}")
    return found(Catch.OTHER, "; ".join(troubles)) if troubles else found(Catch.RIGHT)


def brief(text: str) -> str:
    """Give the end of what was said, on one line."""
    flat = " | ".join(line.strip() for line in text.splitlines() if line.strip())
    return flat if len(flat) <= _SHOWN else f"...{flat[-_SHOWN:]}"
