"""Which commit a run was made from, whether the tree was that commit's, and where others find it."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

UNKNOWN: Final = "unknown"
_SHORT = 7
_SECONDS = 30.0
# Set while a git hook runs; they would answer for the hook's repository, whatever folder is asked about.
_HOOK_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
_SCP_LIKE = re.compile(r"(?:[^@/]+@)?(?P<host>[^:/]+):(?P<path>[^/].*)")
#: Where a host shows a file as it is, by its name; what is not here is read as a GitLab of somebody's own.
_RAW: Final = {
    "github.com": "https://raw.githubusercontent.com/{project}/{sha}/{path}",
    "bitbucket.org": "https://bitbucket.org/{project}/raw/{sha}/{path}",
    "codeberg.org": "https://codeberg.org/{project}/raw/commit/{sha}/{path}",
}
_RAW_ELSEWHERE: Final = "https://{host}/{project}/-/raw/{sha}/{path}"
_CHANGED_AT_MOST = 500  # files: the first commit of a large tree would fill the bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The state of a working tree."""

    sha: str  # 40 hexadecimal digits, or "unknown"
    dirty: bool  # something differs from that commit, untracked files included; True when unknown

    @property
    def short(self) -> str:
        """The first seven digits, or "unknown"."""
        return self.sha if self.sha == UNKNOWN else self.sha[:_SHORT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One file that the commit changed."""

    path: str
    status: str  # git's letter: A, M, D, R, C, T
    raw_url: str | None  # where the file can be read as it is in that commit; None: deleted, or no known host


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is written down of a working tree."""

    commit: Commit
    branch: str | None = None  # None: no branch is checked out, or unknown
    remote: str | None = None  # the project's page, without credentials; None: no remote, or not a web host
    pushed: bool | None = None  # the commit is in a branch of a remote, as last fetched; None: no remote
    changed: tuple[Change, ...] = ()  # by this commit, against its first parent

    def to_dict(self) -> dict[str, Any]:
        """The form in a document."""
        return {
            "commit": self.commit.sha,
            "short": self.commit.short,
            "branch": self.branch,
            "dirty": self.commit.dirty,
            "pushed": self.pushed,
            "remote": self.remote,
            "changed": [
                {"path": change.path, "status": change.status, "raw_url": change.raw_url} for change in self.changed
            ],
        }


def read(folder: Path) -> Commit:
    """Read the commit of the working tree that holds `folder`.

    Never raises: no git, no repository, no commit yet or a repository that git refuses all return "unknown"
    and dirty, since what cannot be determined is not clean.
    """
    sha = _git(folder, "rev-parse", "--verify", "HEAD")
    changes = _git(folder, "status", "--porcelain")
    if not sha or changes is None:
        return Commit(sha=UNKNOWN, dirty=True)
    return Commit(sha=sha, dirty=changes != "")


def is_ancestor(folder: Path, sha: str) -> bool:
    """Tell whether a commit is HEAD or one of its ancestors; what cannot be determined is not."""
    return sha != UNKNOWN and _git(folder, "merge-base", "--is-ancestor", sha, "HEAD") is not None


def read_facts(folder: Path) -> Facts:
    """Read `Facts` of the working tree that holds `folder`; offline, and as `read` never raises."""
    commit = read(folder)
    if commit.sha == UNKNOWN:
        return Facts(commit=commit)
    remotes = (_git(folder, "remote") or "").split()
    name = "origin" if "origin" in remotes else (remotes[0] if remotes else None)
    page = None if name is None else page_of(_git(folder, "remote", "get-url", name) or "")
    holding = _git(folder, "branch", "--remotes", "--contains", commit.sha, "--format=%(refname)")
    return Facts(
        commit=commit,
        branch=_git(folder, "symbolic-ref", "--quiet", "--short", "HEAD") or None,
        remote=page,
        pushed=None if name is None or holding is None else holding != "",
        changed=_changed(folder, commit.sha, page),
    )


def page_of(address: str) -> str | None:
    """Return the page of a remote's address on its web host; user, password and port are dropped.

    None for what is not a web host's: a path on this machine, a bundle file, nothing.
    """
    if "://" in address:
        try:
            parts = urlsplit(address)
            host, path = parts.hostname or "", parts.path
        except ValueError:
            return None
        if parts.scheme not in {"https", "http", "ssh", "git"}:
            return None
    else:
        found = _SCP_LIKE.fullmatch(address)
        if found is None:
            return None
        host, path = found["host"], found["path"]
    project = path.strip("/").removesuffix(".git")
    return f"https://{host}/{project}" if "." in host and project else None


def raw_url(page: str, sha: str, path: str) -> str:
    """Return where a host shows a file of a commit as it is."""
    parts = urlsplit(page)
    host = parts.hostname or ""
    return _RAW.get(host, _RAW_ELSEWHERE).format(
        host=host, project=parts.path.strip("/"), sha=sha, path=quote(path, safe="/")
    )


def _changed(folder: Path, sha: str, page: str | None) -> tuple[Change, ...]:
    told = _git(
        folder, "diff-tree", "-r", "-z", "--root", "--no-commit-id", "-m", "--first-parent", "--name-status", sha
    )
    fields = (told or "").split("\0")
    found: list[Change] = []
    while len(fields) > 1 and len(found) < _CHANGED_AT_MOST:
        status, path = fields[0][:1], fields[1]
        fields = fields[2:]
        url = raw_url(page, sha, path) if page is not None and status != "D" else None
        found.append(Change(path=path, status=status, raw_url=url))
    return tuple(found)


def _git(folder: Path, *words: str) -> str | None:
    environment = {key: value for key, value in os.environ.items() if key not in _HOOK_VARIABLES}
    # Reading must not take the index lock from a git command that runs beside.
    environment["GIT_OPTIONAL_LOCKS"] = "0"
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *words],
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
