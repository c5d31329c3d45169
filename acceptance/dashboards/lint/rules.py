"""Rules for alert rules: each says what it means in two languages, leads to the runbook, and is tested."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from acceptance.dashboards.lint.finding import Finding
from acceptance.dashboards.lint.rulefile import RuleText

__all__ = ["SEVERITIES", "anchors", "lint_rules"]

SEVERITIES = frozenset({"critical", "info", "warning"})
ENGLISH = ("summary", "description")
KOREAN = ("summary_ko", "description_ko")
# How the description of a test begins, so that all three are there.
TEST_KINDS = {"fires": "that it fires", "stays silent": "that it does not fire", "edge": "what happens at the edge"}

_CAMEL_CASE = re.compile(r"^(?:[A-Z][a-z0-9]+)+$")
_RECORD = re.compile(r"^[a-z_]+:[a-z_]+:[a-z0-9_]+$")
_HANGUL = re.compile(r"[가-힣]")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_RUNBOOK = "docs/runbook.md#"


def anchors(markdown: str) -> frozenset[str]:
    """Give the anchors that a Markdown page's headings have."""
    return frozenset(
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in _HEADING.findall(markdown)
    )


def lint_rules(rules: Iterable[RuleText], tests: Mapping[str, tuple[str, ...]], runbook: str) -> tuple[Finding, ...]:
    """Judge all rules.

    Args:
        rules: Of all files.
        tests: Rule name -> descriptions of its promtool tests.
        runbook: Text of docs/runbook.md.
    """
    rules = tuple(rules)
    alerts = [rule for rule in rules if rule.kind == "alert"]
    findings = [finding for rule in alerts for finding in _alert(rule, tests.get(rule.name, ()), anchors(runbook))]
    findings += [
        Finding(file=rule.file, panel=rule.name, rule="record-name", message="name it level:metric:operation")
        for rule in rules
        if rule.kind == "record" and not _RECORD.match(rule.name)
    ]
    for name, count in Counter(rule.name for rule in rules).items():
        if count > 1:
            findings.append(Finding(file="rules", panel=name, rule="duplicate", message=f"is there {count} times"))
    for name in tests.keys() - {rule.name for rule in alerts}:
        text = "is tested but there is no such alert; remove its tests or repair the name"
        findings.append(Finding(file="tests", panel=name, rule="test-without-alert", message=text))
    return tuple(sorted(findings))


def _alert(rule: RuleText, tests: tuple[str, ...], known: frozenset[str]) -> Iterator[Finding]:
    def say(name: str, message: str) -> Finding:
        return Finding(file=rule.file, panel=rule.name, rule=name, message=message)

    if not _CAMEL_CASE.match(rule.name):
        yield say("alert-name", "write the name in CamelCase")
    if rule.labels.get("severity") not in SEVERITIES:
        text = f"severity is {rule.labels.get('severity')!r}; use one of {sorted(SEVERITIES)}"
        yield say("severity", text)
    for key in (*ENGLISH, *KOREAN):
        if not rule.annotations.get(key):
            yield say("annotation", f"has no {key}")
        elif (key in KOREAN) != bool(_HANGUL.search(rule.annotations[key])):
            yield say("annotation", f"{key} is not in its language")
    link = rule.annotations.get("runbook_url", "")
    if link != f"{_RUNBOOK}{rule.name.lower()}" or rule.name.lower() not in known:
        yield say("runbook", f"runbook_url is {link!r}; docs/runbook.md needs a heading {rule.name!r} to lead to")
    for kind, meaning in TEST_KINDS.items():
        if not any(what.startswith(kind) for what in tests):
            yield say("untested", f"no promtool test shows {meaning}; add one named '{rule.name}: {kind} ...'")
