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


def test_facts_of_a_tree_without_a_remote(repository: Path) -> None:
    """Branch and changed files are known; where they can be read is not."""
    run_git(repository, "checkout", "-q", "-b", "work/ä")
    facts = git.read_facts(repository).to_dict()
    assert (facts["branch"], facts["dirty"], facts["pushed"], facts["remote"]) == ("work/ä", False, None, None)
    assert facts["changed"] == [{"path": "a", "status": "A", "raw_url": None}]


def test_pushed_is_said_when_a_remote_branch_holds_the_commit(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A remote of its own: not pushed, then pushed; the address of a folder is no page."""
    remote = tmp_path_factory.mktemp("remote")
    run_git(remote, "init", "-q", "--bare")
    run_git(repository, "remote", "add", "origin", str(remote))
    assert git.read_facts(repository).pushed is False
    run_git(repository, "push", "-q", "origin", "HEAD:refs/heads/main")
    facts = git.read_facts(repository)
    assert (facts.pushed, facts.remote) == (True, None)


def test_raw_urls_of_what_the_commit_changed(repository: Path) -> None:
    """Each changed file has its address in that commit; a deleted one has none; no credential is in it."""
    run_git(repository, "remote", "add", "origin", "https://user:hunter22@github.com/me/bot.git")
    (repository / "b c").write_text("x")
    run_git(repository, "rm", "-q", "a")
    run_git(repository, "add", "b c")
    run_git(repository, "commit", "-q", "-m", "second")
    facts = git.read_facts(repository)
    sha = facts.commit.sha
    assert (facts.remote, facts.pushed) == ("https://github.com/me/bot", False)
    assert facts.to_dict()["changed"] == [
        {"path": "a", "status": "D", "raw_url": None},
        {"path": "b c", "status": "A", "raw_url": f"https://raw.githubusercontent.com/me/bot/{sha}/b%20c"},
    ]


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("https://github.com/me/bot.git", "https://github.com/me/bot"),
        ("https://token@gitlab.com/group/sub/bot", "https://gitlab.com/group/sub/bot"),
        ("git@github.com:me/bot.git", "https://github.com/me/bot"),
        ("ssh://git@git.example.org:2222/me/bot.git", "https://git.example.org/me/bot"),
        ("/srv/git/bot.git", None),
        ("../bot", None),
        ("file:///srv/git/bot", None),
        ("https://[bad/x", None),
        ("", None),
    ],
)
def test_the_page_of_a_remote(address: str, page: str | None) -> None:
    """Any spelling of a web host's address comes to its page, without user, password and port."""
    assert git.page_of(address) == page


def test_another_host_is_read_as_gitlab() -> None:
    """A GitLab of one's own is the most common host that is not listed."""
    url = git.raw_url("https://git.example.org/me/bot", "f" * 40, "a/b.py")
    assert url == f"https://git.example.org/me/bot/-/raw/{'f' * 40}/a/b.py"


def test_outside_git_no_fact_is_made_up(tmp_path: Path) -> None:
    """Everything that cannot be determined is null."""
    facts = git.read_facts(tmp_path).to_dict()
    assert facts == {
        "commit": "unknown", "short": "unknown", "branch": None, "dirty": True, "pushed": None, "remote": None,
        "changed": [],
    }  # fmt: skip
