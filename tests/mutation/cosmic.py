"""A session of cosmic-ray over one file, by its own commands, in a copy of the checkout."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutation import sample
from tests.mutation.accepted import Key

CONFIG = Path(__file__).with_name("cosmic-ray.toml")
_TOOLS = Path(sys.executable).parent  # of .venv-mutants
_PYTEST = ("-m", "pytest", "-x", "-q", "--no-header", "--tb=line", "--timeout=60", "-p", "no:cacheprovider")
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "artifacts")


class SessionError(Exception):
    """The session itself cannot be believed; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of the mutants of one file."""

    file: str
    survived: tuple[Key, ...]
    killed: tuple[Key, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The mutants of one file, and the tests that are run against each, in a folder of its own."""

    file: str  # relative to the checkout
    tests: Sequence[str]  # what pytest is given
    folder: Path  # empty at first; another user can reach it
    checkout: Path  # stays as it is
    python: Path  # runs the tests

    @property
    def database(self) -> Path:
        """cosmic-ray's list of mutants and results."""
        return self.folder / "session.sqlite"

    @property
    def _copy(self) -> Path:
        return self.folder / "checkout"

    @property
    def _config(self) -> Path:
        return self.folder / "cosmic-ray.toml"

    def make(self) -> None:
        """List every mutant, without those that the filter leaves out.

        Raises:
            SessionError: cosmic-ray gives up.
        """
        # The project is installed from the checkout; PYTHONPATH puts the copy before it, in every process.
        command = shlex.join(["env", f"PYTHONPATH={self._copy}", str(self.python), *_PYTEST, *self.tests])
        head = f'[cosmic-ray]\nmodule-path = "{self.file}"\ntest-command = {json.dumps(command)}\n'
        text = CONFIG.read_text(encoding="utf-8").replace("[cosmic-ray]\n", head)
        self._config.write_text(text, encoding="utf-8")
        _tool(self.checkout, "cosmic-ray", "init", str(self._config), str(self.database))
        _tool(self.checkout, "cr-filter-operators", str(self.database), str(self._config))
        source = (self.checkout / self.file).read_text(encoding="utf-8")
        sample.leave_out(self.database, sample.of_form(self.database, source))

    def run(self) -> Outcome:
        """Run the tests against each mutant, in a copy of the checkout.

        Raises:
            SessionError: The tests fail without any mutant, or cosmic-ray gives up on one.
        """
        shutil.copytree(self.checkout, self._copy, ignore=_LEFT_OUT, symlinks=True)
        try:
            _tool(self._copy, "cosmic-ray", "baseline", str(self._config))
            _tool(self._copy, "cosmic-ray", "exec", str(self._config), str(self.database))
            return read(self.file, _tool(self._copy, "cosmic-ray", "dump", str(self.database)))
        finally:
            shutil.rmtree(self._copy)


def read(file: str, dump: str) -> Outcome:
    """Read what `cosmic-ray dump` prints: a line of JSON for each mutant, what it is and what came of it.

    Raises:
        SessionError: One was not run to an end.
    """
    found: dict[str, list[Key]] = {"survived": [], "killed": []}
    for item, result in _rows(dump):
        if result is None or result["worker_outcome"] not in {"normal", "skipped"}:
            raise SessionError(f"{file}: a mutant was not run: {item['mutations']}, {result and result['output']}")
        if result["worker_outcome"] == "normal":
            found["survived" if result["test_outcome"] == "survived" else "killed"].append(key_of(file, result["diff"]))
    return Outcome(file=file, survived=tuple(found["survived"]), killed=tuple(found["killed"]))


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
