from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.alerts.spool import Content, Spool
from preflight.check import Context, DiskRoom
from preflight.checks.storage import StorageCheck
from preflight.config.settings import Settings
from preflight.model import Mode, Outcome, Status
from tests.modes import bound

MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Any]

MB = 1024 * 1024


@pytest.fixture
def tmp_path(open_dir: Path) -> Path:
    """A directory that others can get to; pytest's own is below one that cannot be searched by others."""
    return open_dir


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The directory of ledger and spool, as the gate makes it before the checks start."""
    (tmp_path / "state" / "spool").mkdir(parents=True, exist_ok=True)
    return tmp_path / "state"


def check(context: Context) -> Outcome:
    outcome = StorageCheck().run(context)
    assert outcome.status is Status.PASS or outcome.hint
    return outcome


@pytest.mark.usefixtures("state")
def test_pass_leaves_nothing_behind(make_context: MakeContext, tmp_path: Path) -> None:
    """Three writable directories with room are a PASS, and afterwards as empty as before."""
    outcome = check(make_context())
    assert (outcome.status, outcome.summary) == (Status.PASS, "ledger, spool_dir, textfile_dir: writable, with room")
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left == []


def test_messages_for_a_chat_that_is_not_configured_are_told(make_context: MakeContext, state: Path) -> None:
    """How many wait, and that they do not wait for ever."""
    Spool(state / "spool").put(Content.P0, "paper", "r1-P0", "{}")
    outcome = check(make_context())
    assert outcome.status is Status.PASS
    assert "; 1 P0 wait. Telegram is not configured: the newest 50 messages are kept" in outcome.summary


@pytest.mark.parametrize("key", ["ledger", "spool_dir", "textfile_dir"])
@pytest.mark.parametrize(("there", "code"), [("missing", "ENOENT"), ("file", "ENOTDIR")])
def test_directory_that_is_none(  # noqa: PLR0917 - fixtures
    key: str, there: str, code: str, make_context: MakeContext, make_settings: MakeSettings, state: Path
) -> None:
    """A directory that does not exist, or is a file, is a FAIL that names setting and path."""
    bad = state / "bad"
    if there == "file":
        bad.touch()
    given = bad / "ledger.sqlite" if key == "ledger" else bad
    outcome = check(make_context(settings=make_settings(**{key: given})))
    assert (outcome.status, outcome.actual) == (Status.FAIL, code)
    assert outcome.summary.startswith(f"{key}: {bad} cannot be written: ")
    if there == "missing":
        assert outcome.hint == f"mount it, or create it if this is its first run: mkdir -p {bad}"


@pytest.mark.parametrize("mode", [Mode.DRY_RUN, Mode.PARTIAL])
def test_what_a_real_run_will_make_may_be_missing(
    mode: Mode, make_context: MakeContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first real run the default state directories need not exist yet, but the textfile directory must."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    textfile_dir = tmp_path / "textfile"
    textfile_dir.mkdir()
    textfile_dir.chmod(0o755)
    context = make_context(settings=Settings.model_validate({"env": "paper", "textfile_dir": textfile_dir}), mode=mode)
    assert check(context).status is Status.PASS
    assert not (tmp_path / "home").exists()
    textfile_dir.rmdir()
    assert check(context).summary.startswith("textfile_dir: ")


@pytest.mark.parametrize("key", ["ledger", "spool_dir"])
def test_configured_directory_that_is_missing(key: str, make_context: MakeContext, state: Path) -> None:
    """What a setting names is not made by any run: even a dry run says that it is not there."""
    context = make_context(mode=Mode.DRY_RUN)
    shutil.rmtree(state / "spool" if key == "spool_dir" else state)
    outcome = check(context)
    assert (outcome.status, outcome.actual) == (Status.FAIL, "ENOENT")
    assert outcome.summary.startswith(f"{key}: ")


@pytest.mark.parametrize("key", ["ledger", "spool_dir", "textfile_dir"])
@pytest.mark.parametrize(("free", "status"), [(100 * MB, Status.PASS), (100 * MB - 1, Status.FAIL), (0, Status.FAIL)])
def test_room(  # noqa: PLR0917 - fixtures
    key: str, free: int, status: Status, make_context: MakeContext, state: Path, tmp_path: Path
) -> None:
    """Each directory's file system must have the configured room left."""
    directory = {"ledger": state, "spool_dir": state / "spool", "textfile_dir": tmp_path / "textfile"}[key]

    def room(path: Path) -> DiskRoom:
        return DiskRoom(total=1000 * MB, used=0, free=free if path == directory else 500 * MB)

    outcome = check(make_context(disk_room=room))
    assert outcome.status is status
    if status is Status.FAIL:
        assert outcome.summary == f"{key}: {directory} has only {free // MB} MB left"
        assert outcome.expected == "at least 100 MB"


def test_room_by_the_real_file_system(make_context: MakeContext, make_settings: MakeSettings, state: Path) -> None:
    """By default the room is that of the file system itself."""
    outcome = check(make_context(settings=make_settings(min_free_mb=10**9)))
    assert outcome.summary.startswith(f"ledger: {state} has only ")


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("mode", [0o700, 0o750, 0o754, 0o751])
def test_textfile_directory_closed_to_others(mode: int, make_context: MakeContext, tmp_path: Path) -> None:
    """A textfile directory that others cannot list and enter is a FAIL: the exporter would see nothing."""
    context = make_context()
    (tmp_path / "textfile").chmod(mode)
    outcome = check(context)
    assert (outcome.status, outcome.actual) == (Status.FAIL, f"{mode:04o}")
    assert outcome.hint == f"chmod o+rx {tmp_path / 'textfile'}"


