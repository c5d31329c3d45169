"""git: what runs is what was committed and pushed, and no secret or large file is in it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from preflight.check import Context
from preflight.message import joined, message
from preflight.model import Outcome, Status

_EXPECTED = "a clean tree whose commit is on a remote branch, without .env or large files"
_MB = 1024 * 1024
_SHOWN = 3  # names in a message
_SECONDS = 4.0
_CODE = ("*.py", "*.pth", "*.so", "*.sh")  # what a bot could run though git does not show it
# Folders of code that is made or installed and never committed; a folder with pyvenv.cfg in it is one, too.
_MADE = frozenset({"__pycache__", "build", "dist", "node_modules", ".venv", "venv", ".eggs", ".tox", ".nox"})
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
class GitProblem:
    """One thing that is wrong, and the command that mends or shows it."""

    problem: str
    command: str
    status: Status = Status.FAIL


@dataclass(frozen=True, slots=True)
class Tree:
    """What git says of a checkout."""

    changed: tuple[str, ...]  # paths that differ from HEAD, untracked ones included
    hidden: tuple[str, ...]  # paths whose changes git was told not to look at
    remote: str  # a remote branch that holds HEAD, "" where none does
    sizes: dict[str, int] = field(default_factory=dict)  # tracked path -> bytes
    filters: tuple[str, ...] = ()  # programs that the repository's own config would have git run
    private: tuple[str, ...] = ()  # code that only this machine's own exclude files keep out of sight
    ignored: tuple[str, ...] = ()  # code that a .gitignore keeps out of sight


@dataclass(frozen=True, slots=True)
class GitCheck:
    """Asks git about the bot's checkout: no network, remote branches as of the last fetch or push."""

    id: str = "git"
    proves: str = message("the tree is clean, HEAD is on a remote branch, no .env or large file is tracked")
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
                summary=message("the checkout at {folder} cannot be looked at: {error}", folder=folder, error=e),
                hint=message(
                    "set PREFLIGHT_GIT__REPOSITORY to the bot's checkout and see that `git -C {path} "
                    "status` works for this user",
                    path=shlex.quote(str(folder)),
                ),
                expected=_EXPECTED,
                actual="no answer",
            )
        findings = list(_findings(tree, f"git -C {shlex.quote(str(folder))}", ctx.settings.git.max_file_mb))
        if findings:
            return Outcome(
                status=Status.FAIL if any(each.status is Status.FAIL for each in findings) else Status.WARN,
                summary=joined(each.problem for each in findings),
                hint=joined(each.command for each in findings),
                expected=_EXPECTED,
                actual=f"{len(findings)} wrong",
            )
        return Outcome(
            status=Status.PASS,
            summary=message(
                "clean, HEAD is on {remote}, {count} tracked files", remote=tree.remote, count=len(tree.sizes)
            ),
            expected=_EXPECTED,
            actual=_EXPECTED,
        )


def _look(ctx: Context, folder: Path) -> Tree:
    def git(*words: str, at: Path = folder, fine: tuple[int, ...] = (0,)) -> str:
        # Settings of the user's own must not hide anything, nor start a program of their own.
        argv = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", *off, *words)
        try:
            done = ctx.run_command(argv, at, _ENV, _SECONDS)
        except TimeoutError as e:
            raise GitError(str(e)) from e
        except OSError as e:
            raise GitError(f"{e.strerror or e}: {e.filename or 'git'}") from e
        if done.code not in fine:
            raise GitError(
                " ".join(done.stderr.split()) or message("git {word} ended with {code}", word=words[0], code=done.code)
            )
        return done.stdout

    off: tuple[str, ...] = ()
    config = ("config", "--show-scope", "--name-only", "-z", "--get-regexp", r"^filter\..*\.(clean|smudge|process)$")
    links = [each.partition("\t")[2] for each in _fields(git("ls-files", "-s", "-z")) if each.startswith("160000 ")]
    top = Path(git("rev-parse", "--show-toplevel").rstrip("\n"))
    filters: list[str] = []
    for place in (top, *(top / link for link in links if (top / link / ".git").exists())):
        found = _fields(git(*config, at=place, fine=(0, 1)))
        filters += [name for scope, name in zip(found[::2], found[1::2], strict=True) if scope in {"local", "worktree"}]
    # They are programs, and would run as this user, beside its secrets. An empty one is none.
    off = tuple(
        word
        for name in sorted({each.rpartition(".")[0] for each in filters})
        for key, value in (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
        for word in ("-c", f"{name}.{key}={value}")
    )
    others = ("ls-files", "--others", "-z", "--full-name")
    visible = _fields(git(*others, "--exclude-standard", "--", *_CODE, at=top))
    public = _fields(git(*others, "--exclude-per-directory=.gitignore", "--", *_CODE, at=top))
    ignored = _fields(git(*others, "--ignored", "--exclude-per-directory=.gitignore", "--", *_CODE, at=top))
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
        filters=tuple(sorted(set(filters))),
        private=tuple(path for path in public if path not in set(visible) and not _is_made(top, path)),
        ignored=tuple(path for path in ignored if not _is_made(top, path)),
    )


