from __future__ import annotations

import os
import re
import resource
import signal
import sqlite3
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import filelock
import prometheus_client  # noqa: F401 - loaded before a test gives up the right to read it
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.errors import LedgerError, LedgerLockedError
from preflight.record import catalogue as c
from preflight.record import schema
from preflight.record.ledger import Ledger, LedgerSnapshot
from preflight.record.ledgerfile import hold
from preflight.record.state import State
from tests.held import held
from tests.modes import obeying_modes
from tests.property_size import examples

IDS = ("redis", "postgres")


def count(file: Path, env: str = "paper") -> float:
    """Add one run to the ledger, and give how many there are."""
    with hold(file, 5.0) as held:
        return held.update(env, lambda state: state.add(c.RUNS, 1)).values[(c.RUNS,)]


class KilledError(BaseException):
    """The process is gone, here and now."""


def start(file: Path, *, patience: float = 0.3) -> LedgerSnapshot:
    """Start a run on the ledger."""
    return Ledger(file, textfile_dir=file.parent, lock_timeout=patience).start("paper", IDS, at=1.0)


def of(snapshot: LedgerSnapshot, name: str) -> float:
    """Give a sample without labels but env."""
    return next(s.value for s in snapshot.samples if s.name == name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A ledger with three runs in it."""
    path = tmp_path / "ledger.sqlite"
    assert [count(path) for _ in range(3)] == [1, 2, 3]
    return path


def edit(file: Path, *statements: str) -> None:
    """Change the database behind the ledger's back."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            db.execute(statement)


def page_of(file: Path, table: str) -> int:
    """Find the offset of a table's first page."""
    with closing(sqlite3.connect(file)) as db:
        page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        return int((page - 1) * db.execute("PRAGMA page_size").fetchone()[0])


def overwrite(file: Path, at: int, data: bytes) -> None:
    """Overwrite bytes of a file."""
    with file.open("r+b") as raw:
        raw.seek(at)
        raw.write(data)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "not a database": lambda f: f.write_text("runs: 3\n" * 500),
    "emptied": lambda f: os.truncate(f, 0),
    "cut in the header": lambda f: os.truncate(f, 50),
    "cut in the middle": lambda f: os.truncate(f, f.stat().st_size // 2),
    "cut at a page": lambda f: os.truncate(f, f.stat().st_size - 4096),
    "zeroes": lambda f: f.write_bytes(bytes(f.stat().st_size)),
    "malformed page": lambda f: overwrite(f, page_of(f, "series"), os.urandom(200)),
    "malformed schema": lambda f: edit(f, "UPDATE sqlite_master SET sql = 'CREATE NONSENSE' WHERE name = 'life'"),
    "name of no UTF-8": lambda f: edit(
        f, "UPDATE sqlite_master SET name = CAST(x'ff' AS TEXT), sql = 'CREATE NONSENSE' WHERE name = 'life'"
    ),
    "version 0": lambda f: edit(f, "PRAGMA user_version = 0"),
    "version -1": lambda f: edit(f, "PRAGMA user_version = -1"),
    "mark gone": lambda f: edit(f, "PRAGMA application_id = 0"),
    "table gone": lambda f: edit(f, "DROP TABLE life"),
    "table too many": lambda f: edit(f, "CREATE TABLE other (x)"),
    "a trigger": lambda f: edit(f, "CREATE TRIGGER t AFTER UPDATE ON life BEGIN DELETE FROM series; END"),
    "column gone": lambda f: edit(f, "DROP TABLE life", "CREATE TABLE life (x)"),
    "row gone": lambda f: edit(f, "DELETE FROM life"),
    "unknown series": lambda f: edit(f, "INSERT INTO series VALUES ('paper', 'runs', '', 1.0)"),
    "unknown label": lambda f: edit(f, "INSERT INTO series SELECT env, name, 'x', value FROM series"),
    "negative counter": lambda f: edit(f, "UPDATE series SET value = -1.0"),
    "endless counter": lambda f: edit(f, "UPDATE series SET value = 9e999"),
    "text for a number": lambda f: edit(f, "PRAGMA ignore_check_constraints = ON", "UPDATE series SET value = 'many'"),
    "no UTF-8": lambda f: edit(f, "UPDATE series SET name = CAST(x'ff' AS TEXT)"),
    "foreign check id": lambda f: edit(f, "INSERT INTO configured VALUES ('paper', 0, 'a b')"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_ledger_is_set_aside(file: Path, damage: Callable[[Path], object]) -> None:
    """A damaged ledger is kept beside a new one as it was found, counted, and reported."""
    damage(file)
    found = file.read_bytes()
    snapshot = start(file)
    assert snapshot.reset is not None
    assert re.fullmatch(r"ledger\.sqlite\.damaged-\d{8}T\d{6}\.\d{6}Z", snapshot.reset.name)
    assert snapshot.reset.read_bytes() == found
    assert of(snapshot, c.LEDGER_RESETS) == 1
    assert of(snapshot, c.RUNS) == 0
    assert count(file) == 1
    assert start(file).reset is None


def test_resets_add_up(file: Path) -> None:
    """The count of resets survives each further reset and is every env's."""
    for n in (1, 2, 3):
        file.write_text("no database")
        assert of(start(file), c.LEDGER_RESETS) == n
    snapshot = Ledger(file, textfile_dir=None).start("live", IDS, at=1.0)
    assert of(snapshot, c.LEDGER_RESETS) == 3
    assert len({p.name for p in file.parent.glob("*.damaged-*")}) == 3


def test_reset_is_reported_to_the_end(file: Path) -> None:
    """A Ledger object that had to set a ledger aside says so in every later snapshot."""
    file.write_text("no database")
    ledger = Ledger(file, textfile_dir=None)
    first = ledger.start("paper", IDS, at=1.0)
    assert ledger.mark_unsuccessful("paper").reset == first.reset is not None


def test_side_files_go_along(file: Path) -> None:
    """Nothing that SQLite kept beside a damaged ledger is left to be replayed into the new one."""
    os.truncate(file, 50)
    for suffix in ("-journal", "-wal", "-shm"):
        file.with_name(file.name + suffix).write_text("left behind")
    snapshot = start(file)
    assert snapshot.reset is not None
    assert of(snapshot, c.LEDGER_RESETS) == 1
    assert {p.name for p in file.parent.glob("ledger.sqlite*") if ".damaged-" not in p.name} == {
        "ledger.sqlite",
        "ledger.sqlite.lock",
    }


def test_killed_while_setting_aside(file: Path) -> None:
    """A process killed after moving the ledger away and before making a new one hides nothing.

    The journal goes to the ledger that was moved last.
    """
    older, aside = (file.with_name(f"ledger.sqlite.damaged-2026010{day}T000000.000000Z") for day in (1, 2))
    older.write_text("damaged before")
    file.rename(aside)
    file.with_name("ledger.sqlite-journal").write_text("journal")
    file.with_name(".ledger.sqlite.new").write_text("half made")
    snapshot = start(file)
    assert snapshot.reset == aside
    assert of(snapshot, c.LEDGER_RESETS) == 2
    assert aside.with_name(aside.name + "-journal").read_text() == "journal"
    assert not older.with_name(older.name + "-journal").exists()
    assert not file.with_name(".ledger.sqlite.new").exists()


@pytest.mark.parametrize("renames", [1, 2])
def test_killed_between_the_renames(renames: int, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process killed after it moved the damaged ledger, or its journal too, leaves both under one name."""
    file.write_text("runs: 3\n" * 500)
    file.with_name("ledger.sqlite-journal").write_text("\0journal")  # SQLite plays back or removes any other
    rename, left = Path.rename, iter(range(renames - 1, -1, -1))

    def killed_after(self: Path, target: Path) -> Path:
        moved = rename(self, target)
        if not next(left):
            raise KilledError
        return moved

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed_after)
        with pytest.raises(KilledError):
            start(file)
    assert of(start(file), c.LEDGER_RESETS) == 1
    aside, journal = sorted(file.parent.glob("ledger.sqlite.damaged-*"))
    assert (aside.read_text()[:7], journal.read_text()) == ("runs: 3", "\0journal")
    assert journal.name == f"{aside.name}-journal"


@settings(max_examples=examples(60), deadline=None)
@given(data=st.data())
def test_any_cut_or_noise(data: st.DataObject) -> None:
    """Wherever a ledger is cut or overwritten, the next run counts on, starts anew with a reset, or is refused."""
    memory = Path("/dev/shm")  # many small transactions: what is tested here is not the disk
    with tempfile.TemporaryDirectory(prefix="preflight-ledger-", dir=memory if memory.is_dir() else None) as folder:
        file = Path(folder) / "ledger.sqlite"
        count(file)
        size = file.stat().st_size
        at = data.draw(st.integers(0, size - 1), label="at")
        if data.draw(st.booleans(), label="cut"):
            os.truncate(file, at)
        else:
            overwrite(file, at, data.draw(st.binary(min_size=1, max_size=64), label="noise"))
        found = file.read_bytes()
        try:
            snapshot = start(file)
        except LedgerError:
            assert file.read_bytes() == found
            return
        if snapshot.reset is None:
            assert of(snapshot, c.LEDGER_RESETS) == 0
        else:
            assert snapshot.reset.read_bytes() == found
            assert of(snapshot, c.LEDGER_RESETS) == 1


def test_newer_ledger_is_left_alone(file: Path) -> None:
    """A ledger that a newer program made is refused, with its version, and stays where it is."""
    edit(file, f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    found = file.read_bytes()
    known = len(schema.MIGRATIONS)
    told = f"{file} has schema version {known + 1}, this program knows {known}"
    with pytest.raises(LedgerError, match=re.escape(told)):
        start(file)
    assert file.read_bytes() == found
    assert list(file.parent.glob("*.damaged-*")) == []


def test_other_programs_database_is_left_alone(tmp_path: Path) -> None:
    """A database of another program is refused and stays where it is."""
    file = tmp_path / "trades.sqlite"
    edit(file, "CREATE TABLE trades (id INTEGER)")
    found = file.read_bytes()
    with pytest.raises(LedgerError, match="another program"):
        start(file)
    assert file.read_bytes() == found


def test_migration(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older ledger is brought up to date with its numbers, once; then it is a newer one to older programs."""
    old = schema.MIGRATIONS
    step = ("CREATE TABLE later (name TEXT PRIMARY KEY) WITHOUT ROWID",)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*old, step))
        assert [count(file), count(file)] == [4, 5]
        with closing(sqlite3.connect(file)) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (len(old) + 1,)
            assert db.execute("SELECT count(*) FROM later").fetchone() == (0,)
    with pytest.raises(LedgerError, match=f"schema version {len(old) + 1}"):
        count(file)


def test_migration_that_fails_changes_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that breaks half way leaves the ledger as it was."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE t (x)", "NONSENSE")))
        with pytest.raises(LedgerError, match="syntax error"):
            count(file)
    assert count(file) == 4


