from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from evidence import git

IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")


def run_git(folder: Path, *words: str) -> None:
    """Run git in `folder`, even from inside a hook of another repository."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    subprocess.run(["git", *IDENTITY, "-C", str(folder), *words], check=True, env=environment)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    run_git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("1")
    run_git(tmp_path, "add", "a")
    run_git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_a_clean_tree(repository: Path) -> None:
    """The commit of a tree without changes."""
    commit = git.read(repository)
    assert len(commit.sha) == 40
    assert commit.short == commit.sha[:7]
    assert not commit.dirty


@pytest.mark.parametrize("name", ["a", "untracked"])
def test_a_changed_tree_is_dirty(repository: Path, name: str) -> None:
    """A changed file and an untracked one both make it dirty."""
    (repository / name).write_text("2")
    assert git.read(repository).dirty


def test_a_hooks_variables_do_not_change_the_answer(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a git hook the folder that is asked about counts, not the hook's repository."""
    expected = git.read(repository)
    monkeypatch.setenv("GIT_DIR", str(repository / "elsewhere"))
    assert git.read(repository) == expected


def test_outside_git_is_unknown_and_dirty(tmp_path: Path) -> None:
    """Where there is no repository nothing is claimed."""
    assert git.read(tmp_path) == git.Commit(sha="unknown", dirty=True)
    assert git.read(tmp_path).short == "unknown"


def test_before_the_first_commit_is_unknown_and_dirty(tmp_path: Path) -> None:
    """A repository without commits has no sha."""
    run_git(tmp_path, "init", "-q")
    assert git.read(tmp_path) == git.Commit(sha="unknown", dirty=True)


def test_without_git_is_unknown_and_dirty(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git makes bundles all the same."""
    monkeypatch.setenv("PATH", str(repository))
    assert git.read(repository) == git.Commit(sha="unknown", dirty=True)
