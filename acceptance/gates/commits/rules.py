"""The project's rules for git: Korean commit messages, no large file, nothing generated and no secret tracked.

``python -m acceptance.gates.commits.rules`` checks everything; ``staged`` what is about to be committed (the hook
``pre-commit``); ``message FILE`` a commit message (the hook ``commit-msg``). Exit 0: all kept. 1: broken, each named.
2: git could not be asked, so nothing is known.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from acceptance.gates.interface import FAILED, OK, PROJECT, USAGE

MAX_BYTES: Final = 1_000_000
_SECONDS: Final = 60.0
_SHOWN: Final = 10
_HANGUL: Final = re.compile(r"[\uac00-\ud7a3]")
# Folders and endings of what tools make anew each time.
_GENERATED: Final = re.compile(
    r"(^|/)(__pycache__|\.venv[^/]*|\.mypy_cache|\.ruff_cache|\.pytest_cache|\.hypothesis|node_modules|[^/]+\.egg-info)/"
    r"|(^|/)(artifacts|backups|\.stack|build|dist)/"
    r"|\.(pyc|pyo|prom|sqlite|sqlite-journal|log|tmp|orig|rej|coverage)$|(^|/)\.coverage$"
)
_SECRET: Final = re.compile(
    r"(^|/)\.env[^/]*($|/)|(^|/)secrets/|(^|/)preflight\.toml$|\.(pem|key|p12|pfx|jks)$|(^|/)id_(rsa|ed25519)$"
)
# Evidence that was promoted is kept as it was signed, logs and metrics included.
_PROMOTED: Final = "docs/D98/evidence/d98_6/"
# What a file may be called that matches above and is neither.
_EXAMPLE: Final = ".example"


class GitError(Exception):
    """Git could not be asked; the text says what it answered."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one of the checks; print each rule that is broken."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        match words:
            case []:
                found = list(everything(PROJECT))
            case ["staged"]:
                found = list(staged(Path.cwd()))
            case ["message", file]:
                found = list(message_problems(Path(file).read_text(encoding="utf-8", errors="replace"), "this message"))
            case _:
                print("usage: python -m acceptance.gates.commits.rules [staged | message FILE]", file=sys.stderr)  # noqa: T201
                return USAGE
    except (GitError, OSError) as error:
        print(f"git: {error}", file=sys.stderr)  # noqa: T201 -- the answer
        return USAGE
    for problem in found:
        print(f"git: {problem}", file=sys.stderr)  # noqa: T201 -- the answer
    return FAILED if found else OK


def everything(project: Path) -> Iterator[str]:
    """Check every tracked file, and every commit since the recorded baseline.

    Raises:
        GitError: git cannot be asked, or the baseline is not in this clone.
    """
    sizes = {}
    for entry in _fields(_git(project, "ls-tree", "-r", "-l", "-z", "--full-tree", "HEAD")):
        about, _, path = entry.partition("\t")
        size = about.split()[-1]
        sizes[path] = int(size) if size.isdigit() else 0
    yield from file_problems(sizes)
    since = baseline(project)
    if _git(project, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise GitError("this clone is shallow, so its commit messages cannot be checked: git fetch --unshallow")
    log = _git(project, "log", "--no-merges", "--format=%h%x00%B%x01", f"{since}..HEAD")
    for commit in log.split("\x01"):
        short, _, message = commit.strip().partition("\0")
        if short:
            yield from message_problems(message, f"the message of {short}")


def staged(folder: Path) -> Iterator[str]:
    """Check the files that the next commit would add or change.

    Raises:
        GitError: git cannot be asked.
    """
    names = _fields(_git(folder, "diff", "--cached", "--name-only", "-z", "--diff-filter=ACMR", "--no-renames"))
    sizes = {}
    for name in names:
        size = _git(folder, "cat-file", "-s", f":{name}", fine=(0, 128)).strip()  # 128: a submodule
        sizes[name] = int(size) if size.isdigit() else 0
    yield from file_problems(sizes)


def file_problems(sizes: Mapping[str, int]) -> Iterator[str]:
    """Check paths and sizes in bytes.

    Yields:
        A sentence for each rule that is broken, with what to do.
    """
    if large := [f"{path} ({size / 1e6:.1f} MB)" for path, size in sizes.items() if size > MAX_BYTES]:
        yield f"larger than {MAX_BYTES / 1e6:g} MB: {_names(large)}; take it out by `git rm --cached`"
    if made := [path for path in sizes if _GENERATED.search(path) and not path.startswith(_PROMOTED)]:
        yield f"generated, and so not for git: {_names(made)}; take it out by `git rm --cached`"
    if secret := [path for path in sizes if _SECRET.search(path) and not path.endswith(_EXAMPLE)]:
        yield (
            f"may hold a secret: {_names(secret)}; take it out by `git rm --cached`, and where it was committed make "
            "new secrets: the history keeps the old ones"
        )


def message_problems(message: str, whose: str) -> Iterator[str]:
    """Check a commit message; comment lines and what a merge or a fixup writes do not count.

    Yields:
        A sentence if it is not in Korean.
    """
    lines = [line for line in message.splitlines() if not line.startswith("#")]
    text = "\n".join(lines).strip()
    if text.startswith(("Merge ", "fixup! ", "squash! ", "amend! ")):
        return
    if not _HANGUL.search(text):
        first = text.partition("\n")[0] or "(empty)"
        yield f"{whose} has no Korean: {first!r}; say what and why in Korean"


def baseline(project: Path) -> str:
    """The commit after which messages are checked, from ``[tool.gates]`` in pyproject.toml.

    Raises:
        GitError: it is not recorded, or not in this clone.
    """
    with (project / "pyproject.toml").open("rb") as stream:
        since = tomllib.load(stream).get("tool", {}).get("gates", {}).get("commits-since")
    if not isinstance(since, str):
        raise GitError("pyproject.toml does not say [tool.gates] commits-since")
    _git(project, "merge-base", "--is-ancestor", since, "HEAD")
    return since


def _git(folder: Path, *words: str, fine: Iterable[int] = (0,)) -> str:
    # A hook's GIT_* stay where git itself set them: the index to be committed is named there.
    hook = {name: os.environ[name] for name in ("GIT_INDEX_FILE", "GIT_DIR", "GIT_WORK_TREE") if name in os.environ}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ("git", "-C", str(folder), "-c", "core.quotePath=false", *words),
            env={**kept, **hook, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(f"git {words[0]} could not be run: {type(error).__name__}") from error
    if done.returncode not in fine:
        raise GitError(f"git {' '.join(words[:3])} ended with {done.returncode}: {' '.join(done.stderr.split())}")
    return done.stdout


def _fields(text: str) -> list[str]:
    return [each for each in text.split("\0") if each]


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


if __name__ == "__main__":
    sys.exit(main())
