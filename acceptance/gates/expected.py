"""The committed list of tests: a line per test function with its leg, the number of its cases and a hash of their ids.

Such as ``pure 12 3f1c9a0b7d2e tests/preflight/test_model.py::test_the_verdict``.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TESTS: Final = "tests/expected.txt"
ACCEPTANCE: Final = "acceptance/expected.txt"
_HEAD: Final = (
    "# Every test there is: leg, number of cases, hash of the cases' ids, test function.\n"
    "# A run counts only if exactly these pass. `make expected` writes this file anew; review what it changes.\n"
)
_DIGITS = 12


class ExpectedError(Exception):
    """A list cannot be used; the text says which line and why."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Line:
    """One test function in one leg."""

    function: str  # pytest's id without the part in brackets
    leg: str
    cases: int
    digest: str  # of the ids of all its cases

    def __str__(self) -> str:
        return f"{self.leg:<8} {self.cases:>5}  {self.digest}  {self.function}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A list, whole or some legs of it."""

    lines: tuple[Line, ...]

    @property
    def cases(self) -> int:
        """How many tests it has."""
        return sum(line.cases for line in self.lines)

    def of(self, legs: Collection[str]) -> Expected:
        """The lines of some legs."""
        return Expected(lines=tuple(line for line in self.lines if line.leg in legs))

    def below(self, paths: Collection[str]) -> Expected:
        """The lines of some files."""
        return Expected(lines=tuple(line for line in self.lines if line.function.partition("::")[0] in paths))

    def functions(self) -> dict[str, Line]:
        """Test function -> its line."""
        return {line.function: line for line in self.lines}

    def __str__(self) -> str:
        return _HEAD + "".join(f"{line}\n" for line in sorted(self.lines))


def function_of(nodeid: str) -> str:
    """The test function that a test's id belongs to; a case is told by what stands in brackets."""
    path, colons, rest = nodeid.partition("::")
    return f"{path}{colons}{rest.partition('[')[0]}"


def digest_of(nodeids: Iterable[str]) -> str:
    """The hash of some ids, whatever their order."""
    text = "\n".join(sorted(nodeids))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]


def grouped(nodeids: Iterable[str]) -> dict[str, list[str]]:
    """Test function -> ids of its cases."""
    found = defaultdict(list)
    for nodeid in nodeids:
        found[function_of(nodeid)].append(nodeid)
    return dict(found)


def make(legs: Mapping[str, str]) -> Expected:
    """Make the list of what was collected.

    Args:
        legs: id of each test -> its leg.

    Raises:
        ExpectedError: cases of one function are in different legs, so that one line could not describe it.
    """
    lines = []
    for function, ids in grouped(legs).items():
        (leg, *others) = sorted({legs[nodeid] for nodeid in ids})
        if others:
            raise ExpectedError(f"{function} has cases in the legs {leg}, {', '.join(others)}: mark the whole function")
        lines.append(Line(function=function, leg=leg, cases=len(ids), digest=digest_of(ids)))
    return Expected(lines=tuple(sorted(lines)))


def read(path: Path) -> Expected:
    """Read a list.

    Raises:
        ExpectedError: it is missing, empty, or has a line that cannot be understood.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExpectedError(f"{path} cannot be read ({type(error).__name__}): make it by `make expected`") from error
    lines = [
        _parse(path, number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not lines:
        raise ExpectedError(f"{path} lists no test: make it by `make expected`")
    if len({line.function for line in lines}) != len(lines):
        raise ExpectedError(f"{path} lists a test function twice: make it anew by `make expected`")
    return Expected(lines=tuple(lines))


def sha256(path: Path) -> str:
    """The hash of the file itself, for the record of a gate."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _parse(path: Path, number: int, line: str) -> Line:
    words = line.split(maxsplit=3)
    if len(words) != 4 or not words[1].isdigit() or len(words[2]) != _DIGITS:
        raise ExpectedError(f"{path}, line {number} is not `leg cases hash function`: make it anew by `make expected`")
    leg, cases, digest, function = words
    return Line(function=function, leg=leg, cases=int(cases), digest=digest)