def test_change_that_raises_writes_nothing(file: Path) -> None:
    """When the caller's change raises, the numbers are as they were and the lock is free."""

    def change(state: State) -> None:
        state.add(c.RUNS, 1)
        raise KeyError("a bug")

    with pytest.raises(KeyError), hold(file, 1.0) as held:
        held.update("paper", change)
    assert count(file) == 4


def test_how_it_commits(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transactions use a rollback journal and are synced in full, also where someone had set another mode."""
    edit(file, "PRAGMA journal_mode = WAL")
    seen: list[object] = []
    store = schema.store

    def watched(db: sqlite3.Connection, *rest: object) -> None:
        seen.extend(db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous"))
        store(db, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(schema, "store", watched)
    assert count(file) == 4
    assert seen == ["delete", 2]


def test_locked_by_another_run(file: Path) -> None:
    """A ledger that is held beyond the deadline says so, names the lock, and nothing is written."""
    holding = filelock.FileLock(f"{file}.lock")
    with holding, pytest.raises(LedgerLockedError, match=rf"{re.escape(str(file))}\.lock beyond the deadline"):
        start(file)
    assert count(file) == 4


def test_locked_stays_locked_when_the_metrics_file_cannot_say_so(file: Path) -> None:
    """Both are said, and what may be tried again later is still told apart."""
    ledger = Ledger(file, textfile_dir=file.parent / "gone", lock_timeout=0.3)
    both = r"beyond the deadline.*; nor can the metrics file say so: "
    with filelock.FileLock(f"{file}.lock"), pytest.raises(LedgerLockedError, match=both):
        ledger.start("paper", IDS, at=1.0)


def test_others_can_neither_read_nor_lock_it(file: Path) -> None:
    """What an earlier version, or a wide umask, let them do is taken away at the next run."""
    lock = file.with_name(f"{file.name}.lock")
    lock.touch()
    for mine in (file, lock):
        mine.chmod(0o666)
    start(file)
    assert [stat.S_IMODE(mine.stat().st_mode) for mine in (file, lock)] == [0o600, 0o600]


def test_locked_by_another_program(file: Path) -> None:
    """A database that another program has locked is told apart from a damaged one."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerLockedError, match=rf"holds {re.escape(str(file))} beyond the deadline"):
            start(file)
        db.execute("ROLLBACK")
    assert count(file) == 4
    assert list(file.parent.glob("*.damaged-*")) == []


@contextmanager
def held_by_a_run(file: Path) -> Iterator[None]:
    """Hold the ledger as another run does."""
    with filelock.FileLock(f"{file}.lock"):
        yield


@contextmanager
def held_by_a_program(file: Path) -> Iterator[None]:
    """Hold the database as another program does."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.parametrize("held_by", [held_by_a_run, held_by_a_program])
def test_waits_until_the_deadline(file: Path, held_by: Callable[[Path], AbstractContextManager[None]]) -> None:
    """A ledger that is free again while there is time is used."""
    begun = time.monotonic()
    with held(lambda: held_by(file), seconds=1.0):
        assert of(start(file, patience=5.0), c.RUNS) == 3
        assert time.monotonic() - begun >= 1.0


def test_names_of_one_ledger_share_a_lock(file: Path) -> None:
    """A ledger reached through a symbolic link is the same ledger, with the same lock."""
    link = file.with_name("link.sqlite")
    link.symlink_to(file)
    assert count(link) == 4
    with hold(file, 1.0), pytest.raises(LedgerLockedError):
        start(link)
    link.write_text("no database")
    assert start(link).reset is not None
    assert link.is_symlink()


@pytest.mark.parametrize(
    ("target", "mode"),
    [
        pytest.param("ledger.sqlite", 0o000, id="unreadable ledger"),
        pytest.param("ledger.sqlite", 0o444, id="read-only ledger"),
        pytest.param("ledger.sqlite.lock", 0o000, id="unreadable lock"),
        pytest.param(".", 0o555, id="read-only directory"),
        pytest.param(".", 0o000, id="unreadable directory"),
    ],
)
def test_permissions_are_no_damage(file: Path, target: str, mode: int) -> None:
    """A ledger that this user may not read or write is refused, named, and not set aside."""
    found = file.read_bytes()
    (file.parent / target).chmod(mode)
    with obeying_modes(), pytest.raises(LedgerError, match=r"ledger\.sqlite.*permission") as caught:
        start(file)
    assert not isinstance(caught.value, LedgerLockedError)
    file.parent.chmod(0o755)
    file.chmod(0o644)  # whoever runs this may be nobody special
    assert file.read_bytes() == found
    assert list(file.parent.glob("*.damaged-*")) == []


def test_damaged_and_cannot_be_moved(file: Path) -> None:
    """A damaged ledger that cannot be moved aside is refused and left as it is."""
    file.write_text("no database")
    file.parent.chmod(0o555)
    with obeying_modes(), pytest.raises(LedgerError, match="cannot move the damaged ledger aside"):
        start(file)
    file.parent.chmod(0o755)
    assert file.read_text() == "no database"


def test_missing_directory(tmp_path: Path) -> None:
    """A missing directory is named, with what to do, and not made."""
    with pytest.raises(LedgerError, match=r"No such file or directory: .*missing; create the directory"):
        start(tmp_path / "missing" / "ledger.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_directory_in_the_way(tmp_path: Path) -> None:
    """A directory with the ledger's name is refused and left as it is."""
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(LedgerError, match=r"cannot use the ledger .*ledger\.sqlite"):
        start(tmp_path / "ledger.sqlite")
    assert (tmp_path / "ledger.sqlite").is_dir()


def test_a_link_to_itself(tmp_path: Path) -> None:
    """What leads nowhere is no ledger, on every Python: it is refused and stays what it is."""
    loop = tmp_path / "ledger.sqlite"
    loop.symlink_to(loop)
    with pytest.raises(LedgerError, match=r"cannot reach the ledger .*ledger\.sqlite: Too many levels of symbolic"):
        start(loop)
    assert loop.is_symlink()


@pytest.mark.parametrize("there", [True, False], ids=["an old ledger", "a new ledger"])
def test_no_room(tmp_path: Path, there: bool) -> None:
    """When the disk takes no more, here by RLIMIT_FSIZE, the error says so and the numbers are as they were."""
    file = tmp_path / "ledger.sqlite"
    if there:
        count(file)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
        with pytest.raises(LedgerError, match=r"cannot use the ledger .*ledger\.sqlite.*disk"):
            start(file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert list(tmp_path.glob("*.damaged-*")) == []
    assert count(file) == (2 if there else 1)


def test_damaged_again_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that is damaged as soon as it is made is an error, not an endless row of new ones."""

    def verify(_db: sqlite3.Connection, _path: Path) -> int:
        raise schema.DamagedError("bad memory")

    monkeypatch.setattr(schema, "verify", verify)
    with pytest.raises(LedgerError, match=r"damaged at once \(bad memory\)"):
        start(file)
    assert len(list(file.parent.glob("*.damaged-*"))) == 1
