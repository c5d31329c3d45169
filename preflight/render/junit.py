"""The report as JUnit XML, so that a CI server shows a run like a test suite."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from preflight.model import Report, Result, Status

# What XML 1.0 cannot hold at all, not even escaped: https://www.w3.org/TR/xml/#charsets
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(report: Report) -> str:
    """Return one `testsuite` with one `testcase` per check and one named `verdict`.

    The last one fails whenever the exit code is not 0: JUnit knows neither WARN nor UNRECORDED, and a reader who only
    counts failures must not see green where the gate says no.
    """
    suite = ET.Element(
        "testsuite",
        name=f"preflight {report.env}",
        tests=str(len(report.results) + 1),
        failures=str(_count(report, Status.FAIL) + (report.decision.exit_code != 0)),
        errors=str(_count(report, Status.ERROR)),
        skipped=str(_count(report, Status.SKIP)),
        time=f"{report.duration_seconds:.6f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in {
        "run_id": report.run_id,
        "verdict": report.decision.verdict,
        "exit_code": str(report.decision.exit_code),
        "mode": report.mode,
        "recorded": str(report.recorded).lower(),
    }.items():
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    for result in report.results:
        _add_case(suite, result)
    verdict = ET.SubElement(suite, "testcase", classname="preflight", name="verdict", time="0")
    if report.decision.exit_code != 0:
        failure = ET.SubElement(verdict, "failure", message=_clean(report.decision.verdict))
        failure.text = _clean("\n".join(report.decision.reasons))
    ET.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def _add_case(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(
        suite, "testcase", classname="preflight", name=result.id, time=f"{result.duration_seconds:.6f}"
    )
    outcome = result.outcome
    text = "\n".join(
        line
        for line in (
            outcome.summary,
            f"hint: {outcome.hint}" if outcome.hint else "",
            f"expected: {outcome.expected}" if outcome.expected else "",
            f"actual: {outcome.actual}" if outcome.actual else "",
            f"said: {outcome.said}" if outcome.said else "",
            f"waived: {result.waiver}" if result.waiver else "",
        )
        if line
    )
    tag = {Status.FAIL: "failure", Status.ERROR: "error", Status.SKIP: "skipped"}.get(result.status)
    if tag is None:
        ET.SubElement(case, "system-out").text = _clean(f"{result.status}: {text}")
    else:
        ET.SubElement(case, tag, message=_clean(outcome.summary)).text = _clean(text)


def _count(report: Report, status: Status) -> int:
    return sum(result.status is status for result in report.results)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
