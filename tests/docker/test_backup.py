"""`make backup` and `make restore` on real volumes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from acceptance.stack.compose.images import choose
from acceptance.stack.compose.operate import backup
from acceptance.stack.compose.operate.archive import MANIFEST
from acceptance.stack.compose.operate.restore import MARK
from acceptance.stack.compose.operate.volumes import SUFFIX, VOLUMES
from acceptance.stack.docker import docker_cli, env_file
from acceptance.stack.wait import Observation, wait_until
from tests.docker.operator import Operator, at_work

pytestmark = [pytest.mark.compose, pytest.mark.timeout(600)]

_REDIS = "docker compose exec -T redis sh -c 'REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli {}'"
_SQL = "docker compose exec -T postgres psql -qAt -U postgres -d arbitrage -c {!r}"
_LEDGER = "docker compose run --rm --no-deps -T --entrypoint sh preflight -c 'cd /var/lib/arbitrage/ledger; {}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """An operator who backs up and restores."""

    operator: Operator

    @property
    def suffix(self) -> str:
        """The line of docker/.env that names the volumes."""
        return env_file.read(self.operator.folder / ".env").get(SUFFIX, "")

    def up(self) -> None:
        """Start what holds data."""
        self.operator.types("docker compose up -d --wait --wait-timeout 60 redis postgres")

    def rest(self) -> None:
        """Stop it again."""
        self.operator.types("docker compose stop --timeout 5")

    def writes(self, value: str) -> None:
        """Put a value into each of the servers and into the ledger's folder."""
        self.operator.types(_REDIS.format(f"set kept {value}"))
        self.operator.types(_SQL.format("CREATE TABLE IF NOT EXISTS kept (v text); TRUNCATE kept"))
        self.operator.types(f"printf 'COPY kept FROM stdin;\\n{value}\\n' | {_SQL.partition(' -c')[0]}")
        self.operator.types(_LEDGER.format(f"umask 077; echo {value} >kept"))

    def reads(self) -> tuple[str, str, str]:
        """What they have; the file with owner and mode."""
        return (
            self.operator.types(_REDIS.format("get kept")).stdout.strip(),
            self.operator.types(_SQL.format("SELECT v FROM kept")).stdout.strip(),
            self.operator.types(_LEDGER.format("cat kept; stat -c %u:%a kept")).stdout.strip(),
        )

    def does(self, verb: str, *words: str) -> int:
        """Run `make backup` or `make restore` as the Makefile does."""
        return backup.main([verb, "--docker-dir", str(self.operator.folder), *words])

    def state(self) -> tuple[frozenset[str], str]:
        """All that a command that refuses must leave alone."""
        return frozenset(self.operator.volumes()), (self.operator.folder / ".env").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    """With `first` in every volume, and nothing running."""
    with at_work(tmp_path_factory.mktemp("checkout")) as operator:
        made = Keeper(operator=operator)
        made.up()
        made.writes("first")
        made.rest()
        yield made


