"""The table of docs/verdicts.md, whatever keeps a run from being recorded: G18.

Every row is run in a real process, with real files, for every way of not recording it, and for whatever stood in the
`.prom` before. The two columns about gauges are looked up there.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from prometheus_client.parser import text_string_to_metric_families

import preflight
from preflight.alerts.spool import Spool

pytestmark = pytest.mark.leg("system")

ROOT = Path(preflight.__file__).parents[1]
NAME = "arbitrage_preflight_live.prom"
GAUGES = ("arbitrage_preflight_last_success", "arbitrage_preflight_ready_for_live")
FOREIGN = b"# HELP other_total Of another program.\n# TYPE other_total counter\nother_total 3.0\n"


@dataclass(frozen=True)
class Place:
    """The directories of one run."""

    root: Path

    @property
    def state(self) -> Path:
        """Where the ledger is."""
        return self.root / "state"

    @property
    def ledger(self) -> Path:
        """The ledger."""
        return self.state / "ledger.sqlite"

    @property
    def textfile(self) -> Path:
        """What node_exporter reads."""
        return self.root / "textfile"

    @property
    def prom(self) -> Path:
        """The metrics file."""
        return self.textfile / NAME

    @property
    def report(self) -> Path:
        """Where the report is written."""
        return self.root / "out" / "report.json"

    def p0s(self) -> int:
        """Count the P0 that wait to be sent: these runs have no Telegram."""
        return Spool(self.root / "spool").pending("live")


class Children:
    """A process that forks one gate after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, place: Place, row: Row, how: Way) -> int:
        """Run the gate once and give its exit code."""
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(place.root / "out"),
            "PREFLIGHT_LEDGER": str(place.ledger),
            "PREFLIGHT_TEXTFILE_DIR": str(place.textfile),
            "PREFLIGHT_SPOOL_DIR": str(place.root / "spool"),
            "PREFLIGHT_LEDGER_TIMEOUT": "0.1",
        }
        task = {
            "argv": ["--env", "live", "--output", str(place.report), *row.argv],
            "env": environ,
            "found": dict(row.found),
            "full": [str(getattr(place, name)) for name in how.full],
            "read_only": [str(getattr(place, name)) for name in how.read_only],
            "bound": how.bound,
            "stdout": row.stdout or str(place.root / "out" / "printed"),
            "show": str(place.textfile),
            "shown": str(place.root / "shown"),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table: how it is come by, and what it says."""

    id: str
    argv: tuple[str, ...] = ()
    found: Mapping[str, str] = field(default_factory=dict)
    stdout: str = ""
    code: int  # where the run can be recorded
    recorded: bool = True  # False: nothing is touched


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way of not recording a run."""

    id: str
    full: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    bound: bool = False
    make: Callable[[Place], AbstractContextManager[None]] = lambda _: contextlib.nullcontext()
    ledger: bool  # the ledger takes it
    textfile: bool = True  # the `.prom` can be replaced
    byte: bool = False  # where it cannot: a byte of it can be written
    told: str = ""  # is among the reasons


@contextlib.contextmanager
def lock_held(place: Place) -> Iterator[None]:
    """Another process holds the ledger's lock beyond the deadline."""
    with FileLock(f"{place.ledger}.lock"):
        yield


@contextlib.contextmanager
def database_held(place: Place) -> Iterator[None]:
    """Another program holds the database itself."""
    with contextlib.closing(sqlite3.connect(place.ledger, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield


@contextlib.contextmanager
def lock_in_the_way(place: Place) -> Iterator[None]:
    """The lock file cannot be taken."""
    lock = Path(f"{place.ledger}.lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()
    yield


@contextlib.contextmanager
def unmounted(place: Place) -> Iterator[None]:
    """The ledger's volume is not there."""
    shutil.rmtree(place.state)
    yield


@contextlib.contextmanager
def another_programs(place: Place) -> Iterator[None]:
    """A database that must be left alone has the ledger's name."""
    place.ledger.unlink()
    with contextlib.closing(sqlite3.connect(place.ledger)) as db:
        db.execute("CREATE TABLE bot (id INTEGER)")
    yield


def forbidden(*names: str, own_file: bool = False) -> Callable[[Place], AbstractContextManager[None]]:
    """This user may not write these directories; `own_file`: but the `.prom` in one."""

    @contextlib.contextmanager
    def make(place: Place) -> Iterator[None]:
        for name in names:
            directory: Path = getattr(place, name)
            for path in directory.iterdir():
                path.chmod(0o444 if path != place.prom or not own_file else 0o644)
            directory.chmod(0o555)
        yield
        for name in names:
            getattr(place, name).chmod(0o755)

    return make


ROWS = (
    Row(id="GO", code=0),
    Row(id="NO_GO", found={"redis": "fail"}, code=1),
    Row(id="UNVERIFIED", found={"redis": "error"}, code=3),
    Row(id="not-shown", stdout="/dev/full", code=3),
    Row(id="WARNED", argv=("--strict",), found={"redis": "warn"}, code=4),
    Row(id="usage", argv=("--waive", "redsi=typo"), code=2, recorded=False),
    Row(id="DRY_RUN", argv=("--dry-run",), code=6, recorded=False),
    Row(id="PARTIAL", argv=("--only", "redis"), code=3, recorded=False),
)
WAYS = (
    Way(id="recorded", ledger=True),
    Way(id="ledger-locked", ledger=False, make=lock_held, told="is locked"),
    Way(id="ledger-busy", ledger=False, make=database_held, told="is locked"),
    Way(id="ledger-lock-in-the-way", ledger=False, make=lock_in_the_way, told="cannot lock the ledger"),
    Way(id="ledger-missing", ledger=False, make=unmounted, told="cannot lock the ledger"),
    Way(id="ledger-of-another-program", ledger=False, make=another_programs, told="database of another program"),
    Way(id="ledger-forbidden", ledger=False, bound=True, make=forbidden("state"), told="ledger"),
    Way(id="ledger-full", ledger=False, full=("state",), told="disk is full"),
    Way(id="ledger-read-only", ledger=False, read_only=("state",), told="ledger"),
    Way(
        id="textfile-forbidden",
        ledger=True,
        textfile=False,
        bound=True,
        make=forbidden("textfile"),
        told="Permission denied",
    ),
    Way(
        id="textfile-forbidden-own-file",
        ledger=True,
        textfile=False,
        byte=True,
        bound=True,
        make=forbidden("textfile", own_file=True),
        told="Permission denied",
    ),
    Way(id="textfile-full", ledger=True, textfile=False, byte=True, full=("textfile",), told="disk is full"),
    Way(id="textfile-read-only", ledger=True, textfile=False, read_only=("textfile",), told="read-only"),
    Way(
        id="both-forbidden",
        ledger=False,
        textfile=False,
        bound=True,
        make=forbidden("state", "textfile"),
        told="Permission denied",
    ),
    Way(id="both-full", ledger=False, textfile=False, byte=True, full=("state", "textfile"), told="disk is full"),
)
BEFORE = ("GO", "absent", "NO_GO", "garbage", "foreign")


def _cases() -> Iterator[Any]:
    """Every row with every way over yesterday's GO, the only file in which a 1 can be left; the other files in turn.

    In turn, each way and each row meets each of the other files. A row that touches nothing meets one way of each kind.
    """
    for at, row in enumerate(ROWS):
        ways = [way for way in WAYS if row.recorded or way.id in {"recorded", "ledger-locked", "textfile-full"}]
        for turn, way in enumerate(ways):
            for before in (BEFORE[0], BEFORE[1 + (at + turn) % 4]):
                yield pytest.param(row, way, before, id=f"{row.id}-{way.id}-{before}")


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    """The process that forks gates: what they import is loaded once."""
    command = (sys.executable, "-m", "tests.preflight.record.recording_child")
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Children(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=30) == 0


@pytest.fixture
def places() -> Iterator[Callable[[], Place]]:
    """Make places that another user can reach, which pytest's own are not."""
    root = Path(tempfile.mkdtemp(prefix="preflight-recording-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    root.chmod(0o755)
    made: list[Place] = []

    def make() -> Place:
        place = Place(root / str(len(made)))
        for name, mode in (("state", 0o777), ("textfile", 0o777), ("spool", 0o777), ("out", 0o777)):
            path = place.root / name
            path.mkdir(parents=True)
            path.chmod(mode)
        made.append(place)
        return place

    yield make
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def yesterdays(children: Children) -> Iterator[Mapping[str, Path]]:
    """What a run of yesterday left: ledger and `.prom`, of a GO and of a NO_GO."""
    root = Path(tempfile.mkdtemp(prefix="preflight-yesterday-"))
    for row in ROWS[:2]:
        place = Place(root / row.id)
        for name in ("state", "textfile", "spool", "out"):
            (place.root / name).mkdir(parents=True)
        assert children.run(place, row, WAYS[0]) == row.code
    yield {row.id: root / row.id for row in ROWS[:2]}
    shutil.rmtree(root)


def recall(place: Place, before: str, yesterdays: Mapping[str, Path]) -> None:
    """Let the place be as yesterday left it, but for what `before` says of the `.prom`."""
    then = Place(yesterdays[before if before in yesterdays else "GO"])
    for path in then.state.iterdir():
        (place.state / path.name).write_bytes(path.read_bytes())
        (place.state / path.name).chmod(0o666)
    content = {"garbage": b"\x00\xff not a metric {", "foreign": FOREIGN}.get(before, then.prom.read_bytes())
    if before != "absent":
        place.prom.write_bytes(content)


def gauges(raw: bytes | None) -> dict[str, float]:
    """Give last_success and ready_for_live, as far as a scraper would find them."""
    try:
        families = [*text_string_to_metric_families((raw or b"").decode())]
    except ValueError:
        return {}
    return {sample.name: sample.value for family in families for sample in family.samples if sample.name in GAUGES}


def counters(raw: bytes) -> dict[str, float]:
    """Give all that only grows."""
    lines = (line.rsplit(" ", 1) for line in raw.decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines if re.search("_total|_bucket|_sum|_count", name)}


@pytest.mark.parametrize(("row", "how", "before"), list(_cases()))
def test_g18_the_table_holds_however_a_run_is_not_recorded(
    *,
    row: Row,
    how: Way,
    before: str,
    children: Children,
    places: Callable[[], Place],
    yesterdays: Mapping[str, Path],
) -> None:
    """No run but a recorded GO leaves a 1 in the `.prom`, if only a byte of it can be written; a P0 tells the rest."""
    place = places()
    recall(place, before, yesterdays)
    old = place.prom.read_bytes() if place.prom.exists() else None
    with how.make(place):
        code = children.run(place, row, how)
    new = place.root / "shown" / NAME
    raw = new.read_bytes() if new.exists() else None
    report: dict[str, Any] = json.loads(place.report.read_text()) if place.report.exists() else {}

    if not row.recorded:
        assert (code, raw, place.p0s()) == (row.code, old, 0)
        return
    kept = how.ledger and how.textfile
    printed = place.root / "out" / "printed"
    assert code == (row.code if kept or row.code == 1 else 5), printed.read_text() if printed.exists() else report
    go = kept and row.id == "GO"
    assert place.p0s() == (0 if go or (kept and row.id == "WARNED") else 1)
    assert how.told.lower() in " ".join(report["reasons"]).lower()
    if how.textfile:
        assert gauges(raw) == dict.fromkeys(GAUGES, float(go))
    elif how.byte or before != "GO":
        assert 1.0 not in gauges(raw).values()
        assert len(raw or b"") == len(old or b"")
    else:
        assert raw == old
        assert "it still says what an earlier run found" in " ".join(report["reasons"])
    if how.textfile and not how.ledger:
        assert raw is not None
        assert counters(raw) == (counters(old) if old and before in yesterdays else {})
        stamp = re.search(r"last_run_timestamp_seconds\{.*\} (.*)", raw.decode())
        assert stamp is not None
        assert float(stamp[1]) == report["ended_at"]
