from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from preflight.check import Context
from preflight.checks.git import GitCheck
from preflight.model import Outcome, Status
from preflight.system.io import ProgramResult

MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Any]
_WHO = ("-c", "user.name=bot", "-c", "user.email=bot@localhost", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> None:
    subprocess.run(("git", *_WHO, *words), cwd=folder, check=True, capture_output=True)


def commit(folder: Path, **files: str | bytes) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("DOT", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    git(folder, "add", "--force", ".")
    git(folder, "commit", "--quiet", "--message", "more")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone with one commit that its remote has."""
    remote, clone = tmp_path / "remote", tmp_path / "bot"
    subprocess.run(("git", "init", "--quiet", "--bare", str(remote)), check=True)
    subprocess.run(("git", "init", "--quiet", "--initial-branch=main", str(clone)), check=True)
    git(clone, "remote", "add", "origin", str(remote))
    commit(clone, bot="print()\n", DOTgitignore="*.log\n", DOTenvDOTexample="KEY=\n")
    git(clone, "push", "--quiet", "origin", "main")
    return clone


def run(make_context: MakeContext, make_settings: MakeSettings, folder: Path, **given: Any) -> Outcome:
    context = make_context(settings=make_settings(git={"repository": folder}), **given)
    outcome = GitCheck().run(context)
    assert outcome.status is Status.PASS or outcome.hint
    return outcome


def test_clean_and_pushed(make_context: MakeContext, make_settings: MakeSettings, checkout: Path) -> None:
    """A clean tree whose commit is on a remote branch passes; ignored files and `.env.example` are fine."""
    (checkout / "run.log").write_text("x", encoding="utf-8")
    outcome = run(make_context, make_settings, checkout)
    assert (outcome.status, outcome.summary) == (Status.PASS, "clean, HEAD is on origin/main, 3 tracked files")


def test_cwd_is_the_default(make_context: MakeContext, checkout: Path) -> None:
    """Without `git.repository` the directory preflight runs in is looked at."""
    assert GitCheck().run(make_context(cwd=checkout)).status is Status.PASS


def test_callers_git_variables_do_not_count(
    make_context: MakeContext, make_settings: MakeSettings, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GIT_DIR in the environment does not make git look at another checkout."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert run(make_context, make_settings, checkout).status is Status.PASS


@pytest.mark.parametrize("below", [False, True], ids=["root", "sub-folder"])
@pytest.mark.parametrize("how", ["changed", "staged", "untracked", "deleted"])
def test_not_clean(
    how: str, below: bool, make_context: MakeContext, make_settings: MakeSettings, checkout: Path
) -> None:
    """Whatever differs from the commit is a FAIL that names the file, also seen from a sub-folder."""
    commit(checkout, src__a="1")
    git(checkout, "push", "--quiet", "origin", "main")
    path = checkout / ("new" if how == "untracked" else "bot")
    if how == "deleted":
        path.unlink()
    else:
        path.write_text("changed", encoding="utf-8")
    if how == "staged":
        git(checkout, "add", "bot")
    outcome = run(make_context, make_settings, checkout / "src" if below else checkout)
    assert (outcome.status, outcome.summary) == (Status.FAIL, f"the tree is not clean: {path.name}")


def test_own_settings_do_not_hide_a_file(
    make_context: MakeContext, make_settings: MakeSettings, checkout: Path
) -> None:
    """`status.showUntrackedFiles=no` in the checkout's own settings does not make it clean."""
    git(checkout, "config", "status.showUntrackedFiles", "no")
    (checkout / "new").write_text("x", encoding="utf-8")
    assert run(make_context, make_settings, checkout).status is Status.FAIL


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_hidden_change(flag: str, make_context: MakeContext, make_settings: MakeSettings, checkout: Path) -> None:
    """A file that git was told not to look at is a FAIL: its changes would not show."""
    git(checkout, "update-index", flag, "bot")
    outcome = run(make_context, make_settings, checkout)
    assert (outcome.status, "not to look at changes of bot" in outcome.summary) == (Status.FAIL, True)


def test_not_pushed(make_context: MakeContext, make_settings: MakeSettings, checkout: Path) -> None:
    """A commit that no remote branch holds is a FAIL."""
    commit(checkout, more="1")
    outcome = run(make_context, make_settings, checkout)
    assert (outcome.status, outcome.summary) == (Status.FAIL, "HEAD is on no remote branch")
    assert "push" in outcome.hint


@pytest.mark.parametrize("name", [".env", ".env.live", "conf/.env.paper", ".ENV", ".env.d/keys", ".envrc"])
def test_env_file_tracked(name: str, make_context: MakeContext, make_settings: MakeSettings, checkout: Path) -> None:
    """A tracked `.env` file, wherever it lies, is a FAIL that names it."""
    commit(checkout, **{name: "KEY=1"})
    git(checkout, "push", "--quiet", "origin", "main")
    outcome = run(make_context, make_settings, checkout)
    assert (outcome.status, outcome.summary) == (Status.FAIL, f"tracked by git: {name}")
    assert f"rm --cached {name}" in outcome.hint


@pytest.mark.parametrize(("size", "status"), [(1_048_576, Status.PASS), (1_048_577, Status.FAIL)])
def test_large_file(
    size: int, status: Status, make_context: MakeContext, make_settings: MakeSettings, checkout: Path
) -> None:
    """A tracked file above the limit is a FAIL."""
    commit(checkout, data=b"x" * size)
    git(checkout, "push", "--quiet", "origin", "main")
    settings = make_settings(git={"repository": checkout, "max_file_mb": 1})
    outcome = GitCheck().run(make_context(settings=settings))
    assert outcome.status is status
    assert status is Status.PASS or outcome.summary == "larger than 1 MB: data"


def test_everything_at_once(make_context: MakeContext, make_settings: MakeSettings, checkout: Path) -> None:
    """All that is wrong is said in one go, each with its command."""
    commit(checkout, DOTenv="KEY=1")
    (checkout / "bot").write_text("changed", encoding="utf-8")
    outcome = run(make_context, make_settings, checkout)
    assert outcome.actual == "3 wrong"
    assert outcome.summary == "the tree is not clean: bot; HEAD is on no remote branch; tracked by git: .env"


@pytest.mark.parametrize("kind", ["no checkout", "no folder", "no commit"])
def test_cannot_tell(kind: str, make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path) -> None:
    """Where there is nothing to look at it is an ERROR that names the folder."""
    folder = tmp_path / "empty"
    if kind != "no folder":
        folder.mkdir()
    if kind == "no commit":
        git(folder, "init", "--quiet")
    outcome = run(make_context, make_settings, folder)
    assert (outcome.status, str(folder) in outcome.summary) == (Status.ERROR, True)


@pytest.mark.parametrize(
    "error", [FileNotFoundError(2, "No such file or directory", "git"), TimeoutError("git did not end within 4 s")]
)
def test_no_git(error: OSError, make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path) -> None:
    """No git, or one that hangs, is an ERROR."""

    def refuse(*_: Any) -> ProgramResult:
        raise error

    assert run(make_context, make_settings, tmp_path, run_command=refuse).status is Status.ERROR


def test_git_may_not_ask_or_fetch(make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path) -> None:
    """Git is told not to prompt and not to fetch, and no command of it uses the network."""
    seen: list[tuple[str, ...]] = []

    def record(argv: Sequence[str], _: Path, env: Mapping[str, str], __: float) -> ProgramResult:
        seen.append(tuple(argv))
        assert (env["GIT_TERMINAL_PROMPT"], env["GIT_NO_LAZY_FETCH"]) == ("0", "1")
        return ProgramResult(code=0, stdout="", stderr="")

    run(make_context, make_settings, tmp_path, run_command=record)
    verbs = {next(word for word in argv[5:] if not word.startswith("-")) for argv in seen}
    assert verbs == {"config", "rev-parse", "status", "ls-files", "ls-tree", "for-each-ref"}


@pytest.mark.parametrize("kind", ["clean", "process"])
def test_q14_filters_of_the_repository_are_not_run(
    kind: str, make_context: MakeContext, make_settings: MakeSettings, checkout: Path, tmp_path: Path
) -> None:
    """The attack: the repository's own config names a program for a file; it would run beside the gate's secrets."""
    ran = tmp_path / "ran"
    program = tmp_path / "filter.sh"
    program.write_text(f"#!/bin/sh\nenv > {ran}; cat\n", encoding="utf-8")
    program.chmod(0o755)
    commit(checkout, DOTgitattributes="*.dat filter=evil\n", aDOTdat="1")
    git(checkout, "push", "--quiet", "origin", "main")
    git(checkout, "config", f"filter.evil.{kind}", str(program))
    (checkout / "a.dat").write_text("1", encoding="utf-8")  # touched: git has to read it again
    outcome = run(make_context, make_settings, checkout)
    assert not ran.exists()
    assert outcome.status is Status.WARN
    assert outcome.summary == f"the repository's own config has filters, which were not run: filter.evil.{kind}"


def test_q14_a_submodules_filters_are_not_run(
    make_context: MakeContext, make_settings: MakeSettings, checkout: Path, tmp_path: Path
) -> None:
    """A submodule has a config of its own, and git looks into it as well."""
    ran, inner = tmp_path / "ran", tmp_path / "inner"
    subprocess.run(("git", "init", "--quiet", str(inner)), check=True)
    commit(inner, DOTgitattributes="* filter=evil\n", aDOTdat="1")
    git(checkout, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "sub")
    commit(checkout)
    git(checkout, "push", "--quiet", "origin", "main")
    git(checkout / "sub", "config", "filter.evil.clean", f"env > {ran}; cat")
    (checkout / "sub" / "a.dat").write_text("1", encoding="utf-8")
    outcome = run(make_context, make_settings, checkout)
    assert not ran.exists()
    assert "filter.evil.clean" in outcome.summary


def test_q14_a_module_that_info_exclude_hides(
    make_context: MakeContext, make_settings: MakeSettings, checkout: Path
) -> None:
    """The attack: a new module, kept out of `git status` by a file that no commit holds."""
    (checkout / ".git" / "info" / "exclude").write_text("evil.py\n", encoding="utf-8")
    (checkout / "evil.py").write_text("print()", encoding="utf-8")
    outcome = run(make_context, make_settings, checkout)
    assert outcome.status is Status.FAIL
    assert outcome.summary == "code that an exclude file of this machine hides: evil.py"


def test_q14_code_that_a_gitignore_hides(
    make_context: MakeContext, make_settings: MakeSettings, checkout: Path
) -> None:
    """A folder that hides itself is a WARN that lists its code; a virtual environment is what it is."""
    for folder in ("evil", ".env-of-mine"):
        (checkout / folder).mkdir()
        (checkout / folder / ".gitignore").write_text("*\n", encoding="utf-8")
        (checkout / folder / "module.py").write_text("print()", encoding="utf-8")
    (checkout / ".env-of-mine" / "pyvenv.cfg").touch()
    outcome = run(make_context, make_settings, checkout)
    assert (outcome.status, outcome.summary) == (Status.WARN, "code that git ignores: evil/module.py")
