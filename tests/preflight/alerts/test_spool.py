from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

import pytest

from preflight.alerts.spool import Content, Entry, Spool, SpoolBusyError
from tests.held import held

pytestmark = pytest.mark.leg("servers")  # another thread keeps it waiting for a second


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """One whose directory does not exist yet."""
    (tmp_path / "spool").mkdir()
    return Spool(tmp_path / "spool")


def test_what_is_kept_waits_in_order(spool: Spool) -> None:
    """Files wait in the order in which they were put, by kind and env, readable by their owner only."""
    for number in range(12):
        spool.put(Content.P0, "paper", f"run-{12 - number}", f"text {number}")
    spool.put(Content.P0, "live", "other", "x")
    spool.put(Content.ROW, "paper", "run-1", "row")

    waiting = spool.waiting(Content.P0, "paper")
    assert [entry.read() for entry in waiting] == [f"text {number}" for number in range(12)]
    assert [stat.S_IMODE(entry.path.stat().st_mode) for entry in waiting] == [0o600] * 12
    assert len(spool.waiting(Content.ROW, "paper")) == 1


def test_order_does_not_need_a_clock(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that jumps back does not change the order."""
    spool.put(Content.P0, "paper", "b", "1")
    monkeypatch.setattr("time.time", lambda: 0.0)
    spool.put(Content.P0, "paper", "a", "2")

    assert [entry.id for entry in spool.waiting(Content.P0, "paper")] == ["b", "a"]


def test_order_outlives_what_was_sent(spool: Spool) -> None:
    """What is kept after something was removed comes last, whatever its id, and shares its number with nothing."""
    first, *_ = [spool.put(Content.P0, "paper", name, name) for name in ("d", "c", "b")]
    first.delete()
    spool.put(Content.P0, "paper", "a", "a")

    waiting = spool.waiting(Content.P0, "paper")
    assert [(entry.number, entry.id) for entry in waiting] == [(2, "c"), (3, "b"), (4, "a")]


def test_no_directory_is_an_empty_spool(tmp_path: Path) -> None:
    """Nothing waits where there is no directory; none is made, neither by looking nor by keeping something."""
    spool = Spool(tmp_path / "not-mounted" / "spool")
    assert spool.waiting(Content.P0, "paper") == ()
    with pytest.raises(FileNotFoundError):
        spool.put(Content.P0, "paper", "run-1", "text")
    assert not spool.directory.exists()


def test_other_files_are_left_alone(spool: Spool) -> None:
    """What is not the spool's own is neither listed nor touched."""
    spool.put(Content.P0, "paper", "a", "1")
    damaged = "damaged-p0-paper-000000000001-b.json"
    for name in (".p0-paper-000000000009-x.json.1.tmp", "p0-paper-1-x.json", "README", damaged):
        (spool.directory / name).write_text("x")

    assert [entry.id for entry in spool.waiting(Content.P0, "paper")] == ["a"]


def test_a_failed_write_leaves_nothing(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk raises, and no half of a file is there under any name."""
    spool.put(Content.P0, "paper", "a", "1")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        spool.put(Content.P0, "paper", "b", "2")
    assert [path.name for path in spool.directory.iterdir()] == ["p0-paper-000000000001-a.json"]


def test_it_is_on_the_disk_before_it_has_its_name(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content, then name, then directory: in that order each is synced."""
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(fd: int) -> None:
        done.append("directory" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file")
        fsync(fd)

    def renamed(source: str, target: str, **folders: int) -> None:
        done.append("rename")
        replace(source, target, **folders)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    spool.put(Content.P0, "paper", "a", "1")

    assert done == ["file", "rename", "directory"]


def test_a_file_that_is_not_the_own_one_cannot_be_deleted(spool: Spool) -> None:
    """After the spool ran empty numbers begin anew, and an old entry deletes no new file."""
    old = spool.put(Content.P0, "paper", "a", "1")
    old.delete()
    new = spool.put(Content.P0, "paper", "b", "2")
    old.delete()

    assert new.number == old.number
    assert new.read() == "2"


@pytest.mark.parametrize("id_", ["../x", "a/b", "", "x" * 100, "a\n"])
def test_an_impossible_id_is_refused(id_: str, spool: Spool) -> None:
    """No id can lead out of the directory."""
    with pytest.raises(ValueError, match="no name"):
        spool.put(Content.P0, "paper", id_, "1")


def test_one_delivers_at_a_time(spool: Spool) -> None:
    """The second one waits, and is told so when it waited long enough; another env is another matter."""
    with held(lambda: spool.delivering("paper", 1)):
        with pytest.raises(SpoolBusyError), spool.delivering("paper", 0.1):
            pytest.fail("two deliver at once")
        with spool.delivering("live", 0.1):
            pass
    with spool.delivering("paper", 0.1):
        assert spool.waiting(Content.P0, "paper") == ()


def test_the_second_one_waits_its_whole_time(spool: Spool) -> None:
    """One that is let in before its time is up delivers."""
    begun = time.monotonic()
    with held(lambda: spool.delivering("paper", 1), seconds=1.0), spool.delivering("paper", 5):
        assert time.monotonic() - begun >= 1.0


def test_a_damaged_file_is_kept_aside(spool: Spool) -> None:
    """It leaves the queue, not the disk."""
    entry = spool.put(Content.P0, "paper", "a", "nonsense")
    aside = entry.set_aside()

    assert aside.read_text() == "nonsense"
    assert spool.waiting(Content.P0, "paper") == ()


def test_another_text_takes_the_same_place(spool: Spool) -> None:
    """A file is replaced whole, under its own name; where it is gone it is made again."""
    first, second = (spool.put(Content.P0, "paper", id_, "old") for id_ in ("a", "b"))
    spool.replace(first, "new")
    second.delete()
    spool.replace(second, "newer")

    assert [(entry.id, entry.read()) for entry in spool.waiting(Content.P0, "paper")] == [("a", "new"), ("b", "newer")]


def test_what_a_killed_process_left_is_swept(spool: Spool) -> None:
    """Temporary files go after an hour, those of a process that is writing do not; other hidden files are nobody's."""
    spool.put(Content.P0, "paper", "a", "1")
    old = time.time() - 3601
    names = {".p0-paper-000000000009-x.json.1.tmp": old, ".row-paper-000000000001-y.json.2.tmp": old,
             ".p0-paper-000000000002-z.json.3.tmp": old + 60, ".paper.lock": old, ".other.tmp": old}  # fmt: skip
    for name, at in names.items():
        (spool.directory / name).write_text("x")
        os.utime(spool.directory / name, (at, at))
    spool.put(Content.P0, "paper", "b", "2")

    assert sorted(path.name for path in spool.directory.glob(".*")) == [
        ".other.tmp",
        ".p0-paper-000000000002-z.json.3.tmp",
        ".paper.lock",
    ]


def test_what_cannot_be_counted_counts_as_one(spool: Spool) -> None:
    """Nobody knows that a spool that cannot be read holds nothing."""
    assert spool.pending("paper") == 0
    spool.put(Content.P0, "paper", "a", "1")
    spool.put(Content.P0, "paper", "b", "1")
    spool.put(Content.ROW, "paper", "b", "1")
    assert (spool.pending("paper"), spool.pending("live")) == (2, 0)
    file = spool.directory / "file"
    file.write_text("no directory")
    assert Spool(file).pending("paper") == 1


def test_a_file_waits_until_it_is_known_to_be_gone(spool: Spool) -> None:
    """Where nobody can tell it is taken to wait."""
    entry = spool.put(Content.P0, "paper", "a", "1")
    assert entry.waits()
    entry.delete()
    assert not entry.waits()
    file = spool.directory / "file"
    file.write_text("no directory")
    assert Entry(file / "x", 1, "a").waits()
