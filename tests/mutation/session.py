"""Runs the tests against mutants, in copies of the checkout: what is being worked on is never touched."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.mutant import Mutant

_SECONDS = 120.0  # for one stage of tests, which takes 5 to 20; a mutant that takes longer hangs, and that is seen
# Only the plug-ins that these tests use: loading the others, and the root conftest, would double the time of a run.
_PYTEST = (
    *("-m", "pytest", "-x", "-q", "--no-header", "--tb=line", "--timeout=60"),
    *("-p", "no:cacheprovider", "-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin"),
)
_FOLDERS = ("preflight", "tests")
_FILES = ("pyproject.toml",)

Stage = tuple[str, ...]  # what pytest is told to run


class SessionError(Exception):
    """The session itself cannot be believed; says why."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of the checkout, used by one mutant at a time."""

    root: Path
    python: Path

    def tests(self, *which: str) -> subprocess.CompletedProcess[str]:
        """Run tests in the copy, on the copy; a run that hangs counts as one that fails."""
        argv = [str(self.python), *_PYTEST, *which]
        # The project is installed from the checkout; PYTHONPATH puts the copy before it, in every process they start.
        env = {**os.environ, "PYTHONPATH": str(self.root), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        child = subprocess.Popen(
            argv,
            cwd=self.root,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            out, _ = child.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            out = f"did not end within {_SECONDS:.0f} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
        return subprocess.CompletedProcess(argv, child.returncode, out, "")

    @contextlib.contextmanager
    def holding(self, mutant: Mutant) -> Iterator[None]:
        """Put a mutant in place of its file, and the file back."""
        path = self.root / mutant.file
        original = path.read_text(encoding="utf-8")
        _write(path, mutant.source)
        try:
            yield
        finally:
            _write(path, original)


def _write(path: Path, source: str) -> None:
    """Write a module and forget what was compiled of it: Python tells by size and by whole seconds if that is old."""
    path.write_text(source, encoding="utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()


@contextlib.contextmanager
def copies(checkout: Path, python: Path, count: int) -> Iterator[queue.SimpleQueue[Copy]]:
    """Make copies of what the tests need."""
    with tempfile.TemporaryDirectory(prefix="preflight-mutants-") as name:
        free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        Path(name).chmod(0o755)
        for number in range(count):
            root = Path(name, str(number))
            for folder in _FOLDERS:
                shutil.copytree(checkout / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
            for file in _FILES:
                shutil.copy2(checkout / file, root / file)
            free.put(Copy(root=root, python=python))
        yield free


def prove(copy: Copy, file: str, stages: Sequence[Stage]) -> None:
    """See that the tests pass on the original and that they look at the copy at all.

    Raises:
        SessionError: One of both is not so: every mutant would look killed, or none.
    """
    broken = Mutant(file=file, operator="", scope="", before="", after="", source="raise RuntimeError\n")
    for stage in stages:
        green = copy.tests(*stage)
        if green.returncode != 0:
            raise SessionError(f"{' '.join(stage)} fails without any mutant:\n{green.stdout}")
        with copy.holding(broken):
            if copy.tests(*stage).returncode == 0:
                raise SessionError(f"{' '.join(stage)} passes although {file} cannot be imported: it looks elsewhere")


def survives(copy: Copy, mutant: Mutant, stages: Sequence[Stage]) -> bool:
    """Tell whether no test of any stage sees a mutant; later stages are for those that pass the earlier ones."""
    with copy.holding(mutant):
        return all(copy.tests(*stage).returncode == 0 for stage in stages)


def session(
    mutants: Sequence[Mutant],
    stages: Mapping[str, Sequence[Stage]],
    free: queue.SimpleQueue[Copy],
    *,
    count: int,
    told: Callable[[Mutant, bool], None],
) -> dict[Mutant, bool]:
    """Run all of them, as many at once as there are copies.

    Args:
        mutants: What to run.
        stages: The tests for each file, the ones that see most first.
        free: The copies.
        count: How many there are.
        told: Is told each result as it comes.

    Returns:
        Each mutant, and whether it survived.
    """

    def one(mutant: Mutant) -> bool:
        copy = free.get()
        try:
            alive = survives(copy, mutant, stages[mutant.file])
        finally:
            free.put(copy)
        told(mutant, alive)
        return alive

    with ThreadPoolExecutor(max_workers=count) as pool:
        try:
            return dict(zip(mutants, pool.map(one, mutants), strict=True))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # on Ctrl-C the hundreds that wait are given up
