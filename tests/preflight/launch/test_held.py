from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.launch import held
from preflight.launch.held import first_change, hold, hold_command


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A file that is held, older than the kernel's clock for files is coarse."""
    path, later = tmp_path / "bot.py", tmp_path / "later"
    path.write_text("print(1)\n")
    later.touch()
    while later.stat().st_ctime_ns == path.stat().st_ctime_ns:
        later.touch()
    return path


def _same_length(path: Path) -> None:
    with path.open("r+") as file:
        file.write("print(2)")


def _same_times(path: Path) -> None:
    before = path.stat()
    _same_length(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _link_elsewhere(path: Path) -> None:
    other = path.with_name("other.py")
    other.write_text("print(1)\n")
    path.unlink()
    path.symlink_to(other)


@pytest.mark.parametrize("digest", [True, False])
@pytest.mark.parametrize(
    "change",
    [_same_length, _same_times, _link_elsewhere, lambda path: path.chmod(0o700), lambda path: path.unlink()],
    ids=["edited", "edited, times put back", "replaced by a link", "mode", "removed"],
)
def test_q10_every_change_is_seen(script: Path, change: Callable[[Path], None], digest: bool) -> None:
    """With or without reading the file again."""
    file = hold(script)
    assert file.changed(digest=digest) is None
    change(script)
    assert str(script) in (file.changed(digest=digest) or "")


def test_q10_reading_is_no_change(script: Path) -> None:
    """Somebody who looks at the file changes nothing."""
    file = hold(script)
    script.read_bytes()
    assert [file.changed(digest=digest) for digest in (True, False)] == [None, None]


def test_q10_a_large_file_is_known_by_inode_and_times(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would take long to read is not read, and a change of it is seen all the same."""
    monkeypatch.setattr(held, "_DIGESTED", 4)
    file = hold(script)
    assert file.digest is None
    _same_length(script)
    assert file.changed(digest=True) is not None


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["-u", "{script}", "{other}"], ["bot.py"]),
        (["--config={script}", "x"], []),
        (["-c", "print(1)\0"], []),
        (["/proc/self/status", "{other}"], ["other.py"]),
        (["{folder}"], []),
    ],
    ids=["script", "option", "no path", "the kernel's", "folder"],
)
def test_q10_the_first_argument_that_is_a_file_is_held(arguments: list[str], names: list[str], script: Path) -> None:
    """An interpreter's script is; what comes after it may be a log, or the report of this very run."""
    other = script.with_name("other.py")
    other.write_text("x")
    words = [word.format(script=script, other=other, folder=script.parent) for word in arguments]

    files = hold_command("/bin/sh", words)

    assert [file.path.name for file in files] == ["sh", *names]
    assert first_change(files, digest=True) is None
