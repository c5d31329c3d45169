"""The rules for git, on repositories made for the test; and the hooks that hold a commit to them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from acceptance.gates.commits import hooks, rules
from acceptance.gates.interface import FAILED, OK, PROJECT, USAGE

Git = Callable[..., "subprocess.CompletedProcess[str]"]
KOREAN = "첫 커밋: 규칙을 시험한다"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit, after which messages are checked."""
    folder = tmp_path / "repo"
    folder.mkdir()
    _git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "README.md").write_text("x\n", encoding="utf-8")
    _commit(folder, "an English beginning")
    first = _git(folder, "rev-parse", "HEAD").stdout.strip()
    (folder / "pyproject.toml").write_text(f'[tool.gates]\ncommits-since = "{first}"\n', encoding="utf-8")
    _commit(folder, KOREAN)
    return folder


def _git(folder: Path, *words: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
    name = ("-c", "user.name=x", "-c", "user.email=x@example.invalid", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ("git", "-C", str(folder), *name, *words), capture_output=True, text=True, timeout=60, check=False
    )
    assert code is None or done.returncode == code, done.stderr
    return done


def _commit(folder: Path, message: str) -> None:
    _git(folder, "add", "--all", "--force")
    _git(folder, "commit", "--quiet", "--no-verify", "--allow-empty", "--message", message)


def test_the_project_keeps_its_own_rules() -> None:
    """What this checkout has tracked and committed."""
    assert list(rules.everything(PROJECT)) == []


def test_what_came_before_the_baseline_is_not_judged(repo: Path) -> None:
    """The first commit is English, and fine; so are merges of any wording."""
    _git(repo, "checkout", "--quiet", "-b", "side")
    _commit(repo, "곁가지")
    _git(repo, "checkout", "--quiet", "main")
    _git(repo, "merge", "--quiet", "--no-ff", "--message", "Merge branch side", "side")
    assert list(rules.everything(repo)) == []


def test_a_message_without_korean_is_named(repo: Path) -> None:
    """With its commit and its first line; a comment in Korean does not count."""
    _commit(repo, "only English\n\nand more of it")
    (problem,) = rules.everything(repo)
    short = _git(repo, "rev-parse", "--short", "HEAD").stdout.strip()
    assert problem.startswith(f"the message of {short} has no Korean: 'only English'")
    assert list(rules.message_problems("English\n# 주석\n", "this message")) != []
    assert list(rules.message_problems("Fix: 고친다", "this message")) == []


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("pkg/__pycache__/a.cpython-311.pyc", "generated"),
        ("artifacts/20260101T000000Z-abc/manifest.json", "generated"),
        ("state/ledger.sqlite", "generated"),
        ("arbitrage.egg-info/PKG-INFO", "generated"),
        ("metrics/arbitrage.prom", "generated"),
        (".venv/bin/python", "generated"),
        (".env", "secret"),
        (".env.live", "secret"),
        ("conf/.env/keys", "secret"),
        ("docker/secrets/redis_password", "secret"),
        ("preflight.toml", "secret"),
        ("certs/server.pem", "secret"),
        ("deploy/id_ed25519", "secret"),
        (".env.live.example", None),
        ("docker/preflight.env.example", None),
        ("tests/preflight/checks/test_secrets.py", None),
        ("docs/building.md", None),
    ],
)
def test_what_must_not_be_tracked(path: str, rule: str | None) -> None:
    """Generated files and what may hold a secret, by where they are; examples may be tracked."""
    found = list(rules.file_problems({path: 10}))
    assert [rule in problem and path in problem for problem in found if rule] == ([True] if rule else [])
    assert bool(found) == (rule is not None)


def test_a_large_file_is_named_with_its_size(repo: Path) -> None:
    """One megabyte is fine, one byte more is not."""
    (repo / "big.bin").write_bytes(b"0" * (rules.MAX_BYTES + 1))
    (repo / "fits.bin").write_bytes(b"0" * rules.MAX_BYTES)
    _commit(repo, "큰 파일")
    assert [problem.partition(";")[0] for problem in rules.everything(repo)] == ["larger than 1 MB: big.bin (1.0 MB)"]


