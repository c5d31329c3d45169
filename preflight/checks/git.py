"""git: what runs is what was committed and pushed, and no secret or large file is in it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from preflight.check import Context
from preflight.model import Outcome, Status

_EXPECTED = "a clean tree whose commit is on a remote branch, without .env or large files"
_MB = 1024 * 1024
_SHOWN = 3  # names in a message
_SECONDS = 4.0
# Nothing of the caller's GIT_* reaches git; no prompt, no lock, no fetch of what a partial clone left out.
_ENV = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
}


class GitError(Exception):
    """Git could not be asked, or did not answer; the text is its own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and the command that mends or shows it."""

    problem: str
    command: str


@dataclass(frozen=True, slots=True)
class Tree:
    """What git says of a checkout."""

    changed: tuple[str, ...]  # paths that differ from HEAD, untracked ones included
    hidden: tuple[str, ...]  # paths whose changes git was told not to look at
    remote: str  # a remote branch that holds HEAD, "" where none does
    sizes: dict[str, int] = field(default_factory=dict)  # tracked path -> bytes


@dataclass(frozen=True, slots=True)
class GitCheck:
    """Asks git about the bot's checkout: no network, remote branches as of the last fetch or push."""

    id: str = "git"
    proves: str = "the tree is clean, HEAD is on a remote branch, no .env or large file is tracked"
    requires: tuple[str, ...] = ()
    timeout: float = 5.0
    network: bool = False
    imports: tuple[str, ...] = ("subprocess",)

    def run(self, ctx: Context) -> Outcome:
        """Ask, and report everything that is wrong at once."""
        folder = ctx.settings.git.repository or ctx.cwd
        try:
            tree = _look(ctx, folder)
        except GitError as e:
            return Outcome(
                status=Status.ERROR,
                summary=f"the checkout at {folder} cannot be looked at: {e}",
                hint="set PREFLIGHT_GIT__REPOSITORY to the bot's checkout and see that `git -C "
                f"{shlex.quote(str(folder))} status` works for this user",
                expected=_EXPECTED,
                actual="no answer",
            )
        findings = list(_findings(tree, f"git -C {shlex.quote(str(folder))}", ctx.settings.git.max_file_mb))
        if findings:
            return Outcome(
                status=Status.FAIL,
                summary="; ".join(each.problem for each in findings),
                hint="; ".join(each.command for each in findings),
                expected=_EXPECTED,
                actual=f"{len(findings)} wrong",
            )
        return Outcome(
            status=Status.PASS,
            summary=f"clean, HEAD is on {tree.remote}, {len(tree.sizes)} tracked files",
            expected=_EXPECTED,
            actual=_EXPECTED,
        )


def _look(ctx: Context, folder: Path) -> Tree:
    def git(*words: str) -> str:
        # Settings of the user's own must not hide anything, nor start a program of their own.
        argv = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", *words)
        try:
            done = ctx.run_command(argv, folder, _ENV, _SECONDS)
        except TimeoutError as e:
            raise GitError(str(e)) from e
        except OSError as e:
            raise GitError(f"{e.strerror or e}: {e.filename or 'git'}") from e
        if done.code != 0:
            raise GitError(" ".join(done.stderr.split()) or f"git {words[0]} ended with {done.code}")
        return done.stdout

    status = git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignore-submodules=none", "--no-renames")
    flags = git("ls-files", "-v", "-z", "--full-name", ":/")
    blobs = git("ls-tree", "-r", "-l", "-z", "--full-tree", "HEAD")
    remote = git("for-each-ref", "--count=1", "--contains=HEAD", "--format=%(refname:short)", "refs/remotes")
    sizes = {}
    for entry in _fields(blobs):
        about, _, path = entry.partition("\t")
        size = about.split()[-1]
        sizes[path] = int(size) if size.isdigit() else 0  # "-": a submodule
    return Tree(
        changed=tuple(entry[3:] for entry in _fields(status)),
        # Lower case: assume-unchanged. S: skip-worktree.
        hidden=tuple(entry[2:] for entry in _fields(flags) if entry[0].islower() or entry[0] == "S"),
        remote=remote.strip(),
        sizes=sizes,
    )


def _fields(text: str) -> list[str]:
    return [each for each in text.split("\0") if each]


def _findings(tree: Tree, git: str, max_file_mb: float) -> Iterator[Finding]:
    if tree.changed:
        yield Finding(f"the tree is not clean: {_names(tree.changed)}", f"{git} status, then commit or remove")
    if tree.hidden:
        yield Finding(
            f"git was told not to look at changes of {_names(tree.hidden)}",
            f"{git} update-index --no-assume-unchanged --no-skip-worktree {shlex.quote(tree.hidden[0])}",
        )
    if not tree.remote:
        yield Finding("HEAD is on no remote branch", f"{git} push")
    secret = [path for path in tree.sizes if _is_env_file(path)]
    if secret:
        yield Finding(
            f"tracked by git: {_names(secret)}",
            f"{git} rm --cached {shlex.quote(secret[0])}, and make new secrets: the history keeps the old ones",
        )
    large = [path for path, size in tree.sizes.items() if size > max_file_mb * _MB]
    if large:
        yield Finding(
            f"larger than {max_file_mb:g} MB: {_names(large)}",
            f"{git} rm --cached {shlex.quote(large[0])}",
        )


def _is_env_file(path: str) -> bool:
    """`.env`, `.env.live`, `conf/.env/keys`, but not `.env.example`."""
    return not path.lower().endswith(".example") and any(part.lower().startswith(".env") for part in path.split("/"))


def _names(paths: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more
