"""Which of two writers of one `.prom` stands: the rule of `preflight.record.previous`, and the writers themselves."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from preflight.errors import LedgerError
from preflight.record import catalogue as c
from preflight.record import metrics, overwrite, previous, textfile
from preflight.record.ledger import Ledger, RunRecord
from preflight.record.state import State

NOW = 1_800_000_000.0


def state(*, start: float, end: float, success: int, ready: int = 0, runs: int = 1) -> State:
    """Give the numbers of env live after a run; times are seconds after 1000 s before now."""
    made = State("live", ("redis",))
    made.set(c.RUNS, runs)
    made.set(c.LAST_START, NOW - 1000 + start)
    made.set(c.LAST_RUN, NOW - 1000 + end)
    made.set(c.LAST_SUCCESS, success)
    made.set(c.READY_FOR_LIVE, ready)
    made.set(c.CHECK_STATUS, 0 if success else 2, "redis")
    return made


def flags(of: State) -> tuple[float, float]:
    """Give last_success and ready_for_live."""
    return of.values[c.LAST_SUCCESS,], of.values[c.READY_FOR_LIVE,]


@pytest.mark.parametrize(
    ("ledger", "file", "expected"),
    [
        pytest.param({"end": 20, "success": 1, "ready": 1}, {"end": 10, "success": 0}, (1, 1), id="newer result"),
        pytest.param({"end": 20, "success": 1, "ready": 1}, {"end": 20, "success": 0}, (0, 0), id="taken back since"),
        pytest.param({"end": 20, "success": 1, "ready": 1}, {"end": 30, "success": 0}, (0, 0), id="older result"),
        pytest.param({"end": 20, "success": 0}, {"end": 10, "success": 1, "ready": 1}, (0, 0), id="newer no"),
        pytest.param({"end": 20, "success": 0}, {"end": 20, "success": 1, "ready": 1}, (0, 0), id="no before yes"),
        pytest.param(
            {"end": 20, "success": 1, "ready": 1}, {"start": 15, "end": 5, "success": 0}, (1, 0), id="another began"
        ),
        pytest.param(
            {"end": 20, "success": 1, "ready": 1}, {"end": 2000, "success": 0}, (1, 1), id="ahead of the clock"
        ),
        pytest.param({"end": 2000, "success": 1, "ready": 1}, {"end": 20, "success": 0}, (0, 0), id="ledger ahead"),
    ],
)
def test_g18_what_stands(ledger: dict[str, int], file: dict[str, int], expected: tuple[int, int]) -> None:
    """The later result stands; 0 before 1 where both are as late; nothing is ready while a later run goes on."""
    known = {"start": 1, **ledger}
    shown = previous.reconcile(state(**known, runs=7), state(**{"start": 1, **file}), NOW)
    assert flags(shown) == expected
    assert shown.values[c.RUNS,] == 7


def test_nothing_stands() -> None:
    """Where nothing can be read, what the ledger says is published; it is not changed itself."""
    known = state(start=1, end=2, success=1, ready=1)
    shown = previous.reconcile(known, None, NOW)
    assert (flags(shown), shown.values) == ((1, 1), known.values)
    assert shown.values is not known.values


@pytest.mark.parametrize("gauges", [False, True], ids=["all", "gauges"])
def test_what_is_written_is_read(gauges: bool) -> None:
    """A rendered state is read back to the last number."""
    known = state(start=1, end=2, success=1, ready=1)
    known.observe(c.DURATION, 0.7)
    known.add(c.CHECKS, 3, "redis", "pass")
    back = previous.parse(metrics.render(known), "live", gauges=gauges)
    assert back is not None
    assert metrics.render(back, counters=not gauges) == metrics.render(known, counters=not gauges)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        b"\xff\x00",
        b"arbitrage_preflight_runs_total 1\n",
        b'arbitrage_preflight_runs_total{env="paper"} 1\n',
        b'arbitrage_preflight_last_success{env="live",host="h"} 1\n',
        b'arbitrage_preflight_last_success{env="live"} NaN\n',
        b'arbitrage_preflight_last_success{env="live"\n',
        b'other{env="live"} 1\n',
    ],
)
def test_what_is_not_ours_is_not_known(raw: bytes | None) -> None:
    """Nothing is believed of a file that this program cannot have written."""
    assert previous.parse(raw, "live") is None


def record(n: int, *, success: bool = True) -> RunRecord:
    """Give run number n: it began n seconds after 1000 s before now and took half of one."""
    return RunRecord(
        env="live",
        run_id=str(n),
        started_at=NOW - 1000 + n,
        ended_at=NOW - 1000 + n + 0.5,
        duration_seconds=0.5,
        success=success,
        ready_for_live=success,
        checks={"redis": "pass" if success else "fail"},
        timings={},
    )


def shown(folder: Path) -> tuple[float, float, float]:
    """Give last_success, ready_for_live and runs_total of the `.prom`."""
    read = previous.parse(textfile.read(folder, "live"), "live")
    assert read is not None
    return (*flags(read), read.values[c.RUNS,])


def test_g18_an_older_run_does_not_overwrite_a_newer_one(tmp_path: Path) -> None:
    """A run that could not have the ledger has the last word against an older one that records its GO after it."""
    ledger = Ledger(tmp_path / "l.sqlite", textfile_dir=tmp_path, now=lambda: NOW, lock_timeout=0.05)
    ledger.start("live", ("redis",), at=NOW - 999)
    with FileLock(f"{tmp_path / 'l.sqlite'}.lock"):
        with pytest.raises(LedgerError, match="is locked"):
            ledger.start("live", ("redis",), at=NOW - 995)
        with pytest.raises(LedgerError, match="is locked"):
            ledger.record(record(5, success=False))
    snapshot = ledger.record(record(1))
    assert shown(tmp_path) == (0, 0, 1)
    assert {s.name: s.value for s in snapshot.samples}[c.LAST_SUCCESS] == 0
    ledger.record_alerts("live", {}, pending=0)
    assert shown(tmp_path) == (0, 0, 1)
    ledger.start("live", ("redis",), at=NOW - 991)
    assert shown(tmp_path) == (0, 0, 1)
    ledger.record(record(9))
    assert shown(tmp_path) == (1, 1, 2)


def test_g18_a_yes_is_gone_before_the_ledger_is_waited_for(tmp_path: Path) -> None:
    """While a run waits for a ledger that is held, yesterday's ready_for_live 1 does not stand."""
    ledger = Ledger(tmp_path / "l.sqlite", textfile_dir=tmp_path, now=lambda: NOW, lock_timeout=30)
    ledger.start("live", ("redis",), at=NOW - 999)
    ledger.record(record(1))
    assert shown(tmp_path) == (1, 1, 1)
    with FileLock(f"{tmp_path / 'l.sqlite'}.lock"):
        waits = threading.Thread(target=lambda: ledger.start("live", ("redis",), at=NOW - 995))
        waits.start()
        seen: set[float] = set()
        while 0.0 not in seen and waits.is_alive():
            seen.add(shown(tmp_path)[1])
        assert waits.is_alive()
    waits.join()
    assert shown(tmp_path) == (1, 0, 1)


