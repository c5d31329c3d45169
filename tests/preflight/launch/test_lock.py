from __future__ import annotations

import os
from pathlib import Path

import pytest

from preflight.errors import NotStartedError
from preflight.launch.lock import take


def test_q10_one_at_a_time(tmp_path: Path) -> None:
    """The second one is refused, and may have it once the first one is gone."""
    path = tmp_path / "lock"
    first = take(path)
    with pytest.raises(NotStartedError, match=f"holds {path}: another exec is at work"):
        take(path)
    assert first.lost() is None
    first.release()
    take(path).release()


@pytest.mark.parametrize("how", ["removed", "replaced", "replaced by a link"])
def test_q10_a_lock_that_others_could_take_too_is_lost(tmp_path: Path, how: str) -> None:
    """Only who holds the file that the path names holds the lock."""
    path, other = tmp_path / "lock", tmp_path / "other"
    lock = take(path)
    path.unlink()
    if how == "replaced":
        path.touch()
    elif how == "replaced by a link":
        path.symlink_to(other)
    assert str(path) in (lock.lost() or "")
    lock.release()


def test_q10_it_is_private_and_follows_no_link(tmp_path: Path) -> None:
    """Mode 0600 under any umask; a link that somebody planted is not followed."""
    before = os.umask(0)
    try:
        lock = take(tmp_path / "lock")
    finally:
        os.umask(before)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
    lock.release()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        take(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("what", ["another user's", "a FIFO"])
def test_q10_what_others_could_lock_is_not_taken(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who owns the file could remove it while the bot runs, and so let a second one start."""
    path = tmp_path / "lock"
    if what == "a FIFO":
        os.mkfifo(path)
    else:
        path.touch(mode=0o666)
        monkeypatch.setattr("preflight.config.owners.trusted_owners", lambda: frozenset({4_000_001}))
    with pytest.raises(OSError, match="no regular file" if what == "a FIFO" else "belongs to .*chown"):
        take(path)
