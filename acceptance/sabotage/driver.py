"""Tries sabotages: copy, break, run the named tests, judge.

What is tried on a shared stack runs one after the other there; beside it another such stack has its turn, and what
needs no stack or starts its own: a run mostly waits, for the next scrape or for a reload. Before any sabotage the same
tests run on an unbroken copy: what is red there would be red for no sabotage's sake.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from acceptance.sabotage.checkout import copy_checkout, link_copy
from acceptance.sabotage.edits import EditError
from acceptance.sabotage.judge import Catch, RecordedRun, SabotageResult, brief, judge, read_record
from acceptance.sabotage.recorder import VARIABLE
from acceptance.sabotage.row import STACK, Place, Sabotage
from acceptance.sabotage.shared_stack import SharedStack, open_shared_stack
from acceptance.stack.interface import StackError

ON_ANY_STACK = "acceptance/test_services.py::test_every_service_is_healthy"  # what a stack that starts makes pass
RECORDER = "acceptance.sabotage.recorder"
_STACKS = 2  # with the third lane they keep two cores three quarters busy; one stack left more than half idle
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
    shared = deque(batch for batch in batches(rows) if batch.place is Place.SHARED)
    others = deque(batch for batch in batches(rows) if batch.place is not Place.SHARED)
    with ExitStack() as opened, ThreadPoolExecutor(max_workers=_STACKS + 1) as pool:
        stacks = [
            opened.enter_context(open_shared_stack(checkout, folder / f"stack-{number}"))
            for number in range(min(_STACKS, len(shared)))
        ]
        trial = _Trial(whole=copy_checkout(checkout, folder / "whole"), folder=folder, tell=tell)
        lanes = [*((shared, stack) for stack in stacks), (others, None)]
        parts = [*_dealt(shared, stacks), *((place, _tests(others, place), None) for place in (Place.OWN, Place.FILES))]
        for red in pool.map(trial.unbroken, *zip(*parts, strict=True)):
            trial.red.update(red)
        found = {
            finding.row.path: finding for lane in pool.map(trial.lane, *zip(*lanes, strict=True)) for finding in lane
        }
    return tuple(found[row.path] for row in rows)


def _tests(tried: Iterable[Batch], place: Place) -> tuple[str, ...]:
    return tuple(dict.fromkeys(test for batch in tried if batch.place is place for test in batch.tests))


def _dealt(
    tried: Iterable[Batch], stacks: Sequence[SharedStack]
) -> Iterator[tuple[Place, tuple[str, ...], SharedStack]]:
    """Deal the tests over the stacks, file by file: what a file's tests share is made once."""
    files: dict[str, list[str]] = {}
    for test in _tests(tried, Place.SHARED):
        files.setdefault(test.partition("::")[0], []).append(test)
    for number, stack in enumerate(stacks):
        yield (
            Place.SHARED,
            tuple(test for tests in list(files.values())[number :: len(stacks)] for test in tests),
            stack,
        )


@dataclass(slots=True, kw_only=True)
class _Trial:
    whole: Path
    folder: Path
    tell: Callable[[SabotageResult], object]
    red: dict[tuple[Place, str], str] = field(default_factory=dict)  # what fails where nothing is broken -> its words

    def unbroken(self, place: Place, tests: tuple[str, ...], stack: SharedStack | None) -> dict[tuple[Place, str], str]:
        """Run tests on an unbroken copy; give what did not pass, and what it said."""
        if not tests:
            return {}
        copy = link_copy(self.whole, self._name(f"unbroken-{place}-{tests[0].replace('/', '-')}"))
        record = self._run(place, tests, copy, stack)
        missing = (test for test in tests if test not in record.passed)
        return {(place, test): record.failed.get(test, f"did not run: {record.said[-2000:]}") for test in missing}

    def lane(self, tried: deque[Batch], stack: SharedStack | None) -> list[SabotageResult]:
        """Try one batch after the other, until none is left."""
        findings: list[SabotageResult] = []
        while True:
            try:
                batch = tried.popleft()
            except IndexError:
                return findings
            findings += self._try(batch, stack)

    def _try(self, batch: Batch, stack: SharedStack | None) -> Iterator[SabotageResult]:
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
                textfiles = {name: text for row in applied for name, text in row.textfiles.items()}
                record = self._run(batch.place, tried.tests, copy, stack, textfiles)
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

    def _run(
        self,
        place: Place,
        tests: Sequence[str],
        copy: Path,
        stack: SharedStack | None,
        textfiles: Mapping[str, str] = MappingProxyType({}),
    ) -> RecordedRun:
        """Run tests in a copy."""
        options: tuple[str, ...] = ()
        if stack is not None:
            stack.prepare(copy, textfiles)
            options = ("--stack", "lent", "--lent-stack", str(stack.file))
        elif place is Place.OWN:
            options = ("--stack", "embedded", "--grafana", "standin")
        record, said = copy / "record.jsonl", copy / "said.txt"
        argv = (
            *(sys.executable, "-m", "pytest", *tests, *options),
            # Hypothesis' plug-in imports all of Hypothesis at the end of a run, a fifth of a second, used or not.
            *("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", RECORDER),
            *("--timeout", str(_TEST_SECONDS), "--evidence-dir", str(copy / "artifacts")),
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