def _fields(text: str) -> list[str]:
    return [each for each in text.split("\0") if each]


def _findings(tree: Tree, git: str, max_file_mb: float) -> Iterator[GitProblem]:
    if tree.changed:
        yield GitProblem(
            message("the tree is not clean: {changed}", changed=_names(tree.changed)),
            message("{git} status, then commit or remove", git=git),
        )
    if tree.hidden:
        yield GitProblem(
            message("git was told not to look at changes of {hidden}", hidden=_names(tree.hidden)),
            message(
                "{git} update-index --no-assume-unchanged --no-skip-worktree {path}",
                git=git,
                path=shlex.quote(tree.hidden[0]),
            ),
        )
    if tree.private:
        yield GitProblem(
            message("code that an exclude file of this machine hides: {private}", private=_names(tree.private)),
            message("{git} check-ignore -v {path}, then commit or remove", git=git, path=shlex.quote(tree.private[0])),
        )
    if tree.ignored:
        yield GitProblem(
            message("code that git ignores: {ignored}", ignored=_names(tree.ignored)),
            message(
                "{git} check-ignore -v {path}: see that the bot does not run it",
                git=git,
                path=shlex.quote(tree.ignored[0]),
            ),
            Status.WARN,
        )
    if tree.filters:
        yield GitProblem(
            message(
                "the repository's own config has filters, which were not run: {filters}", filters=_names(tree.filters)
            ),
            message(
                "{git} config --local --unset {path}, or move it to your global config",
                git=git,
                path=shlex.quote(tree.filters[0]),
            ),
            Status.WARN,
        )
    if not tree.remote:
        yield GitProblem(message("HEAD is on no remote branch"), message("{git} push", git=git))
    secret = [path for path in tree.sizes if _is_env_file(path)]
    if secret:
        yield GitProblem(
            message("tracked by git: {secret}", secret=_names(secret)),
            message(
                "{git} rm --cached {path}, and make new secrets: the history keeps the old ones",
                git=git,
                path=shlex.quote(secret[0]),
            ),
        )
    large = [path for path, size in tree.sizes.items() if size > max_file_mb * _MB]
    if large:
        yield GitProblem(
            message("larger than {max_file_mb:g} MB: {large}", max_file_mb=max_file_mb, large=_names(large)),
            message("{git} rm --cached {path}", git=git, path=shlex.quote(large[0])),
        )


def _is_made(top: Path, path: str) -> bool:
    """Return whether a file lies where code is made or installed."""
    folders = path.split("/")[:-1]
    return not _MADE.isdisjoint(folders) or any(
        (top.joinpath(*folders[: depth + 1]) / "pyvenv.cfg").is_file() for depth in range(len(folders))
    )


def _is_env_file(path: str) -> bool:
    """`.env`, `.env.live`, `conf/.env/keys`, but not `.env.example`."""
    return not path.lower().endswith(".example") and any(part.lower().startswith(".env") for part in path.split("/"))


def _names(paths: tuple[str, ...] | list[str]) -> str:
    names = ", ".join(paths[:_SHOWN])
    return message("{names} and {count} more", names=names, count=len(paths) - _SHOWN) if paths[_SHOWN:] else names
