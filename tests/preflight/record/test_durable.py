from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from preflight.record import durable


def test_a_file_is_whole_and_private(tmp_path: Path) -> None:
    """It has its content and its mode, whatever the umask, and nothing else is left."""
    before = os.umask(0)
    try:
        with durable.opened(tmp_path) as folder:
            durable.place(folder, "name", b"text")
    finally:
        os.umask(before)
    assert (tmp_path / "name").read_bytes() == b"text"
    assert stat.S_IMODE((tmp_path / "name").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["name"]


def test_a_link_with_its_name_is_replaced(tmp_path: Path) -> None:
    """What the link leads to is not written."""
    (tmp_path / "other").write_text("mine")
    (tmp_path / "name").symlink_to(tmp_path / "other")
    with durable.opened(tmp_path) as folder:
        durable.place(folder, "name", b"text")
    assert (tmp_path / "other").read_text() == "mine"
    assert (tmp_path / "name").read_text() == "text"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_what_fails_leaves_the_old_file(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a half-written file nor its draft stays."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (tmp_path / "name").write_text("old")
    with durable.opened(tmp_path) as folder:
        monkeypatch.setattr(os, step, fail)
        with pytest.raises(OSError, match="Input/output"):
            durable.place(folder, "name", b"new")
    assert (tmp_path / "name").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["name"]


def test_the_longest_name_has_a_draft(tmp_path: Path) -> None:
    """A name of 85 Korean letters is as long as the file system takes; its draft's name is shorter."""
    name = "가" * 85
    with durable.opened(tmp_path) as folder:
        durable.place(folder, name, b"text")
    assert [path.name for path in tmp_path.iterdir()] == [name]
