"""Installs the git hooks `pre-commit` and `commit-msg`; a hook of the user's own stays as it is.

``python -m acceptance.gates.commits.hooks``, which `make setup` runs. It never fails the set-up: a checkout without
git has no hooks.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from acceptance.gates import environment
from acceptance.gates.interface import PROJECT

MARK: Final = "# arbitrage-preflight: installed by `make setup`, renewed by it"
_HOOKS: Final[Mapping[str, str]] = {"pre-commit": "staged", "commit-msg": 'message "$1"'}
# A commit must be possible without .venv and on an old branch: then the gate says what the hook could not.
_SCRIPT: Final = """#!/bin/sh
{mark}
root=$(git rev-parse --show-toplevel) || exit 0
[ -x "$root/.venv/bin/python" ] && [ -f "$root/acceptance/gates/commits/rules.py" ] || exit 0
exec "$root/.venv/bin/python" -m acceptance.gates.commits.rules {words}
"""


def main(folder: Path = PROJECT) -> int:
    """Install both, and say what was left alone."""
    for line in install_all(folder):
        print(f"make setup: {line}", file=sys.stderr)  # noqa: T201 -- the answer
    return 0


def install_all(project: Path) -> Iterator[str]:
    """Install both hooks.

    Yields:
        What was done or left alone, a sentence each; nothing where all was there already.
    """
    if (hooks := _git(project, "rev-parse", "--git-path", "hooks")) is None:
        yield "no git checkout here, so no git hooks"
        return
    if elsewhere := _git(project, "config", "--get", "core.hooksPath"):
        yield f"core.hooksPath is {elsewhere}: the hooks there stay as they are; `make git` checks the same"
        return
    for name, words in _HOOKS.items():
        if said := install(project / hooks / name, _SCRIPT.format(mark=MARK, words=words)):
            yield said


def install(path: Path, script: str) -> str:
    """Write one hook.

    Returns:
        What was done or why not, in a sentence; empty when it was there already.
    """
    try:
        before = path.read_text(encoding="utf-8", errors="replace") if path.exists() or path.is_symlink() else None
        if before == script:
            return ""
        if before is not None and MARK not in before:
            return f"{path} is your own and stays as it is; `make git` checks the same"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)
    except OSError as error:
        return f"the git hook {path.name} could not be installed: {error.strerror}"
    return f"git hook {path.name} {'renewed' if before is not None else 'installed'}"


def _git(project: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ("git", "-C", str(project), *words),
            env=environment.clean(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
