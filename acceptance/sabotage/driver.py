"""Tries sabotages: copy, break, run the named tests, judge.

What shares the one stack runs one after the other; beside it, on the other core, what needs no stack or starts its own.
Before any sabotage the same tests run on an unbroken copy: what is red there would be red for no sabotage's sake.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from acceptance.sabotage.checkout import copy_checkout, link_copy
from acceptance.sabotage.edits import EditError
from acceptance.sabotage.judge import Catch, RecordedRun, SabotageResult, brief, judge, read_record
from acceptance.sabotage.recorder import VARIABLE
from acceptance.sabotage.row import STACK, Place, Sabotage
from acceptance.sabotage.shared_stack import SharedStack, open_shared_stack
from acceptance.stack.interface import StackError

ON_ANY_STACK = "acceptance/test_services.py::test_every_service_is_healthy"  # what a stack that starts makes pass
RECORDER = "acceptance.sabotage.recorder"
_SECONDS = 600.0  # that one run may take; what hangs has not caught anything
_TEST_SECONDS = 300  # that one test may take, on a busy machine too
_LEFT_OUT = ("PYTEST_", "PREFLIGHT_", "PYTHONPATH")  # of the environment: it must not choose tests or settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Sabotages that are tried in one copy and one run."""

    place: Place
    rows: tuple[Sabotage, ...]

    @property
    def tests(self) -> tuple[str, ...]:
        """Ids of the tests that have to fail, each once."""
        named = (test for row in self.rows for test in row.caught)
        return tuple(dict.fromkeys(ON_ANY_STACK if test == STACK else test for test in named))


def batches(rows: Iterable[Sabotage]) -> tuple[Batch, ...]:
    """Put together what may be tried together, in the order of the rows."""
    found: dict[tuple[Place, str], list[Sabotage]] = {}
    for row in rows:
        found.setdefault((row.place, row.together or f"alone: {row.path}"), []).append(row)
    return tuple(Batch(place=place, rows=tuple(members)) for (place, _), members in found.items())


def try_all(
    rows: Sequence[Sabotage], *, checkout: Path, folder: Path, tell: Callable[[SabotageResult], object]
) -> tuple[SabotageResult, ...]:
    """Try sabotages.

    Args:
        rows: What to try.
        checkout: The real one; it is only read.
        folder: Private to this user; takes the copies.
        tell: Is given each finding as soon as there is one.

    Returns:
        A finding for each row, in their order.

    Raises:
        StackError: The stack does not start.
    """
    lanes = [[b for b in batches(rows) if (b.place is Place.SHARED) is shared] for shared in (True, False)]
    opened = open_shared_stack(checkout, folder) if lanes[0] else nullcontext()
    with opened as stack, ThreadPoolExecutor(max_workers=2) as pool:
        whole = copy_checkout(checkout, folder / "whole")
        trial = _Trial(whole=whole, folder=folder, stack=stack, tell=tell)
        for red in pool.map(trial.unbroken, lanes):
            trial.red.update(red)
        found = {finding.row.path: finding for lane in pool.map(trial.lane, lanes) for finding in lane}
    return tuple(found[row.path] for row in rows)


@dataclass(slots=True, kw_only=True)
class _Trial:
    whole: Path
    folder: Path
    stack: SharedStack | None
    tell: Callable[[SabotageResult], object]
    red: dict[tuple[Place, str], str] = field(default_factory=dict)  # what fails where nothing is broken -> its words

    def unbroken(self, lane: Sequence[Batch]) -> dict[tuple[Place, str], str]:
        """Run every test of a lane on an unbroken copy; give what did not pass, and what it said."""
        red: dict[tuple[Place, str], str] = {}
        for place in Place:
            # Nothing is broken: neither is any file put beside the gate's own.
            rows = tuple(replace(row, textfiles={}) for batch in lane if batch.place is place for row in batch.rows)
            if not rows:
                continue
            batch = Batch(place=place, rows=rows)
            record = self._run(batch, link_copy(self.whole, self._name(f"unbroken-{place}")))
            for test in batch.tests:
                if test not in record.passed:
                    red[place, test] = record.failed.get(test, f"did not run: {record.said[-2000:]}")
        return red

    def lane(self, lane: Sequence[Batch]) -> list[SabotageResult]:
        """Try batch after batch."""
        return [finding for batch in lane for finding in self._try(batch)]

    def _try(self, batch: Batch) -> Iterator[SabotageResult]:
        begun = time.monotonic()
        copy = link_copy(self.whole, self._name(batch.rows[0].path.replace("/", "-")))
        applied, findings = [], []
        for row in batch.rows:
            if red := [test for test in row.caught if (row.place, test) in self.red]:
                why = f"{red[0]}: {brief(self.red[row.place, red[0]])}"
                findings.append(SabotageResult(row=row, catch=Catch.UNSOUND, why=why))
                continue
            try:
                row.apply(copy)
            except EditError as error:
                findings.append(SabotageResult(row=row, catch=Catch.UNFIT, why=str(error)))
            else:
                applied.append(row)
        if applied:
            tried = Batch(place=batch.place, rows=tuple(applied))
            try:
                record = self._run(tried, copy)
            except StackError as error:
                record = RecordedRun(said=f"the stack: {error}")
            seconds = time.monotonic() - begun
            findings += [judge(row, record, seconds) for row in applied]
        shutil.rmtree(copy)
        for finding in findings:
            self.tell(finding)
            yield finding

    def _name(self, name: str) -> Path:
        return self.folder / "copies" / name

    def _run(self, batch: Batch, copy: Path) -> RecordedRun:
        """Run the tests of a batch in a copy."""
        options: tuple[str, ...] = ()
        if batch.place is Place.SHARED and self.stack is not None:
            textfiles = {name: text for row in batch.rows for name, text in row.textfiles.items()}
            self.stack.prepare(copy, textfiles)
            options = ("--stack", "lent", "--lent-stack", str(self.stack.file))
        elif batch.place is Place.OWN:
            options = ("--stack", "embedded", "--grafana", "standin")
        record, said = copy / "record.jsonl", copy / "said.txt"
        argv = (
            *(sys.executable, "-m", "pytest", *batch.tests, *options),
            *(
                "--timeout",
                str(_TEST_SECONDS),
                "-p",
                "no:cacheprovider",
                "-p",
                RECORDER,
                "--evidence-dir",
                str(copy / "artifacts"),
            ),
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
        with said.open("wb") as sink:
            process = subprocess.Popen(
                argv, cwd=copy, env={**kept, VARIABLE: str(record)}, stdout=sink, stderr=subprocess.STDOUT
            )
            try:
                process.wait(timeout=_SECONDS)
            except subprocess.TimeoutExpired:
                process.terminate()
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        return read_record(record, said.read_text(encoding="utf-8", errors="replace"))
