"""A session of cosmic-ray over one file, by its own commands, in a copy of the checkout."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutation.accepted import Key

CONFIG = Path(__file__).with_name("cosmic-ray.toml")
_TOOLS = Path(sys.executable).parent  # of .venv-mutants
_PYTEST = ("-m", "pytest", "-x", "-q", "--no-header", "--tb=line", "--timeout=60", "-p", "no:cacheprovider")
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "artifacts")


class SessionError(Exception):
    """The session itself cannot be believed; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What came of the mutants of one file."""

    file: str
    survived: tuple[Key, ...]
    killed: int


def run(file: str, tests: Sequence[str], *, checkout: Path, python: Path) -> Session:
    """Make and run every mutant of a file.

    Args:
        file: Relative to the checkout.
        tests: What pytest is given.
        checkout: Stays as it is.
        python: Runs the tests.

    Raises:
        SessionError: The tests fail without any mutant, or cosmic-ray gives up on one.
    """
    with tempfile.TemporaryDirectory(prefix="preflight-mutants-") as name:
        Path(name).chmod(0o755)
        copy = Path(name, "checkout")
        shutil.copytree(checkout, copy, ignore=_LEFT_OUT, symlinks=True)
        config, database = Path(name, "cosmic-ray.toml"), Path(name, "session.sqlite")
        # The project is installed from the checkout; PYTHONPATH puts the copy before it, in every process.
        command = shlex.join(["env", f"PYTHONPATH={copy}", str(python), *_PYTEST, *tests])
        head = f'[cosmic-ray]\nmodule-path = "{file}"\ntest-command = {json.dumps(command)}\n'
        config.write_text(CONFIG.read_text(encoding="utf-8").replace("[cosmic-ray]\n", head), encoding="utf-8")
        _tool(copy, "cosmic-ray", "init", str(config), str(database))
        _tool(copy, "cr-filter-operators", str(database), str(config))
        _tool(copy, "cosmic-ray", "baseline", str(config))
        _tool(copy, "cosmic-ray", "exec", str(config), str(database))
        return read(file, _tool(copy, "cosmic-ray", "dump", str(database)))


def read(file: str, dump: str) -> Session:
    """Read what `cosmic-ray dump` prints: a line of JSON for each mutant, what it is and what came of it.

    Raises:
        SessionError: There is none, or one was not run to an end.
    """
    survived: list[Key] = []
    killed = 0
    for item, result in _rows(dump):
        if result is None or result["worker_outcome"] not in {"normal", "skipped"}:
            raise SessionError(f"{file}: a mutant was not run: {item['mutations']}, {result and result['output']}")
        if result["worker_outcome"] == "skipped":
            continue
        if result["test_outcome"] == "survived":
            survived.append(key_of(file, result["diff"]))
        else:
            killed += 1
    if not killed:
        raise SessionError(f"{file}: no test saw any mutant: the tests look elsewhere")
    return Session(file=file, survived=tuple(survived), killed=killed)


def _rows(dump: str) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    for line in dump.splitlines():
        item, result = json.loads(line)
        yield item, result


def key_of(file: str, diff: str) -> Key:
    """Name a mutant by the lines that its unified diff takes away and adds, stripped."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    before, after = ("\n".join(line[1:].strip() for line in lines if line[:1] == sign) for sign in "-+")
    return file, before, after


def _tool(cwd: Path, name: str, *words: str) -> str:
    done = subprocess.run([str(_TOOLS / name), *words], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SessionError(f"{name} {words[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