@pytest.fixture(scope="module")
def saved(keeper: Keeper, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The backup of `first`."""
    file = tmp_path_factory.mktemp("backups") / "first.tar"
    assert keeper.does("backup", "--file", str(file)) == 0
    return file


FIRST = ("first", "first", "first\n10001:600")


def test_a_backup_is_private_and_is_not_overwritten(
    keeper: Keeper, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It holds all that the bot knows, so its owner alone reads it; a second one needs a name of its own."""
    assert saved.stat().st_mode & 0o777 == 0o600
    content = saved.read_bytes()
    assert keeper.does("backup", "--file", str(saved)) == 1
    assert "is there already" in capsys.readouterr().err
    assert saved.read_bytes() == content
    assert list(saved.parent.iterdir()) == [saved]


def test_what_was_saved_is_brought_back_and_there_is_a_way_back(keeper: Keeper, saved: Path) -> None:
    """Values, owners and modes of the backup's time; the volumes of before are kept and named again by one line."""
    keeper.up()
    keeper.writes("second")
    keeper.rest()
    before = keeper.suffix
    assert keeper.does("restore", "--file", str(saved)) == 0
    assert keeper.suffix != before
    assert not (keeper.operator.folder / MARK).exists()
    keeper.up()
    assert keeper.reads() == FIRST
    keeper.rest()
    env_file.update(keeper.operator.folder / ".env", {SUFFIX: before})
    keeper.up()
    assert keeper.reads()[:2] == ("second", "second")
    keeper.rest()


def test_a_backup_of_restored_volumes_can_be_restored(keeper: Keeper, saved: Path, tmp_path: Path) -> None:
    """A restored stack is backed up and restored like any other."""
    assert keeper.does("restore", "--file", str(saved)) == 0
    again = tmp_path / "again.tar"
    assert keeper.does("backup", "--file", str(again)) == 0
    assert keeper.does("restore", "--file", str(again)) == 0
    keeper.up()
    assert keeper.reads() == FIRST
    keeper.rest()


def test_a_dry_run_looks_and_changes_nothing(
    keeper: Keeper, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both verbs say what they would do."""
    before = keeper.state()
    assert keeper.does("backup", "--dry-run", "--file", str(tmp_path / "never.tar")) == 0
    assert keeper.does("restore", "--dry-run", "--file", str(saved)) == 0
    assert keeper.state() == before
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err.count("a dry run") == 2


def test_a_running_stack_is_refused(
    keeper: Keeper, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """K5: Neither verb touches what a container works on, be it one of `compose run`; it says how to stop it."""
    before = keeper.state()
    script = "docker compose run -d --rm --no-deps --entrypoint sleep preflight 60"
    container = keeper.operator.types(script).stdout.strip()
    try:
        assert keeper.does("backup", "--file", str(tmp_path / "never.tar")) == 1
        assert keeper.does("restore", "--file", str(saved)) == 1
    finally:
        docker_cli.docker("rm", "--force", container)
    assert capsys.readouterr().err.count("docker compose stop") == 2
    assert keeper.state() == before
    assert list(tmp_path.iterdir()) == []


def _changed(saved: Path, target: Path, how: str) -> None:
    content = saved.read_bytes()
    if how == "cut off":
        target.write_bytes(content[: len(content) // 2])
    elif how == "one byte":
        at = content.index(b"CREATE TABLE") if b"CREATE TABLE" in content else content.index(b"first")
        target.write_bytes(content[:at] + b"C" + bytes([content[at + 1] ^ 1]) + content[at + 2 :])
    elif how == "no tar":
        target.write_bytes(b"nothing of the kind")
    elif how == "another tar":
        with tarfile.open(target, "w") as tar:
            tar.addfile(tarfile.TarInfo("elsewhere"))
    elif how == "another Postgres":
        with tarfile.open(saved) as old, tarfile.open(target, "w") as new:
            for member in old:
                body = old.extractfile(member)
                text = body.read() if body is not None else b""
                if member.name == MANIFEST:
                    text = json.dumps({**json.loads(text), "postgres": "9"}).encode()
                    member.size = len(text)
                new.addfile(member, io.BytesIO(text) if member.isreg() else None)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("missing", "cannot be read"),
        ("cut off", "cannot be restored"),
        ("one byte", "is not what its manifest says"),
        ("no tar", "no whole tar file"),
        ("another tar", "no manifest"),
        ("another Postgres", "does not read it"),
    ],
)
def test_a_file_that_is_no_whole_backup_is_refused_before_anything_is_touched(
    keeper: Keeper, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, how: str, said: str
) -> None:
    """K5: Volumes and docker/.env are as they were; one sentence says what is wrong with the file."""
    file = tmp_path / "given.tar"
    _changed(saved, file, how)
    before = keeper.state()
    assert keeper.does("restore", "--file", str(file)) == 1
    err = capsys.readouterr().err
    assert (said in err, str(file) in err or how == "another Postgres") == (True, True), err
    assert "Traceback" not in err
    assert keeper.state() == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_restore_that_is_interrupted_leaves_the_data_as_it_was(
    keeper: Keeper, saved: Path, number: signal.Signals
) -> None:
    """K5: Half-filled volumes are never the stack's; they are gone at once, after a kill -9 with the next command."""
    volumes, env = keeper.state()
    argv = [sys.executable, "-m", "acceptance.stack.compose.operate.backup", "restore", "--file", str(saved)]
    process = subprocess.Popen(
        [*argv, "--docker-dir", str(keeper.operator.folder)], cwd=choose.ROOT, stderr=subprocess.PIPE
    )
    mark = keeper.operator.folder / MARK

    def filling() -> Observation[None]:
        return Observation(
            done=mark.exists() and len(keeper.operator.volumes()) > len(volumes), said=str(process.poll())
        )

    wait_until(filling, asked="whether volumes are being filled", timeout=30, interval=0.01)
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-number if number == signal.SIGKILL else 1), err
    assert (keeper.operator.folder / ".env").read_text(encoding="utf-8") == env
    if number == signal.SIGKILL:
        assert mark.exists()
        wait_until(
            lambda: Observation(done=keeper.does("restore", "--dry-run", "--file", str(saved)) == 0, said="not yet"),
            asked="whether the container of the killed restore has ended and was swept",
            timeout=30,
            interval=0.5,
        )
    assert keeper.state() == (volumes, env)
    assert not mark.exists()


def test_without_data_there_is_nothing_to_back_up(
    keeper: Keeper, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that has never run, or a mistyped name, is not an empty backup."""
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "arbitrage-never-run")
    assert keeper.does("backup", "--file", str(tmp_path / "never.tar")) == 1
    err = capsys.readouterr().err
    assert "no data yet" in err
    assert all(f"arbitrage-never-run_{name}" in err for name in VOLUMES)
    assert list(tmp_path.iterdir()) == []
