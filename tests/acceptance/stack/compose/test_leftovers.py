from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from acceptance.stack.compose import leftovers
from acceptance.stack.docker import docker_cli
from acceptance.stack.docker.docker_cli import DockerResult

DEAD = "arbitrage-test-999999999-1-abcdef"  # beyond every kernel's highest pid


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a run with another TMPDIR has its folders; not the machine's own."""
    folder = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setattr(leftovers, "PLACES", (folder,))
    return folder


def test_a_running_process_keeps_its_project() -> None:
    """The project of a run that goes on is not touched."""
    assert not leftovers.is_orphan(leftovers.new_name())


def test_a_dead_process_leaves_an_orphan() -> None:
    """No process of that number: its containers are left over."""
    assert leftovers.is_orphan(DEAD)


def test_a_reused_pid_is_another_process() -> None:
    """The number alone is not the process: it has to have started at that time."""
    assert leftovers.is_orphan(f"arbitrage-test-{os.getpid()}-1-abcdef")


def test_a_clock_that_is_set_makes_no_orphan() -> None:
    """The start is counted from boot, not as a time of day: that of a live run moves when the clock is set."""
    name = leftovers.new_name()
    ticks = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    assert name.split("-")[3] == ticks
    assert not leftovers.is_orphan(name)


def test_a_kept_project_is_no_orphan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `--keep-stack` left running stays."""
    monkeypatch.setattr(leftovers, "folder_of", lambda _: tmp_path)
    (tmp_path / leftovers.KEPT).touch()
    assert not leftovers.is_orphan(DEAD)


def test_a_project_kept_by_a_run_with_another_tmpdir_is_no_orphan(elsewhere: Path) -> None:
    """Tests keep their files in memory, `pytest acceptance --keep-stack` does not: each finds the other's."""
    (elsewhere / DEAD).mkdir()
    assert leftovers.folder_of(DEAD) == elsewhere / DEAD
    assert leftovers.is_orphan(DEAD)
    (elsewhere / DEAD / leftovers.KEPT).touch()
    assert not leftovers.is_orphan(DEAD)


@pytest.mark.parametrize("name", ["arbitrage", "arbitrage-test-mine", "other", ""])
def test_other_projects_are_never_touched(name: str) -> None:
    """A user's own stack has another name."""
    assert not leftovers.is_orphan(name)


def test_a_folder_alone_is_removed_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, elsewhere: Path) -> None:
    """It holds secrets, even where its containers are gone."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(docker_cli, "docker", lambda *_, **__: DockerResult(code=0, stdout="", stderr=""))
    for place in (tmp_path, elsewhere):
        (place / DEAD).mkdir()
        (place / leftovers.new_name()).mkdir()
        assert leftovers.sweep() == (DEAD,)
        assert len(list(place.iterdir())) == 1


def test_only_orphans_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of all projects, those of dead runs are taken down, by their label."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    mine = leftovers.new_name()
    asked: list[tuple[str, ...]] = []

    def docker(*args: str, seconds: float = 0.0) -> DockerResult:
        asked.append(args)
        assert seconds >= 0
        out = f"arbitrage\n{mine}\n{DEAD}\n" if args[:2] == ("ps", "-a") else "c1\n" if args[0] == "ps" else ""
        return DockerResult(code=0, stdout=out, stderr="")

    monkeypatch.setattr(docker_cli, "docker", docker)
    assert leftovers.sweep() == (DEAD,)
    destructive = [args for args in asked if args[0] in {"rm", "compose"}]
    assert destructive[0][-1] == "c1"
    assert destructive[1][:3] == ("compose", "-p", DEAD)
    assert len(destructive) == 2
