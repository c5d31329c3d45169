"""Temporary files of tests go to memory where it is fit for them, and nowhere else."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from acceptance.stack import in_memory


@pytest.mark.parametrize(
    ("flags", "free", "fit"),
    [(0, 4 * 2**30, True), (0, 64 * 2**20, False), (os.ST_NOEXEC, 4 * 2**30, False)],
    ids=["room", "as in a container", "no programs"],
)
def test_what_is_fit(flags: int, free: int, fit: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has room, and programs may run there."""
    told = SimpleNamespace(f_flag=flags, f_bavail=free // 4096, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _: told)
    assert in_memory.fit(tmp_path) is fit


def test_no_folder_is_not_fit(tmp_path: Path) -> None:
    """As on a system that has none."""
    assert not in_memory.fit(tmp_path / "nowhere", room=0)


@pytest.mark.parametrize(("before", "after"), [(None, "{memory}"), ("", "{memory}"), ("/elsewhere", "/elsewhere")])
def test_tmpdir_counts(before: str | None, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says where temporary files go is obeyed."""
    monkeypatch.setattr(in_memory, "fit", lambda memory: memory == tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", "/looked-up-before")
    monkeypatch.setenv("TMPDIR", before or "")
    if before is None:
        monkeypatch.delenv("TMPDIR")
    in_memory.keep_temporary_files(tmp_path)
    assert os.environ["TMPDIR"] == after.format(memory=tmp_path)
    assert (tempfile.tempdir is None) is (after != before)
