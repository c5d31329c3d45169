"""The ledger under many processes, and under processes that are killed."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import preflight
from preflight.alerts.clock import Moment, uptime
from preflight.alerts.throttle import Throttle
from preflight.record import catalogue as c
from preflight.record.ledger import Ledger

pytestmark = pytest.mark.leg("system")

ROOT = Path(preflight.__file__).parents[1]
IDS = ("redis", "postgres")
WORKERS, RUNS = 8, 25

COMMON = """
import os, signal, sys
from pathlib import Path
from preflight.record.ledger import Ledger, RunRecord
folder = Path(sys.argv[1])
ledger = Ledger(folder / "l.sqlite", textfile_dir=folder, lock_timeout=30)
def run(n):
    return RunRecord(env="paper", run_id=str(n), started_at=1.0, ended_at=2.0, duration_seconds=0.25, success=True,
        ready_for_live=False, checks={"redis": "pass", "postgres": "fail"},
        timings={"redis": {"ping": 0.5}, "postgres": {"select": 0.25}})
"""

WORKER = (
    COMMON
    + """
for n in range(int(sys.argv[2])):
    ledger.start("paper", ("redis", "postgres"), at=1.0)
    ledger.record(run(n))
    print(n, flush=True)
"""
)

# Waits for a line with what is to be claimed, claims it, and says how much of it was open.
CLAIMER = (
    COMMON
    + """
import time
import filelock, preflight.record.ledgerfile
from preflight.alerts.clock import Moment, uptime
from preflight.alerts.throttle import Throttle
print("ready", flush=True)
def now():
    return Moment(at=time.time(), uptime=uptime())
for line in sys.stdin:
    claim = Throttle(ledger=ledger, env="paper", now=now).claim(line.split(), window=300.0)
    print(len(claim.open), flush=True)
"""
)

# One child per point: each counts the lines it executes in the package and kills itself at the wanted one. The
# parent says for each how it ended; a point beyond the last line ends with the number of lines there are.
KILLED = (
    COMMON
    + """
import json, sqlite3, filelock, prometheus_client
import preflight.record.ledgerfile, preflight.record.schema
ledger.record(run(0))
package = str(Path(preflight.__file__).parent)
def die_at(point):
    left = [point]
    def trace(frame, event, arg):
        if not frame.f_code.co_filename.startswith(package):
            return None
        if event == "line":
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
    return left