def test_g18_writers_without_the_ledger_lose_nothing(tmp_path: Path) -> None:
    """Each of many writers builds on what stood when it published: none replaces what it has not read."""
    writers, each = 4, 25

    def write() -> None:
        for _ in range(each):
            textfile.publish(tmp_path, "live", lambda raw: str(int(raw or b"0") + 1).encode())

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert textfile.read(tmp_path, "live") == str(writers * each).encode()
    assert [path.name for path in tmp_path.iterdir()] == ["arbitrage_preflight_live.prom"]


def test_g18_a_writer_that_hangs_does_not_come_back(tmp_path: Path) -> None:
    """One that is stopped before it renames holds up nobody, and begins again with what stands by then."""
    told, go_on = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:

        def hang(raw: bytes | None) -> bytes:
            if raw is None:
                os.write(told[1], b"x")
                os.read(go_on[0], 1)
            return b"old" if raw is None else raw + b", then the other"

        try:
            textfile.publish(tmp_path, "live", hang)
        finally:
            os._exit(0)
    os.read(told[0], 1)
    textfile.publish(tmp_path, "live", lambda _: b"new")
    assert textfile.read(tmp_path, "live") == b"new"
    os.write(go_on[1], b"x")
    os.waitpid(child, 0)
    assert textfile.read(tmp_path, "live") == b"new, then the other"
    assert [path.name for path in tmp_path.iterdir()] == ["arbitrage_preflight_live.prom"]
    for fd in (*told, *go_on):
        os.close(fd)


def test_one_byte_is_enough(tmp_path: Path) -> None:
    """Only the two gauges change, in the same file; what is no 1 of theirs stays."""
    path = textfile.path_of(tmp_path, "live")
    before = (
        b'arbitrage_preflight_ready_for_live{env="live"} 1.0\n'
        b'arbitrage_preflight_last_success{env="live"} 1\n'
        b'arbitrage_preflight_runs_total{env="live"} 1.0\n'
        b'arbitrage_preflight_last_success_timestamp_seconds{env="live"} 1.0\n'
    )
    path.write_bytes(before)
    inode = path.stat().st_ino
    assert overwrite.take_back(tmp_path, "live")
    assert path.read_bytes() == before.replace(b'"} 1', b'"} 0', 2)
    assert path.stat().st_ino == inode


@pytest.mark.parametrize("kind", ["missing", "loop", "fifo", "directory", "huge"])
def test_what_is_no_file_of_ours_is_not_read(kind: str, tmp_path: Path) -> None:
    """Neither a link to itself, nor a pipe without a writer, nor a gigabyte is taken for the `.prom`."""
    path = textfile.path_of(tmp_path, "live")
    match kind:
        case "loop":
            path.symlink_to(path)
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "huge":
            with path.open("wb") as file:
                file.truncate(1 << 30)
    assert textfile.read(tmp_path, "live") is None
    assert overwrite.take_back(tmp_path, "live")
