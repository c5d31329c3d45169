"""Verifies a bundle offline: is it what was signed, do its records prove what it says, is it recent, did it pass?"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from securesystemslib.signer import SSlibKey

from evidence import claims, manifest
from evidence.attest import statement
from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.errors import BundleIncompleteError, BundleRefusedError, DocumentError, EvidenceError
from evidence.times import seconds
from evidence.verdict.derive import Result, Verdict, derive
from evidence.verdict.expected import read_expected
from evidence.verify.archive import read_bundle

_AHEAD: Final = 300.0  # seconds by which the clock of the machine that made the bundle may be ahead of ours
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_UNFORESEEN: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_PAGE: Final = "report.html"
_SHOWN = 200  # characters of a value in a violation
#: In these gates a test of the list must have passed; `fast` runs a part of core's.
_GATES_OF_A_LIST: Final = tuple(gate for gate in layout.ALL_GATES if gate != "fast")


class Kind(StrEnum):
    """What a violation means for somebody who relies on the bundle."""

    INVALID = "invalid"  # it is not what was sealed, or its records contradict it
    UNSIGNED = "unsigned"  # nobody signed it, or no key was given to check that
    STALE = "stale"  # it is older than asked for
    NOT_PASSING = "not passing"  # it is genuine, and does not say that all passed


#: Exit codes; of several kinds the first one here counts. 2 is bad usage.
EXIT_CODES: Final = {Kind.INVALID: 1, Kind.UNSIGNED: 3, Kind.STALE: 4, Kind.NOT_PASSING: 5}


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that keeps a bundle from being relied on."""

    kind: Kind
    file: str  # path inside the bundle, or "" where it is about the whole
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.file}: {self.text}" if self.file else f"{self.kind}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What verifying found."""

    violations: tuple[Violation, ...]
    snapshot: Snapshot | None  # None: it could not be read
    manifest: Mapping[str, Any] | None  # None: it has none that can be read
    verdict: Verdict | None  # derived anew; None: nothing could be derived
    key_id: str | None = None  # of the key whose signature was found to hold

    @property
    def exit_code(self) -> int:
        """Return 0 if there is no violation, else the code of the gravest kind."""
        kinds = {violation.kind for violation in self.violations}
        return next((code for kind, code in EXIT_CODES.items() if kind in kinds), 0)


def verify(
    path: Path,
    *,
    key: SSlibKey | None = None,
    commit: str | None = None,
    max_age: float | None = None,
    expect_tests: Sequence[Path] = (),
    page: Callable[[Snapshot, Verdict], Iterable[str]] = lambda _snapshot, _verdict: (),
    clock: Callable[[], float] = time.time,
) -> Report:
    """Verify a bundle. Nothing outside of it is opened, and nothing in it is run.

    Args:
        path: folder, tar or zip file.
        key: the public key that must have signed it; None: the bundle counts as unsigned.
        commit: the commit that it must be about: at least seven hexadecimal digits.
        max_age: seconds since it was sealed; None: any age.
        expect_tests: committed lists of tests that had to run, from a checkout that the caller trusts.
        page: says what the page in the bundle shows otherwise than its records; as it is, the page is not compared.
        clock: returns Unix seconds.

    Raises:
        BundleMissingError: there is nothing at `path`.
        EvidenceError: a list in `expect_tests` cannot be read.
    """
    try:
        snapshot = read_bundle(path)
    except BundleRefusedError as error:
        found = Violation(Kind.INVALID, "", str(error))
        return Report(violations=(found,), snapshot=None, manifest=None, verdict=None)
    try:
        report = _report(snapshot, key=key, commit=commit, max_age=max_age, expect_tests=expect_tests, now=clock())
        known = any(one.kind is Kind.INVALID for one in report.violations)  # what the page shows otherwise follows
        if known or report.manifest is None or report.verdict is None:
            return report
        shown = [Violation(Kind.INVALID, _PAGE, text) for text in page(snapshot, report.verdict)]
        return replace(report, violations=(*report.violations, *shown))
    except _UNFORESEEN as error:  # a hostile document that nobody thought of: it could not be judged, so it is invalid
        found = Violation(Kind.INVALID, "", f"it holds what cannot be judged ({type(error).__name__})")
        return Report(violations=(found,), snapshot=snapshot, manifest=None, verdict=None)


def _report(
    snapshot: Snapshot,
    *,
    key: SSlibKey | None,
    commit: str | None,
    max_age: float | None,
    expect_tests: Sequence[Path],
    now: float,
) -> Report:
    looking = _Looking(snapshot)
    signature = tuple(looking.signature(key))
    violations = [
        *looking.integrity(),
        *signature,
        *looking.time(max_age, now),
        *looking.commit(commit),
        *looking.result(),
        *looking.tests(expect_tests),
    ]
    return Report(
        violations=tuple(dict.fromkeys(violations)),
        snapshot=snapshot,
        manifest=looking.manifest,
        verdict=looking.verdict,
        key_id=None if signature or key is None else key.keyid,
    )


class _Looking:
    """One bundle, looked at from several sides."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.manifest: Mapping[str, Any] | None = None
        self.verdict: Verdict | None = None
        self._unreadable: list[Violation] = []
        try:
            self.manifest = manifest.of(snapshot)
        except BundleIncompleteError as error:
            tampered = layout.STATEMENT in snapshot.files or layout.MANIFEST in snapshot.odd
            kind = Kind.INVALID if tampered else Kind.NOT_PASSING
            self._unreadable.append(Violation(kind, layout.MANIFEST, str(error)))
        except DocumentError as error:
            self._unreadable.append(Violation(Kind.INVALID, layout.MANIFEST, str(error)))
        try:
            self.verdict = derive(snapshot)
        except DocumentError as error:
            sealed = layout.MANIFEST in snapshot.files
            self._unreadable.append(Violation(Kind.INVALID if sealed else Kind.NOT_PASSING, "", str(error)))

    def integrity(self) -> Iterator[Violation]:
        """Files are those of the manifest, and it says what follows from them."""
        yield from self._unreadable
        for name, what in sorted(self.snapshot.odd.items()):
            yield Violation(Kind.INVALID, name, f"is {what}: only regular files belong into a bundle")
        if self.verdict is not None and self.manifest is not None:
            yield from (Violation(Kind.INVALID, one.file, one.text) for one in self.verdict.problems)
        if self.manifest is None:
            return
        yield from self._files(self.manifest["files"])
        if self.verdict is None:
            return
        for text in claims.contradictions(self.snapshot, self.verdict):
            yield Violation(Kind.INVALID, claims.FILE_NAME, text)
        derived = manifest.build(self.snapshot, self.verdict, end=self.manifest["end"])
        for name in derived:
            if name != "files" and self.manifest[name] != derived[name]:
                said, found = _brief(self.manifest[name]), _brief(derived[name])
                yield Violation(Kind.INVALID, layout.MANIFEST, f"says {name}: {said}; its records say {found}")

    def _files(self, listed: Mapping[str, Any]) -> Iterator[Violation]:
        present = self.snapshot.described()
        for name in sorted(listed.keys() - present.keys() - self.snapshot.odd.keys()):
            yield Violation(Kind.INVALID, name, "is listed in the manifest and missing")
        for name in sorted(present.keys() - listed.keys()):
            yield Violation(Kind.INVALID, name, "lies in the bundle and is not listed in the manifest")
        for name in sorted(present.keys() & listed.keys()):
            for fact in ("size", "sha256"):
                if present[name][fact] != listed[name][fact]:
                    text = f"{fact} is {present[name][fact]}, the manifest says {listed[name][fact]}"
                    yield Violation(Kind.INVALID, name, text)

    def signature(self, key: SSlibKey | None) -> Iterator[Violation]:
        """The statement is signed by the key, and is about this bundle."""
        if layout.STATEMENT not in self.snapshot.files:
            if self.manifest is not None:
                yield Violation(Kind.UNSIGNED, "", f"the bundle is UNSIGNED: it has no {layout.STATEMENT}")
            return
        if key is None:
            yield Violation(Kind.UNSIGNED, layout.STATEMENT, "was not checked: name the public key by --key")
            return
        for text in statement.violations(self.snapshot, self.manifest, key):
            yield Violation(Kind.INVALID, layout.STATEMENT, text)

    def time(self, max_age: float | None, now: float) -> Iterator[Violation]:
        """Times are in order, not ahead of ours, and recent enough."""
        if self.manifest is None:
            return
        start, end = seconds(self.manifest["start"]), seconds(self.manifest["end"])
        if start > end:
            yield Violation(Kind.INVALID, layout.MANIFEST, "ends before it starts")
        late = sorted(gate for gate, facts in self.manifest["gates"].items() if seconds(facts["ended_at"]) > end)
        if late:
            yield Violation(Kind.INVALID, layout.MANIFEST, f"was sealed before the end of {', '.join(late)}")
        if end > now + _AHEAD:
            text = f"was sealed at {self.manifest['end']}, {end - now:.0f} s from now: one of the clocks is wrong"
            yield Violation(Kind.INVALID, layout.MANIFEST, text)
        elif max_age is not None and now - end > max_age:
            text = f"the bundle was sealed at {self.manifest['end']}, {(now - end) / 3600:.1f} h ago"
            yield Violation(Kind.STALE, "", f"{text}; at most {max_age / 3600:g} h were asked for")

    def commit(self, wanted: str | None) -> Iterator[Violation]:
        """The bundle is about the commit that was asked for."""
        if wanted is None or self.manifest is None:
            return
        actual = self.manifest["git"]["commit"]
        if not _COMMIT.fullmatch(wanted) or not actual.startswith(wanted):
            yield Violation(Kind.INVALID, layout.RUN, f"is about the commit {actual}, not {wanted}")

    def result(self) -> Iterator[Violation]:
        """All gates ran, whole, and passed."""
        if self.verdict is not None and self.manifest is not None and self.verdict.result is not Result.PASSED:
            reasons = "; ".join(self.verdict.reasons)
            yield Violation(Kind.NOT_PASSING, "", f"the result is {self.verdict.result}: {reasons}")

    def tests(self, lists: Sequence[Path]) -> Iterator[Violation]:
        """Every test of the caller's own lists ran and passed, in each gate that runs tests of that folder."""
        for path in lists:
            try:
                expected = read_expected(path.read_bytes(), path.name)
            except OSError as error:
                message = f"the list of tests {path} cannot be read: {error.strerror}"
                raise EvidenceError(message) from error
            if not expected:
                raise EvidenceError(f"the list of tests {path} names no test")
            for folder in sorted(expected.folders()):
                gates = [gate for gate in _GATES_OF_A_LIST if folder in self._folders(gate)]
                if not gates:
                    yield Violation(Kind.NOT_PASSING, "", f"no test of {folder}/ ran, {path.name} names some")
                for gate in gates:
                    for text in expected.below(folder).differences(self._passed(gate, folder)):
                        yield Violation(Kind.NOT_PASSING, layout.gate_report_log(gate), f"{text} ({path.name})")

    def _passed(self, gate: str, folder: str) -> list[str]:
        tests = {} if self.verdict is None else self.verdict.gates[gate].outcome.tests
        return [
            test
            for test, outcome in tests.items()
            if outcome == "passed" and test.startswith((folder + "/", folder + "::"))
        ]

    def _folders(self, gate: str) -> frozenset[str]:
        if self.verdict is None or gate not in self.verdict.gates:
            return frozenset()
        return frozenset(test.partition("::")[0].partition("/")[0] for test in self.verdict.gates[gate].outcome.tests)


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
