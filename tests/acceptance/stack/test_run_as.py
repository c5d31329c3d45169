from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from pathlib import Path

import pytest

from acceptance.stack import run_as
from acceptance.stack.interface import StackError
from acceptance.stack.run_as import User, can_read_tree, can_run, can_traverse, service_user, within_reach

# Neither the owner nor in the group of anything these tests make, whoever runs them.
STRANGER = User(name="stranger", uid=4_000_001, gid=4_000_001)


@pytest.fixture
def open_place(tmp_path: Path) -> Path:
    """A folder that everyone may walk to: pytest's own is 0700, so the tests judge below it only."""
    place = tmp_path / "open"
    place.mkdir(mode=0o755)
    place.chmod(0o755)
    return place


@pytest.fixture(autouse=True)
def _open_above(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the folders above tmp_path count as open, so that what a test sets below decides."""
    real = run_as._allowed
    above = {tmp_path.resolve(), *tmp_path.resolve().parents}
    monkeypatch.setattr(run_as, "_allowed", lambda path, user: 7 if path in above else real(path, user))


def make_program(folder: Path, mode: int = 0o755) -> Path:
    """A file that could be run."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "server"
    program.write_text("#!/bin/sh\n")
    program.chmod(mode)
    return program


def test_the_user_is_switched_exactly_when_root_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root gets an unprivileged user; anybody else runs everything as themselves."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert service_user() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    user = service_user()
    assert user is not None
    assert user.uid != 0


class Accounts:
    """The accounts of a machine, and what adding one does there."""

    def __init__(self, *names: str, can_add: bool = True) -> None:
        self.names = {"nobody", "daemon", "bin", *names}
        self.can_add = can_add
        self.added: list[Sequence[str]] = []

    def getpwnam(self, name: str) -> pwd.struct_passwd:
        """As the machine's own answers."""
        if name not in self.names:
            raise KeyError(name)
        return pwd.struct_passwd((name, "x", 4_000_002, 4_000_002, "", "/nonexistent", "/usr/sbin/nologin"))

    def add(self, argv: Sequence[str], *, seconds: float) -> None:
        """Run useradd."""
        assert seconds > 0
        self.added.append(argv)
        if not self.can_add:
            raise FileNotFoundError(argv[0])
        self.names.add(argv[-1])


@pytest.mark.parametrize(
    ("accounts", "expected", "added"),
    [
        (Accounts("postgres"), "postgres", 0),
        (Accounts("arbitrage-stack"), "arbitrage-stack", 0),
        (Accounts("arbitrage-stack", "postgres"), "arbitrage-stack", 0),
        (Accounts(), "arbitrage-stack", 1),
    ],
    ids=["Postgres' own", "a user of its own", "both", "neither"],
)
def test_q13_servers_never_run_as_a_user_that_others_run_as(
    monkeypatch: pytest.MonkeyPatch, accounts: Accounts, expected: str, added: int
) -> None:
    """Whatever else runs as nobody could read the owner's password and the data."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", accounts.getpwnam)
    monkeypatch.setattr(run_as, "finish", accounts.add)
    user = service_user()
    assert user is not None
    assert (user.name, len(accounts.added)) == (expected, added)


def test_q13_without_such_a_user_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence holds the command that mends it."""
    accounts = Accounts(can_add=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", accounts.getpwnam)
    monkeypatch.setattr(run_as, "finish", accounts.add)
    with pytest.raises(StackError, match=r"run `useradd --system .* arbitrage-stack`"):
        service_user()


@pytest.mark.parametrize(("mode", "reachable"), [(0o755, True), (0o711, True), (0o700, False), (0o744, False)])
def test_every_folder_on_the_way_needs_its_x_bit(open_place: Path, mode: int, reachable: bool) -> None:
    """A user walks through a folder by x alone; without it, neither the folder nor what is below is reached."""
    folder = open_place / "a" / "b"
    folder.mkdir(parents=True)
    folder.parent.chmod(mode)
    folder.chmod(0o755)
    assert can_traverse(folder, STRANGER) is reachable
    folder.parent.chmod(0o755)


def test_a_program_must_be_readable_and_executable(open_place: Path) -> None:
    """A 0700 program, or one that is not there, cannot be run by another user; a 0755 one can."""
    assert can_run(make_program(open_place / "bin"), STRANGER)
    assert not can_run(make_program(open_place / "own", 0o700), STRANGER)
    assert not can_run(open_place / "missing", STRANGER)


def test_a_tree_is_readable_only_as_a_whole(open_place: Path) -> None:
    """One unreadable file, such as an install under umask 077 leaves, makes the tree unusable."""
    make_program(open_place / "tree" / "bin")
    (open_place / "tree" / "bin").chmod(0o755)
    assert can_read_tree(open_place / "tree", STRANGER)
    (open_place / "tree" / "data").write_text("x")
    (open_place / "tree" / "data").chmod(0o600)
    assert not can_read_tree(open_place / "tree", STRANGER)


def test_what_is_within_reach_stays_where_it_is(open_place: Path) -> None:
    """Nothing is copied without need, and nothing at all when no user is switched."""
    program = make_program(open_place / "bin")
    place = open_place / "place"
    assert within_reach(program, None, {"A": "1"}, user=STRANGER, place=place) == (program, {"A": "1"})
    hidden = make_program(open_place / "own", 0o700)
    assert within_reach(hidden, None, {}, user=None, place=place) == (hidden, {})
    assert not place.exists()


def test_a_hidden_tree_is_brought_within_reach_with_its_environment(open_place: Path) -> None:
    """Below a 0700 folder: the tree is linked (copied where its bits are too tight), links kept, paths moved."""
    hidden = open_place / "cache"
    home = hidden / "postgres"
    program = make_program(home / "bin")
    library = home / "lib" / "libpq.so.5"
    library.parent.mkdir()
    library.write_text("code")
    library.chmod(0o600)
    (home / "lib" / "libpq.so").symlink_to("libpq.so.5")
    hidden.chmod(0o700)
    place = open_place / "run" / "bin" / "postgres"
    moved, env = within_reach(program, home, {"LD_LIBRARY_PATH": f"{home}/lib", "X": "y"}, user=STRANGER, place=place)
    assert moved == place / "bin" / "server"
    assert env == {"LD_LIBRARY_PATH": f"{place}/lib", "X": "y"}
    assert can_run(moved, STRANGER)
    assert can_read_tree(place, STRANGER)
    assert moved.stat().st_ino == program.stat().st_ino  # a link costs nothing
    assert library.stat().st_mode & 0o777 == 0o600  # the original is left as it was
    assert (place / "lib" / "libpq.so").read_text() == "code"


def test_a_hidden_program_alone_is_brought_within_reach(open_place: Path) -> None:
    """A single static program is enough without a tree."""
    program = make_program(open_place / "own", 0o700)
    place = open_place / "place"
    moved, _ = within_reach(program, None, {}, user=STRANGER, place=place)
    assert moved == place / "server"
    assert can_run(moved, STRANGER)
    assert program.stat().st_mode & 0o777 == 0o700
