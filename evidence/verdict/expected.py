"""A committed list of the tests that have to run, and how it compares with what ran.

A line is either a test's node id, or stands for all cases of a test function::

    pure        12  3f1c9a0b7d2e  tests/preflight/test_model.py::test_the_verdict

(leg, number of cases, hash of their ids, function). Blank lines and lines that begin with ``#`` are passed over.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evidence.errors import DocumentError

_FUNCTION = re.compile(r"(?P<leg>[a-z]+)\s+(?P<cases>[0-9]+)\s+(?P<digest>[0-9a-f]{12})\s+(?P<name>\S.*)")
_DIGITS = 12
_NAMED = 3  # tests named in a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """All cases of one test function."""

    count: int
    digest: str  # of their sorted ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A list."""

    ids: frozenset[str]
    functions: dict[str, Cases]

    def __bool__(self) -> bool:
        """Tell whether anything is listed."""
        return bool(self.ids or self.functions)

    def below(self, folder: str) -> Expected:
        """Return what of it lies in a top folder, such as ``acceptance``."""
        return Expected(
            ids=frozenset(one for one in self.ids if folder_of(one) == folder),
            functions={name: cases for name, cases in self.functions.items() if folder_of(name) == folder},
        )

    def folders(self) -> frozenset[str]:
        """Return the top folders of what is listed."""
        return frozenset(map(folder_of, (*self.ids, *self.functions)))

    def differences(self, ran: Iterable[str]) -> Iterator[str]:
        """Say how tests that ran differ from the list; nothing when they are exactly those listed."""
        tests = [test for test in ran if "::" in test]
        cases: dict[str, list[str]] = {}
        for test in tests:
            cases.setdefault(function_of(test), []).append(test)
        missing = sorted((self.ids - set(tests)) | (self.functions.keys() - cases.keys()))
        yield from phrase("had to run and did not", missing)
        yield from phrase("ran and are not in the list", sorted(set(tests) - self.ids - self._cases_of(cases)))
        for name in sorted(self.functions.keys() & cases.keys()):
            listed = self.functions[name]
            if len(cases[name]) != listed.count:
                yield f"{name} ran with {len(cases[name])} of {listed.count} cases"
            elif digest_of(cases[name]) != listed.digest:
                yield f"{name} ran with other cases than listed"

    def _cases_of(self, cases: dict[str, list[str]]) -> set[str]:
        return {test for name in self.functions.keys() & cases.keys() for test in cases[name]}


def read_expected(data: bytes, name: str) -> Expected:
    """Read a list.

    Raises:
        DocumentError: it is not UTF-8.
    """
    try:
        lines = [line.strip() for line in data.decode().split("\n")]
    except UnicodeDecodeError as error:
        message = f"{name} is not a list of tests in UTF-8"
        raise DocumentError(message) from error
    ids: set[str] = set()
    functions: dict[str, Cases] = {}
    for line in lines:
        if not line or line.startswith("#"):
            continue
        if found := _FUNCTION.fullmatch(line):
            functions[found["name"]] = Cases(count=int(found["cases"]), digest=found["digest"])
        else:
            ids.add(line)
    return Expected(ids=frozenset(ids), functions=functions)


def function_of(nodeid: str) -> str:
    """Return the test function that a test's id belongs to: the id without its part in brackets."""
    path, colons, rest = nodeid.partition("::")
    return f"{path}{colons}{rest.partition('[')[0]}"


def folder_of(nodeid: str) -> str:
    """Return the top folder of a test's id, or its file where it lies in none."""
    return nodeid.partition("::")[0].partition("/")[0]


def digest_of(nodeids: Iterable[str]) -> str:
    """Return the hash of some ids, whatever their order."""
    text = "\n".join(sorted(nodeids))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]


def phrase(what: str, tests: list[str]) -> list[str]:
    """Return a phrase that names the first few tests; none when there are none."""
    if not tests:
        return []
    more = f" and {len(tests) - _NAMED} more" if len(tests) > _NAMED else ""
    return [f"{len(tests)} {what}: {', '.join(tests[:_NAMED])}{more}"]