def test_what_cannot_be_asked_is_never_fine(repo: Path, tmp_path: Path) -> None:
    """No repository, a baseline that is not there, a shallow clone: an error each, and exit 2."""
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(rules.GitError, match="ls-tree"):
        list(rules.everything(empty))
    shallow = tmp_path / "shallow"
    _git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repo}", str(shallow))
    with pytest.raises(rules.GitError, match=r"merge-base|shallow"):
        list(rules.everything(shallow))
    (repo / "pyproject.toml").write_text("[tool]\n", encoding="utf-8")
    with pytest.raises(rules.GitError, match="commits-since"):
        list(rules.everything(repo))
    assert rules.main(["no such thing"]) == USAGE
    assert rules.main(["message", str(tmp_path / "none")]) == USAGE


def test_hooks_hold_a_commit_to_the_rules(repo: Path) -> None:
    """A staged .env and an English message are refused by git itself; what keeps the rules is committed."""
    said = list(hooks.install_all(repo))
    assert said == ["git hook pre-commit installed", "git hook commit-msg installed"]
    assert list(hooks.install_all(repo)) == []  # a second time does nothing
    for name in (".venv", "acceptance"):
        (repo / name).symlink_to(PROJECT / name)  # what the hooks run
    (repo / ".git" / "info" / "exclude").write_text(".venv\nacceptance\n", encoding="utf-8")

    (repo / ".env").write_text("KEY=x\n", encoding="utf-8")
    _git(repo, "add", "--force", ".env")
    refused = _git(repo, "commit", "--message", KOREAN, code=None)
    assert refused.returncode == 1
    assert "git: may hold a secret: .env" in refused.stderr
    _git(repo, "rm", "--cached", "--quiet", ".env")

    (repo / "fine.txt").write_text("x\n", encoding="utf-8")
    _git(repo, "add", "fine.txt")
    refused = _git(repo, "commit", "--message", "English", code=None)
    assert refused.returncode == 1
    assert "git: this message has no Korean: 'English'" in refused.stderr
    _git(repo, "commit", "--quiet", "--message", "한국어로 말한다")


def test_a_hook_of_the_users_own_stays(repo: Path, tmp_path: Path) -> None:
    """Whatever it says, and wherever core.hooksPath leads; one of ours is renewed."""
    own = repo / ".git" / "hooks" / "pre-commit"
    own.parent.mkdir(exist_ok=True)
    own.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    (repo / ".git" / "hooks" / "commit-msg").write_text(f"#!/bin/sh\n{hooks.MARK}\nold\n", encoding="utf-8")
    first, second = hooks.install_all(repo)
    assert first.startswith(f"{own} is your own and stays as it is")
    assert second == "git hook commit-msg renewed"
    assert own.read_text(encoding="utf-8") == "#!/bin/sh\nexit 0\n"

    _git(repo, "config", "core.hooksPath", str(tmp_path / "elsewhere"))
    (said,) = hooks.install_all(repo)
    assert "stay as they are" in said
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_without_git_has_no_hooks(tmp_path: Path) -> None:
    """The set-up goes on."""
    assert list(hooks.install_all(tmp_path)) == ["no git checkout here, so no git hooks"]


def test_the_command_says_what_is_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1 and a sentence, or 0 and nothing."""
    (tmp_path / "message").write_text("English\n", encoding="utf-8")
    assert rules.main(["message", str(tmp_path / "message")]) == FAILED
    assert "has no Korean" in capsys.readouterr().err
    (tmp_path / "message").write_text(KOREAN, encoding="utf-8")
    assert rules.main(["message", str(tmp_path / "message")]) == OK
    assert capsys.readouterr().err == ""
