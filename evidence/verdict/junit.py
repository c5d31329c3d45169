"""JUnit XML, and whether it tells the same story as the report log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from evidence.errors import DocumentError

_TOTALS = (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))  # attribute, element

_BROKEN = frozenset({"failed", "error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JUnit:
    """A JUnit file of pytest."""

    marks: Mapping[tuple[str, str], frozenset[str]]  # (class name, name) -> failure, error, skipped
    times: Mapping[tuple[str, str], int]  # how many cases have this name
    totals_off: tuple[str, ...]  # totals in the heads of suites that are not those of their cases


def read_junit(data: bytes, name: str) -> JUnit:
    """Read a JUnit file.

    Raises:
        DocumentError: it is not one.
    """
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise DocumentError(f"{name} declares a document type, which pytest never writes")
    try:
        root = ET.fromstring(data)  # noqa: S314 -- without a document type there are no entities to expand
    except (ET.ParseError, ValueError, RecursionError) as error:
        message = f"{name} is not XML: {error}"
        raise DocumentError(message) from error
    marks: dict[tuple[str, str], set[str]] = {}
    times: Counter[tuple[str, str]] = Counter()
    for case in root.iter("testcase"):
        if not case.get("name"):  # of a test that was interrupted pytest writes no name
            continue
        found = {child.tag for child in case} & {"failure", "error", "skipped"}
        key = case.get("classname", ""), case.get("name", "")
        marks.setdefault(key, set()).update(found)
        times[key] += 1
    off = tuple(text for suite in root.iter("testsuite") for text in _totals_off(suite))
    return JUnit(marks={case: frozenset(found) for case, found in marks.items()}, times=times, totals_off=off)


def differences(junit: JUnit, tests: Mapping[str, str]) -> Iterator[str]:
    """Say where a JUnit file and a report log differ: one sentence each.

    Args:
        junit: the file.
        tests: node id -> outcome, from the report log.
    """
    logged: dict[tuple[str, str], list[str]] = {}
    begun = {_case_of(nodeid) for nodeid, outcome in tests.items() if outcome == "begun"}
    if not begun:  # pytest counts a test that has no end in one place and not in the other
        yield from junit.totals_off
    for nodeid, outcome in tests.items():
        logged.setdefault(_case_of(nodeid), []).append(outcome)
    yield from _named("has no {} of the report log", logged.keys() - junit.marks.keys() - begun)
    yield from _named("has {}, of which the report log has nothing", junit.marks.keys() - logged.keys())
    # A test that fails and then breaks is two cases.
    more = {case for case in logged if junit.times.get(case, 0) > sum(1 + (one in _BROKEN) for one in logged[case])}
    yield from _named("has {} more often than the report log", more)
    other = [
        case
        for case in logged.keys() & junit.marks.keys()
        if not any(_agrees(outcome, junit.marks[case]) for outcome in logged[case])
    ]
    yield from _named("shows another outcome of {} than the report log", set(other))


def _agrees(outcome: str, marks: frozenset[str]) -> bool:
    match outcome:
        case "failed":
            return "failure" in marks
        case "error":
            return "error" in marks
        case "skipped" | "xfailed":
            return marks == {"skipped"}
        case _:
            return not marks


def _case_of(nodeid: str) -> tuple[str, str]:
    """Return class name and name under which pytest writes a node id."""
    path, *inner = nodeid.split("::")
    if inner and "[" in nodeid:  # "::" may stand in a parameter
        head, bracket, parameters = nodeid.partition("[")
        path, *inner = head.split("::")
        inner[-1] += bracket + parameters
    module = path.replace("/", ".").removesuffix(".py")
    parts = [module, *inner]
    return ".".join(parts[:-1]), _xml_text(parts[-1])


def _xml_text(text: str) -> str:
    """Write what XML cannot hold as pytest does."""
    return "".join(
        one if _legal(ord(one)) else f"#x{ord(one):02X}" if ord(one) <= 0xFF else f"#x{ord(one):04X}" for one in text
    )


def _legal(code: int) -> bool:
    return (
        code in {0x9, 0xA, 0xD}
        or 0x20 <= code <= 0x7E
        or 0x80 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )


def _totals_off(suite: ET.Element) -> Iterator[str]:
    cases = list(suite.iter("testcase"))
    for attribute, element in _TOTALS:
        actual = sum(len(case.findall(element)) for case in cases)
        if suite.get(attribute) != str(actual):
            yield f"says {attribute}: {suite.get(attribute)} over {actual} such cases"
    broken = any(case.find("failure") is not None or case.find("error") is not None for case in cases)
    cut = any(not case.get("name") for case in cases)
    # A test that fails and then breaks is two cases and one test; one that was interrupted is a case and no test.
    if not broken and not cut and suite.get("tests") != str(len(cases)):
        yield f"says tests: {suite.get('tests')} over {len(cases)} cases"


def _named(text: str, cases: set[tuple[str, str]] | frozenset[tuple[str, str]]) -> Iterator[str]:
    if cases:
        first = "::".join(part for part in min(cases) if part)
        more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
        yield text.format(first + more)
