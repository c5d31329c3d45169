"""Asks pytest which tests there are, without running one."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from acceptance.gates import environment, expected
from acceptance.gates.pytest_run import PytestRun

_SECONDS: Final = 300.0
_TAIL: Final = 30  # lines of a collection that failed


class CollectionError(Exception):
    """Pytest could not collect; the text has what it said."""


def collect(project: Path, path: str) -> dict[str, str]:
    """Collect the tests below a path.

    Args:
        project: the checkout.
        path: relative to it, such as ``tests``.

    Returns:
        Id of each test -> its leg.

    Raises:
        CollectionError: a file cannot be collected, or there is no test.
    """
    with tempfile.TemporaryDirectory(prefix="gates-") as name:
        folder = Path(name)
        run = PytestRun(
            project=project,
            paths=(path,),
            report_log=folder / "reportlog.jsonl",
            options=("--collect-only", "-q", "--list-tests", str(folder / "tests.json")),
        )
        done = subprocess.run(
            run.argv,
            cwd=project,
            env=environment.clean(),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-_TAIL:])
            raise CollectionError(f"pytest cannot collect {path} (exit code {done.returncode}):\n{tail}")
        found: dict[str, str] = json.loads((folder / "tests.json").read_text(encoding="utf-8"))
    return found


def update(project: Path, path: str, file: str) -> str:
    """Write the list of the tests below a path.

    Returns:
        What changed, in a sentence.

    Raises:
        CollectionError: they cannot be collected.
        ExpectedError: they cannot be listed.
    """
    found = collect(project, path)
    after = expected.make(found)
    target = project / file
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    target.write_text(after, encoding="utf-8")
    lines, old = set(after.splitlines()), set(before.splitlines())
    return f"{file}: {len(lines - old)} lines new, {len(old - lines)} gone, {len(found)} tests"


def differences(project: Path, path: str, file: str) -> list[str]:
    """Say how a committed list differs from what pytest collects now.

    Raises:
        CollectionError: the tests cannot be collected.
        ExpectedError: the list cannot be used.
    """
    found = collect(project, path)
    text, listed = expected.read(project / file)
    said = list(listed.differences(found))
    if not said and expected.make(found) != text:
        said = ["tests have moved to another leg"]
    return [f"{file}: {one}" for one in said]
