"""Which commit a run was made from, and whether the tree was that commit's."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

UNKNOWN = "unknown"
_SHORT = 7
_SECONDS = 30.0
# Set while a git hook runs; they would answer for the hook's repository, whatever folder is asked about.
_HOOK_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The state of a working tree."""

    sha: str  # 40 hexadecimal digits, or "unknown"
    dirty: bool  # something differs from that commit, untracked files included; True when unknown

    @property
    def short(self) -> str:
        """The first seven digits, or "unknown"."""
        return self.sha if self.sha == UNKNOWN else self.sha[:_SHORT]


def read(folder: Path) -> Commit:
    """Read the commit of the working tree that holds `folder`.

    Never raises: no git, no repository, no commit yet or a repository that git refuses all give "unknown"
    and dirty, since what cannot be told is not clean.
    """
    sha = _git(folder, "rev-parse", "--verify", "HEAD")
    changes = _git(folder, "status", "--porcelain")
    if not sha or changes is None:
        return Commit(sha=UNKNOWN, dirty=True)
    return Commit(sha=sha, dirty=changes != "")


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