@pytest.mark.usefixtures("state")
def test_textfile_directory_behind_a_closed_door(
    make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """A directory above it that others cannot pass is a FAIL by name, also where only a link leads past it."""
    home = tmp_path / "home"
    directory = home / "metrics" / "textfile"
    directory.mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(directory)
    home.chmod(0o700)
    for path in (directory, link):
        outcome = check(make_context(settings=make_settings(textfile_dir=path)))
        assert (outcome.status, outcome.actual) == (Status.FAIL, "0700")
        assert outcome.hint.startswith(f"chmod o+x {home}, ")
    home.chmod(0o711)
    assert check(make_context(settings=make_settings(textfile_dir=link))).status is Status.PASS


@pytest.mark.usefixtures("state")
def test_prom_file_closed_to_others(make_context: MakeContext, tmp_path: Path) -> None:
    """One of the gate's own `.prom` files that others cannot read is a FAIL; other files are not its affair."""
    context = make_context()
    foreign = tmp_path / "textfile" / "node.prom"
    ours = tmp_path / "textfile" / "arbitrage_preflight_paper.prom"
    for path in (foreign, ours):
        path.touch()
        path.chmod(0o600)
    outcome = check(context)
    assert (outcome.status, outcome.hint) == (Status.FAIL, f"chmod 644 {ours}")
    ours.chmod(0o644)
    assert check(context).status is Status.PASS


@pytest.mark.usefixtures("state")
def test_no_textfile_directory(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A textfile directory that is not configured is a could-not-tell, unless no metrics are wanted."""
    settings = make_settings(textfile_dir=None)
    assert check(make_context(settings=settings)).status is Status.ERROR
    assert check(make_context(settings=settings, metrics=False)).status is Status.PASS


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("code", "told"), [("ENOSPC", "free room"), ("EDQUOT", "quota"), ("EROFS", "read-only"), ("EIO", "let the user")]
)
def test_disk_says_no(
    code: str, told: str, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A disk that is full, read-only or over quota while the probe is written is told apart; no probe stays."""
    number = getattr(errno, code)

    def refuse(*_: Any) -> int:
        raise OSError(number, os.strerror(number))

    context = make_context()
    monkeypatch.setattr(os, "fsync", refuse)
    outcome = check(context)
    assert (outcome.status, outcome.actual, told in outcome.hint) == (Status.FAIL, code, True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


UNPRIVILEGED = """
import sys
from pathlib import Path
from preflight.check import Context
from preflight.checks.storage import StorageCheck
from preflight.model import Mode
from preflight.config.settings import Settings
base = Path(sys.argv[1])
settings = Settings.model_validate({
    "env": "paper", "textfile_dir": base / "textfile", "ledger": base / "ledger.sqlite", "spool_dir": base / "spool",
})
context = Context(settings=settings, mode=Mode.REAL, run_id="r", environ={}, cwd=base)
outcome = StorageCheck().run(context)
print(outcome.status, outcome.summary)
"""


@pytest.mark.parametrize("key", ["spool", "textfile"])
def test_directory_that_may_not_be_written(key: str, open_dir: Path) -> None:
    """For a user without permission to write, the directory is a FAIL by name."""
    for path in (open_dir / "spool", open_dir / "textfile", open_dir):
        path.mkdir(exist_ok=True)
        path.chmod(0o755)
    (open_dir / key).chmod(0o555)
    done = subprocess.run(
        bound([sys.executable, "-c", UNPRIVILEGED, str(open_dir)]),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.stderr == ""
    setting = "spool_dir" if key == "spool" else "textfile_dir"
    assert done.stdout == f"fail {setting}: {open_dir / key} cannot be written: Permission denied\n"


@pytest.mark.usefixtures("state")
def test_a_disk_that_takes_a_part_only(make_context: MakeContext) -> None:
    """A write that is cut short is followed up, and the refusal that comes then is a FAIL."""
    context = make_context()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # the kernel takes 4096 of the 5000 bytes, then no more
    try:
        outcome = StorageCheck().run(context)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (outcome.status, outcome.actual) == (Status.FAIL, "EFBIG")


OWN = b'# HELP arbitrage_preflight_last_success x\narbitrage_preflight_last_success{env="paper"} 1.0\n'


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("arbitrage_preflight_paper.prom", OWN, False),
        ("arbitrage_preflight_paper.prom.bak", OWN, False),
        (".arbitrage_preflight_paper.prom.x.tmp", OWN, False),
        ("other.prom", b"# arbitrage_preflight_runs_total is another file's\nother 1\n", False),
        ("arbitrage_preflight_paper.bak.prom", OWN, True),
        ("arbitrage_preflight_dev.prom", OWN, True),
        ("Backup.prom", b"other 1\n  arbitrage_preflight_runs_total 1\n", True),
        (".hidden.prom", b"other 1\n" * 300_000 + OWN, True),
        ("arbitrage_preflight_paper.prom", OWN.replace(b"paper", b"live"), True),
    ],
)
def test_m1_another_file_with_our_metrics(
    name: str, content: bytes, found: bool, make_context: MakeContext, tmp_path: Path
) -> None:
    """A file that node_exporter would serve in place of, or beside, the gate's own is a FAIL that names it."""
    context = make_context()
    (tmp_path / "textfile" / name).write_bytes(content)
    outcome = check(context)
    assert outcome.status is (Status.FAIL if found else Status.PASS), outcome.summary
    assert (name in outcome.summary) is found
