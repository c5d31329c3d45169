from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.errors import TextfileError
from preflight.record import textfile
from tests.modes import obeying_modes


def publish(folder: Path, env: str, content: bytes) -> Path:
    """Publish this, whatever stands there."""
    return textfile.publish(folder, env, lambda _: content)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory that another uid can reach, which pytest's own is not."""
    made = Path(tempfile.mkdtemp(prefix="preflight-textfile-"))
    made.chmod(0o755)
    yield made
    for path in (made, *made.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(made)


def test_writes_a_readable_file(folder: Path) -> None:
    """Whatever the umask, the file can be read by others and nothing else is left in the directory."""
    before = os.umask(0o077)
    try:
        target = publish(folder, "paper", b"a 1\n")
    finally:
        os.umask(before)
    assert target == folder / "arbitrage_preflight_paper.prom"
    assert target.read_bytes() == b"a 1\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert list(folder.iterdir()) == [target]


def test_order_of_a_replacement(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new file is whole, readable and on the disk before it takes the name; then the directory is synced."""
    target = publish(folder, "paper", b"old 1\n")
    seen: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            seen.append(f"sync directory, file is {target.read_text()!r}")
        else:
            (temp,) = folder.glob(".arbitrage_preflight_paper.prom.*.tmp")
            seen.append(f"sync {temp.read_text()!r} {stat.S_IMODE(os.fstat(fd).st_mode):o}")
        fsync(fd)

    def watched_replace(src: str, dst: str, **folders: int) -> None:
        assert (folder / src).read_text() == "new 1\n"
        seen.append(f"rename to {dst}")
        replace(src, dst, **folders)

    with monkeypatch.context() as patched:  # undone before a failure is written down: that replaces files as well
        patched.setattr(os, "fsync", watched_fsync)
        patched.setattr(os, "replace", watched_replace)
        publish(folder, "paper", b"new 1\n")
    assert seen == [
        "sync 'new 1\\n' 644",
        "rename to arbitrage_preflight_paper.prom",
        "sync directory, file is 'new 1\\n'",
    ]


def test_sweeps_what_a_killed_writer_left(folder: Path) -> None:
    """A leftover of a killed writer, even an unwritable one or a link, neither stays nor is written through."""
    elsewhere = folder / "elsewhere"
    elsewhere.write_text("mine")
    (folder / ".arbitrage_preflight_paper.prom.tmp").symlink_to(elsewhere)
    target = publish(folder, "paper", b"a 1\n")
    assert elsewhere.read_text() == "mine"
    assert sorted(folder.iterdir()) == sorted([elsewhere, target])


def test_short_writes_are_completed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that takes a few bytes at a time gets all of them."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    assert publish(folder, "paper", b"0123456789").read_bytes() == b"0123456789"


def old_one(folder: Path) -> Path:
    """Publish something that must survive what comes."""
    return publish(folder, "paper", b"old 1\n")


def refused(directory: Path, *words: str) -> TextfileError:
    """Publish, expect a refusal that has these words, and give it."""
    with pytest.raises(TextfileError) as caught:
        publish(directory, "paper", b"new 1\n")
    for word in (str(directory / "arbitrage_preflight_paper.prom"), *words):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


def test_missing_directory(folder: Path) -> None:
    """A missing directory is named, with what to do, and not made."""
    refused(folder / "missing", "No such file or directory", "PREFLIGHT_TEXTFILE_DIR")
    assert not (folder / "missing").exists()


def test_file_instead_of_directory(folder: Path) -> None:
    """A file where the directory should be is told apart from a missing one."""
    (folder / "file").touch()
    refused(folder / "file", "Not a directory", "PREFLIGHT_TEXTFILE_DIR")


def test_unwritable_directory(folder: Path) -> None:
    """A directory that this user may not write says so, and the old file stays."""
    target = old_one(folder)
    folder.chmod(0o555)
    with obeying_modes():
        refused(folder, "Permission denied", "permission")
    assert target.read_bytes() == b"old 1\n"
    assert list(folder.iterdir()) == [target]


def test_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the old file stays as it was, the half-written one goes, and the message says why."""
    target = old_one(folder)
    opened = os.open

    def onto_a_full_disk(path: Path, flags: int, mode: int = 0o777, **at: int) -> int:
        fd = opened(path, flags, mode, **at)
        if flags & os.O_CREAT:
            full = opened("/dev/full", os.O_WRONLY)  # the kernel's own ENOSPC, without root
            os.dup2(full, fd)
            os.close(full)
        return fd

    monkeypatch.setattr(os, "open", onto_a_full_disk)
    monkeypatch.setattr(os, "fchmod", lambda _fd, _mode: None)  # or root would change /dev/full
    error = refused(folder, "No space left on device", "make room")
    assert isinstance(error.__cause__, OSError)
    assert error.__cause__.errno == errno.ENOSPC
    assert target.read_bytes() == b"old 1\n"
    assert list(folder.iterdir()) == [target]


def test_file_size_limit(folder: Path) -> None:
    """A write that stops half way, here by RLIMIT_FSIZE, leaves the old file and no other."""
    target = old_one(folder)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3, hard))
        refused(folder, "File too large", "ulimit")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert target.read_bytes() == b"old 1\n"
    assert list(folder.iterdir()) == [target]


def test_directory_in_the_way(folder: Path) -> None:
    """A directory with the file's name is named as the reason."""
    (folder / "arbitrage_preflight_paper.prom").mkdir()
    refused(folder, "directory has the name")


def test_unsynced_directory_is_told_apart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file is in its place but the disk does not confirm it, the error says so by its type."""
    fsync = os.fsync

    def failing(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", failing)
    assert isinstance(refused(folder, "Input/output error"), textfile.UnsyncedError)
    assert textfile.path_of(folder, "paper").read_bytes() == b"new 1\n"


def test_envs_have_their_own_files(folder: Path) -> None:
    """Each env has its own file."""
    names = {publish(folder, env, b"").name for env in ("paper", "live")}
    assert names == {"arbitrage_preflight_paper.prom", "arbitrage_preflight_live.prom"}