print("ready", flush=True)
for line in sys.stdin:
    point = int(line)
    child = os.fork()
    if child == 0:
        left = die_at(point)
        ledger.record(run(point))
        sys.settrace(None)
        (folder / "lines").write_text(str(point - left[0]))
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
"""
)


_PENDING = itertools.count(1)  # another number each time


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory in memory where there is one: what is tested here is not the disk."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="preflight-ledger-", dir=memory if memory.is_dir() else None))
    yield made
    shutil.rmtree(made)


def spawn(code: str, *args: object) -> subprocess.Popen[str]:
    """Start a process that runs `code` with this package."""
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def published(folder: Path) -> dict[str, float]:
    """Read the `.prom`, whole; labels other than env become a part of the name."""
    shown: dict[str, float] = {}
    text = (folder / "arbitrage_preflight_paper.prom").read_text()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = "/".join(v for k, v in sorted(sample.labels.items()) if k != "env")
            shown[f"{sample.name}/{labels}".rstrip("/")] = sample.value
    assert f"{c.LEDGER_RESETS}" in shown  # the last line of every whole file
    return shown


def stored(folder: Path) -> dict[str, float]:
    """Read the ledger as the next run would, and what it publishes.

    It writes, too, as that run does: only then does SQLite remove the journal of a transaction that had not begun to
    change the database.
    """
    Ledger(folder / "l.sqlite", textfile_dir=folder).record_alerts("paper", {}, pending=next(_PENDING))
    return published(folder)


def assert_adds_up(shown: dict[str, float], runs: int) -> None:
    """Prove that every counter and histogram has exactly that many runs in it."""
    expected = {
        c.RUNS: runs,
        f"{c.DURATION}_count": runs,
        f"{c.DURATION}_sum": 0.25 * runs,
        f"{c.DURATION}_bucket/0.1": 0,
        f"{c.DURATION}_bucket/0.5": runs,
        f"{c.DURATION}_bucket/+Inf": runs,
        f"{c.CHECKS}/redis/pass": runs,
        f"{c.CHECKS}/postgres/fail": runs,
        f"{c.REDIS_LATENCY}_count/ping": runs,
        f"{c.REDIS_LATENCY}_bucket/0.5/ping": runs,
        f"{c.POSTGRES_LATENCY}_sum": 0.25 * runs,
        c.LEDGER_RESETS: 0,
    }
    assert {name: shown.get(name, 0) for name in expected} == expected


def test_many_processes(folder: Path) -> None:
    """Eight processes lose no run; a reader always sees a whole file, and never a smaller count than before."""
    seen: list[float] = []
    broken: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                seen.append(published(folder)[c.RUNS])
            except FileNotFoundError:
                done.wait(0.01)  # before the first run
            except Exception as e:  # noqa: BLE001 - whatever it is, it is what the test is about
                broken.append(repr(e))

    reader = threading.Thread(target=read)
    reader.start()
    workers = [spawn(WORKER, folder, RUNS) for _ in range(WORKERS)]
    try:
        outputs = [worker.communicate(timeout=60)[0].split() for worker in workers]
    finally:
        done.set()
        reader.join(10)
        stop(workers)
    assert [worker.returncode for worker in workers] == [0] * WORKERS
    assert sum(map(len, outputs)) == WORKERS * RUNS
    assert broken == []
    assert seen == sorted(seen)
    assert len(set(seen)) > 10, "the reader hardly read while the runs were written"
    assert_adds_up(published(folder), WORKERS * RUNS)


def test_of_all_that_claim_at_once_one_may_speak(folder: Path) -> None:
    """Eight processes with the same warning at the same moment: one has the right to say it, each time."""
    rounds = 20
    claimers = [spawn(CLAIMER, folder) for _ in range(WORKERS)]
    open_to: list[list[str]] = []
    try:
        assert [_line(claimer) for claimer in claimers] == ["ready"] * WORKERS
        for number in range(rounds):
            for claimer in claimers:
                assert claimer.stdin is not None
                print(f"paper/redis/{number}", file=claimer.stdin, flush=True)
            open_to.append([_line(claimer) for claimer in claimers])
    finally:
        stop(claimers)
    assert [sorted(told) for told in open_to] == [["0"] * (WORKERS - 1) + ["1"]] * rounds
    ledger = Ledger(folder / "l.sqlite", textfile_dir=folder)
    throttle = Throttle(ledger=ledger, env="paper", now=lambda: Moment(at=0.0, uptime=uptime()))
    assert throttle.held_back() == rounds * (WORKERS - 1)
    assert len({told.index("1") for told in open_to}) > 1, "the same process was always first: they did not meet"


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def stop(children: Sequence[subprocess.Popen[str]]) -> None:
    """End what is still there, and close what it was spoken to through."""
    for child in children:
        child.kill()
        child.wait(10)
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()


class Killer:
    """A process that forks children which record a run and kill themselves at a wanted line."""

    def __init__(self, folder: Path) -> None:
        self.lines_file = folder / "lines"
        self.process = spawn(KILLED, folder)
        assert self._answer() == "ready"

    def survives(self, point: int) -> bool:
        """Let a child record one run; tell whether it came to its end before that line."""
        assert self.process.stdin is not None
        print(point, file=self.process.stdin, flush=True)
        return self._answer() == "0"

    def points(self, n: int) -> list[int]:
        """Let a child record one run unharmed; choose among the lines that it took."""
        assert self.survives(10**9)
        lines = int(self.lines_file.read_text())
        return random.Random(98).sample(range(1, lines), n)  # noqa: S311 - a choice of points, no secret

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def killer(folder: Path) -> Iterator[Killer]:
    """A killer in `folder`, where one run is recorded already."""
    made = Killer(folder)
    yield made
    stop([made.process])


def test_killed_at_a_line(folder: Path, killer: Killer) -> None:
    """Killed at any line of the package, a run is in all counters or in none, and the next one finds all well."""
    points = killer.points(60)
    runs = 2
    committed = 0
    for point in points:
        before = runs
        shown = published(folder)[c.RUNS]
        assert not killer.survives(point)
        after = published(folder)[c.RUNS]
        found = stored(folder)
        runs = int(found[c.RUNS])
        committed += runs - before
        assert runs in {before, before + 1}, f"killed at line {point}"
        assert shown <= after <= runs, f"killed at line {point}"
        assert_adds_up(found, runs)
        leftovers = {p.name for p in folder.iterdir()} - {"lines", "l.sqlite", "l.sqlite.lock"}
        assert leftovers == {"arbitrage_preflight_paper.prom"}, f"killed at line {point}"
    assert 0 < committed < len(points), "the points were on one side of the commit only"


def test_killed_while_setting_aside(folder: Path, killer: Killer) -> None:
    """Killed at any line while a damaged ledger is replaced, nothing damaged is lost, and it is counted once."""
    ledger = folder / "l.sqlite"
    ledger.write_text("damage 0")
    for resets, point in enumerate(killer.points(40), start=2):
        ledger.write_text(f"damage {point}")
        assert not killer.survives(point)
        found = stored(folder)
        asides = [path.read_text() for path in folder.glob("l.sqlite.damaged-*")]
        assert f"damage {point}" in asides
        assert found[c.LEDGER_RESETS] == len(asides) == resets, f"killed at line {point}"
        assert found[c.RUNS] in {0, 1}, f"killed at line {point}"
        assert_adds_up({**found, c.LEDGER_RESETS: 0}, int(found[c.RUNS]))


def test_killed_at_any_time(folder: Path) -> None:
    """Killed from outside at any time, no run that was said to be recorded is lost."""
    acknowledged = 0
    chosen = random.Random(98)  # noqa: S311 - a choice of times, no secret
    never = threading.Event()
    for _ in range(8):
        child = spawn(WORKER, folder, 10_000)
        assert child.stdout is not None
        try:
            child.stdout.readline()
            acknowledged += 1
            never.wait(chosen.uniform(0, 0.05))
            child.kill()
            acknowledged += len(child.stdout.read().split())
        finally:
            stop([child])
        shown = stored(folder)
        runs = int(shown[c.RUNS])
        assert runs in {acknowledged, acknowledged + 1}, "a run was lost, or counted twice"
        assert_adds_up(shown, runs)
        acknowledged = runs


def test_report_is_json(folder: Path) -> None:
    """What a snapshot says can go into the report as it is."""
    snapshot = Ledger(folder / "l.sqlite", textfile_dir=folder).start("paper", IDS, at=1.5)
    text = json.dumps([{"name": s.name, "labels": dict(s.labels), "value": s.value} for s in snapshot.samples])
    assert json.loads(text)[0]["labels"] == {"env": "paper"}
    assert snapshot.textfile == folder / "arbitrage_preflight_paper.prom"
