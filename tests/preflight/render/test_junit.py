from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from preflight.message import Message
from preflight.model import Decision, Outcome, Report, Result, Status, Verdict
from preflight.render.junit import render_junit

MakeReport = Callable[..., Report]


def parse(report: Report) -> ET.Element:
    return ET.fromstring(render_junit(report))  # noqa: S314 - our own text


def outcomes(suite: ET.Element) -> dict[str, list[str]]:
    return {case.get("name", ""): [child.tag for child in case] for case in suite.iter("testcase")}


def test_every_check_is_a_case(make_report: MakeReport) -> None:
    """FAIL is a failure, ERROR an error, SKIP skipped, the rest passed; the verdict is a case of its own."""
    suite = parse(make_report())
    assert suite.tag == "testsuite"
    assert suite.get("name") == "preflight paper"
    assert outcomes(suite) == {
        "environment": ["system-out"],
        "redis": ["failure"],
        "postgres": ["error"],
        "storage": ["system-out"],
        "open_positions": ["skipped"],
        "clock": ["system-out"],
        "git": ["system-out"],
        "verdict": ["failure"],
    }


def test_counts_are_what_is_there(make_report: MakeReport) -> None:
    """The numbers in the head are those of the cases below it."""
    suite = parse(make_report())
    tags = Counter(tag for tags in outcomes(suite).values() for tag in tags)
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": str(len(list(suite.iter("testcase")))),
        "failures": str(tags["failure"]),
        "errors": str(tags["error"]),
        "skipped": str(tags["skipped"]),
    }


@pytest.mark.parametrize("verdict", Verdict)
def test_only_go_is_green(verdict: Verdict, make_report: MakeReport) -> None:
    """With nothing but passing checks, a reader who counts failures still sees each verdict that is not GO."""
    code = {"GO": 0, "NO_GO": 1, "UNVERIFIED": 3, "WARNED": 4, "UNRECORDED": 5, "DRY_RUN": 6, "PARTIAL": 3}[verdict]
    decision = Decision(verdict=verdict, exit_code=code, reasons=("first", "second"), ready_for_live=False)
    good = Result(id="redis", outcome=Outcome(status=Status.PASS, summary=Message("fine")), required=True)
    suite = parse(make_report(decision=decision, results=(good,)))
    assert suite.get("failures") == ("0" if verdict is Verdict.GO else "1")
    failure = suite.find("testcase[@name='verdict']/failure")
    if verdict is Verdict.GO:
        assert failure is None
    else:
        assert failure is not None
        assert (failure.get("message"), failure.text) == (verdict.value, "first\nsecond")
    properties = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert properties["verdict"] == verdict.value
    assert properties["exit_code"] == str(code)
    assert properties["run_id"] == "20270115T080000Z-1a2b3c4d"


def test_all_that_is_known_is_told(make_report: MakeReport) -> None:
    """Finding, hint, expected, actual and waiver stand in the case."""
    suite = parse(make_report())
    failure = suite.find("testcase[@name='redis']/failure")
    waived = suite.find("testcase[@name='storage']/system-out")
    assert failure is not None
    assert waived is not None
    assert failure.get("message") == "redis says fail"
    assert failure.text == "redis says fail\nhint: fix redis\nexpected: good\nactual: fail"
    assert waived.text is not None
    assert waived.text.endswith("waived: new disk on Monday")


def test_what_xml_cannot_hold(make_report: MakeReport) -> None:
    """Control characters, surrogates and markup in any text leave the document whole and the text readable."""
    report = make_report()
    nasty = "a\x00b\x1b[31m\ud800\ufffe <failure/> ]]> & 한"
    texts = replace(report.results[1].outcome, summary=Message(nasty), hint=Message(nasty), actual=nasty)
    decision = replace(report.decision, reasons=(nasty,))
    suite = parse(make_report(results=(replace(report.results[1], outcome=texts),), decision=decision))
    readable = "a\ufffdb\ufffd[31m\ufffd\ufffd <failure/> ]]> & 한"
    failure = suite.find("testcase[@name='redis']/failure")
    verdict = suite.find("testcase[@name='verdict']/failure")
    assert failure is not None
    assert verdict is not None
    assert failure.get("message") == readable
    assert verdict.text == readable
