"""What other users of this machine may do to the gate's files."""

from __future__ import annotations

import fcntl
import grp
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.alerts.spool import Content, Spool
from preflight.check import Context
from preflight.checks.storage import StorageCheck
from preflight.config.owners import flaw_of
from preflight.model import Status
from preflight.record.ledger import Ledger

STRANGER = os.geteuid() + 1


@pytest.fixture
def no_umask() -> Iterator[None]:
    """The widest umask there is."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """Give the mode of each file below a folder."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("no_umask")
def test_q5_ledger_lock_and_spool_are_private_under_any_umask(tmp_path: Path) -> None:
    """Nobody else can open, and so nobody else can lock, what a run needs: made anew or left wide open before."""
    spool = Spool(tmp_path)
    wide = ("old.sqlite.lock", ".paper.lock")
    for name in wide:
        (tmp_path / name).touch(mode=0o666)
    for name in ("new.sqlite", "old.sqlite"):
        Ledger(tmp_path / name, textfile_dir=None).start("paper", ("redis",), at=1.0)
    spool.put(Content.P0, "paper", "id", "{}")
    with spool.delivering("paper", 1.0):
        pass
    (tmp_path / "old.sqlite").chmod(0o644)
    Ledger(tmp_path / "old.sqlite", textfile_dir=None).start("paper", ("redis",), at=2.0)
    found = modes(tmp_path)
    assert {"new.sqlite", "old.sqlite", "new.sqlite.lock", *wide} <= set(found)
    assert set(found.values()) == {0o600}


@pytest.mark.usefixtures("no_umask")
def test_q5_another_user_cannot_hold_the_lock(open_dir: Path) -> None:
    """The attack: a second user opens the lock file and locks it for good."""
    ledger = open_dir / "ledger.sqlite"
    Ledger(ledger, textfile_dir=None).start("paper", ("redis",), at=1.0)
    assert stat.S_IMODE(ledger.with_name("ledger.sqlite.lock").stat().st_mode) == 0o600
    child = os.fork()
    if child == 0:
        code = 3
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                descriptor = os.open(f"{ledger}.lock", os.O_RDONLY)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                code = 0
        except PermissionError:
            code = 3
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3


@pytest.mark.parametrize(
    ("name", "mode", "key"),
    [
        (".", 0o777, "ledger"),
        (".", 0o1777, "ledger"),
        ("ledger.sqlite", 0o666, "ledger"),
        ("ledger.sqlite.lock", 0o602, "ledger"),
        ("spool", 0o757, "spool_dir"),
        ("spool/.paper.lock", 0o606, "spool_dir"),
    ],
)
def test_q5_storage_fails_where_others_may_write(
    name: str, mode: int, key: str, make_context: Callable[..., Context], tmp_path: Path
) -> None:
    """It names the file, what it is, what it should be, and the command that mends it."""
    context = make_context()
    path = tmp_path / "state" / name
    if not path.exists():
        path.touch()
    path.chmod(mode)
    outcome = StorageCheck().run(context)
    assert outcome.status is Status.FAIL
    assert outcome.summary == f"{key}: others may write {path.resolve()} (mode {mode:04o})"
    assert (outcome.expected, outcome.hint) == (f"{mode & ~0o022:04o}", f"chmod go-w {path.resolve()}")


def test_q5_what_another_user_owns(tmp_path: Path) -> None:
    """A file that is neither this user's nor root's is named, with the command."""
    path = tmp_path / "ledger.sqlite"
    path.touch(mode=0o600)
    flaw = flaw_of(path, owners={STRANGER})
    assert flaw is not None
    assert flaw.problem.startswith(f"{path} belongs to ")
    assert "chown " in flaw.hint


def test_a_group_of_ones_own_is_nobody_else(tmp_path: Path) -> None:
    """A folder that a private group may write is fine: on many systems this is how a home is made."""
    tmp_path.chmod(0o775)
    shared = next((each.gr_gid for each in grp.getgrall() if each.gr_mem), None)
    assert flaw_of(tmp_path) is None
    if shared is not None and os.geteuid() == 0:
        os.chown(tmp_path, -1, shared)
        assert flaw_of(tmp_path) is not None


def test_a_sticky_folder_will_do_on_the_way(tmp_path: Path) -> None:
    """In /tmp nobody can remove or rename what is another's."""
    tmp_path.chmod(0o1777)
    assert (flaw_of(tmp_path, sticky=True), flaw_of(tmp_path) is None) == (None, False)
