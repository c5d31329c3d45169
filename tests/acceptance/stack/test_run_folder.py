from __future__ import annotations

import json
import os
import stat
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from acceptance.stack import run_folder
from acceptance.stack.interface import StackError
from acceptance.stack.run_as import User
from preflight.system.process_id import birth

STRANGER = User(name="nobody", uid=4_000_001, gid=4_000_001)  # not the caller, whoever that is


BOTH = pytest.mark.parametrize("user", [None, STRANGER], ids=["alone", "with another user"])


@BOTH
def test_the_folder_is_as_private_as_it_can_be(user: User | None) -> None:
    """Others may walk through to the textfile directory, and not list."""
    path = run_folder.create(user)
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o711
    finally:
        run_folder.remove(path)
    assert not path.exists()


@BOTH
def test_a_tmpdir_that_others_cannot_enter_is_passed_over(
    user: User | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TMPDIR below a 0700 folder, the run folder goes where others can walk."""
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = run_folder.create(user)
    try:
        assert path.parent != tmp_path.resolve()
    finally:
        run_folder.remove(path)


def test_no_place_at_all_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """When no base will do, the error names each and what to set."""
    monkeypatch.setattr(run_folder, "can_traverse", lambda *_: False)
    with pytest.raises(StackError, match=r"/tmp cannot be entered by user nobody.*set TMPDIR"):
        run_folder.create(STRANGER)


def test_a_place_from_which_no_program_runs_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's servers may be run from a copy in the folder: a base that is mounted noexec will not do."""
    statvfs = os.statvfs

    def noexec(path: Path) -> Any:
        seen = statvfs(path)
        return SimpleNamespace(f_flag=seen.f_flag | os.ST_NOEXEC) if path == Path("/tmp") else seen

    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    monkeypatch.setattr(os, "statvfs", noexec)
    path = run_folder.create(STRANGER)
    try:
        assert path.parent == Path("/var/tmp").resolve()
    finally:
        run_folder.remove(path)


def test_the_folder_of_a_running_stack_outlives_a_clock_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the wall clock says, an owner that runs keeps its folder."""
    folder = tmp_path / f"{run_folder.PREFIX}mine"
    folder.mkdir()
    run_folder.own(folder)
    boot = psutil.boot_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: boot + 3600)
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600)
    monkeypatch.setattr("psutil._pslinux.BOOT_TIME", boot + 3600, raising=False)
    assert psutil.Process().create_time() > time.time()  # what a process's time in Unix seconds is worth then
    assert run_folder.sweep(tmp_path) == []
    assert folder.exists()


def test_a_folder_is_swept_only_when_all_its_owners_are_dead(tmp_path: Path) -> None:
    """A living owner protects its folder, and one that cannot be seen from here; dead ones and reused ids do not."""
    here = Path("/proc/self/ns/pid").stat().st_ino
    mine = birth(os.getpid())
    dead = [1 << 30, mine, here]
    reused = [os.getpid(), f"{mine}0", here]
    alive = [os.getpid(), mine, here]
    folders = {}
    for name, owners in (
        ("kept", [dead, alive]),
        ("of-another-container", [[*dead[:2], here + 1]]),
        ("of-another-version", [[1 << 30, 1.0, here]]),
        ("gone", [dead, reused]),
    ):
        folders[name] = tmp_path / f"{run_folder.PREFIX}{name}"
        folders[name].mkdir()
        (folders[name] / ".births.json").write_text(json.dumps(owners))
    assert run_folder.sweep(tmp_path) == [folders["gone"]]
    assert folders["kept"].exists()
    assert folders["of-another-container"].exists()
    assert folders["of-another-version"].exists()
    assert not folders["gone"].exists()


def test_a_folder_is_kept_while_the_file_that_says_so_names_it(tmp_path: Path) -> None:
    """The data of `make up` outlives its processes until that project's `make down`, whoever else starts a stack."""
    folder, state = tmp_path / f"{run_folder.PREFIX}up", tmp_path / "state.json"
    folder.mkdir()
    dead = [1 << 30, birth(os.getpid()), Path("/proc/self/ns/pid").stat().st_ino]
    (folder / ".births.json").write_text(json.dumps([dead]))
    run_folder.own_by_file(folder, state)
    state.write_text(json.dumps({"run_dir": str(folder)}))
    assert run_folder.sweep(tmp_path) == []
    state.write_text(json.dumps({"run_dir": str(tmp_path / f"{run_folder.PREFIX}next")}))
    assert run_folder.sweep(tmp_path) == [folder]


def test_a_folder_that_is_not_ours_is_never_removed(tmp_path: Path) -> None:
    """Without the marker neither sweep nor remove touches a folder, whatever its name."""
    stranger = tmp_path / f"{run_folder.PREFIX}holiday-pictures"
    stranger.mkdir()
    (stranger / "beach.jpg").write_text("sand")
    assert run_folder.sweep(tmp_path) == []
    run_folder.remove(stranger)
    assert (stranger / "beach.jpg").exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A link that is named like a run folder is left alone."""
    target = tmp_path / "target"
    target.mkdir()
    (target / ".births.json").write_text(json.dumps([[1 << 30, "1", Path("/proc/self/ns/pid").stat().st_ino]]))
    (tmp_path / f"{run_folder.PREFIX}link").symlink_to(target)
    assert run_folder.sweep(tmp_path) == []
    assert target.exists()
