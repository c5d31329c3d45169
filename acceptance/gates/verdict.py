"""Compares what ran with the committed list: FULL, PARTIAL or INCOMPLETE, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from acceptance.gates.expected import Expected, Line, digest_of, grouped
from acceptance.gates.interface import Coverage, Verdict
from acceptance.gates.reportlog import Seen

_NAMED = 10  # tests in one reason
_EXIT = {1: "tests failed", 2: "interrupted", 3: "internal error", 4: "bad usage", 5: "no tests collected"}


def judge(seen: Seen, expected: Expected, *, exit_codes: Iterable[int]) -> Verdict:
    """Say what a run was worth.

    Args:
        seen: what pytest recorded.
        expected: what should have run.
        exit_codes: of the pytest processes, as the operating system gives them; negative for a signal.

    Returns:
        FULL only if the tests that passed in all three phases are exactly the expected ones, each recorded once, every
        run has its closing record and every process ended with 0.
    """
    codes = tuple(exit_codes)
    cut_off = tuple(_cut_off(seen, codes))
    found = (
        *cut_off,
        *_results(seen),
        *listing((test for test in seen.known if "::" in test), expected),
        *_leftovers(seen, codes),
    )
    if not found and not (seen.passed and _is_exactly(seen.passed, expected)):
        found = ("the tests that passed are not those of the list",)  # whatever the reasons above have overlooked
    coverage = Coverage.INCOMPLETE if cut_off else Coverage.PARTIAL if found else Coverage.FULL
    return Verdict(
        coverage=coverage,
        reasons=found,
        counts=seen.counts,
        failed=bool(seen.failed or seen.error or seen.xpassed),
    )


def listing(ran: Iterable[str], expected: Expected) -> Iterator[str]:
    """Compare ids of tests with a list.

    Yields:
        A sentence for each file or function that is missing, not listed, or has other cases than listed.
    """
    seen = grouped(ran)
    lines = expected.functions()
    yield from _missing({name: lines[name] for name in lines if name not in seen}, still={_file(name) for name in seen})
    extra = sorted(name for name in seen if name not in lines)
    if extra:
        yield f"not in the list: {_names(extra)}"
    for name in sorted(lines.keys() & seen.keys()):
        line = lines[name]
        if len(seen[name]) != line.cases:
            yield f"{name}: {len(seen[name])} of {line.cases} cases"
        elif digest_of(seen[name]) != line.digest:
            yield f"{name}: its cases have other ids than in the list"


def _cut_off(seen: Seen, codes: tuple[int, ...]) -> Iterator[str]:
    if not seen.closed:
        ends = ", ".join(_ending(code) for code in codes) or "it was not started"
        yield f"pytest did not come to its end, for it left no closing record ({ends})"
    if seen.unfinished:
        yield f"begun and not finished: {_names(sorted(seen.unfinished))}"
    if any(code == 2 for code in (*codes, *seen.exit_statuses)):
        yield "pytest was interrupted"


def _results(seen: Seen) -> Iterator[str]:
    why = dict(seen.why)
    for kind in ("failed", "error", "skipped", "xfailed", "xpassed"):
        tests = sorted(getattr(seen, kind))
        if tests:
            named = [f"{test} ({why[test]})" if why.get(test) else test for test in tests]
            yield f"{len(tests)} {kind}: {_names(named)}"
    if seen.twice:
        yield f"ran twice: {_names(sorted(seen.twice))}"


def _leftovers(seen: Seen, codes: tuple[int, ...]) -> Iterator[str]:
    if seen.closed and not (seen.failed or seen.error):
        for code in (code for code in codes if code not in {0, 2}):
            yield f"pytest ended with {_ending(code)}, though no test failed"


def _ending(code: int) -> str:
    if code < 0:
        return f"signal {-code}"
    return f"exit code {code}{f', {_EXIT[code]}' if code in _EXIT else ''}"


def _is_exactly(passed: frozenset[str], expected: Expected) -> bool:
    return not list(listing(passed, expected))


def _missing(missing: Mapping[str, Line], *, still: set[str]) -> Iterator[str]:
    """A whole file at once; single functions of files of which something ran."""
    files = defaultdict(list)
    for name in missing:
        files[_file(name)].append(name)
    whole = [
        f"{file} ({sum(missing[name].cases for name in names)} tests)"
        for file, names in sorted(files.items())
        if file not in still
    ]
    if whole:
        yield f"missing: {_names(whole)}"
    single = sorted(name for file, names in files.items() if file in still for name in names)
    if single:
        yield f"missing: {_names(single)}"


def _file(function: str) -> str:
    return function.partition("::")[0]


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
