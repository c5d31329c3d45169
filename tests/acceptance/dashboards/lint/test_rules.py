from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from acceptance.dashboards.lint.rulefile import RuleText, read_rules, read_tests
from acceptance.dashboards.lint.rules import anchors, lint_rules

GOOD = RuleText(
    file="r.yml",
    kind="alert",
    name="TargetDown",
    expr="up == 0",
    duration="15s",
    labels={"severity": "critical"},
    annotations={
        "summary": "gone",
        "summary_ko": "없음",
        "description": "it is gone",
        "description_ko": "없어졌습니다",
        "runbook_url": "docs/runbook.md#targetdown",
    },
)
TESTS = {"TargetDown": ("fires when it is", "stays silent while it is not", "edge: at once")}
RUNBOOK = "# Runbook\n\n### TargetDown\ntext\n"

FILE = """# Comment.
groups:
  - name: pipeline
    rules:
      # Why.
      - alert: TargetDown
        expr: up == 0
        for: 15s
        labels:
          severity: critical
        annotations:
          summary: "{{ $labels.job }} is gone: \\"down\\""
          runbook_url: docs/runbook.md#targetdown
      - record: a:b:c
        expr: |
          sum(
            up
          )
"""


def without(rule: RuleText, key: str) -> RuleText:
    return replace(rule, annotations={k: v for k, v in rule.annotations.items() if k != key})


def annotated(**values: str) -> RuleText:
    return replace(GOOD, annotations={**GOOD.annotations, **values})


def test_good_rule_passes() -> None:
    """The example that the other tests break in one place is clean."""
    assert lint_rules([GOOD], TESTS, RUNBOOK) == ()


@pytest.mark.parametrize(
    ("rules", "change", "expected"),
    [
        pytest.param([replace(GOOD, labels={})], {}, {"severity"}, id="no severity"),
        pytest.param([replace(GOOD, labels={"severity": "page"})], {}, {"severity"}, id="unknown severity"),
        pytest.param([without(GOOD, "summary")], {}, {"annotation"}, id="no summary"),
        pytest.param([without(GOOD, "description_ko")], {}, {"annotation"}, id="no Korean description"),
        pytest.param([annotated(summary_ko="English")], {}, {"annotation"}, id="English as Korean"),
        pytest.param([annotated(summary="한국어")], {}, {"annotation"}, id="Korean as English"),
        pytest.param([annotated(runbook_url="docs/runbook.md#other")], {}, {"runbook"}, id="wrong link"),
        pytest.param([GOOD], {"runbook": "# TargetUp"}, {"runbook"}, id="no section"),
        pytest.param([GOOD], {"tests": {}}, {"untested"}, id="no tests"),
        pytest.param([GOOD], {"tests": {"TargetDown": TESTS["TargetDown"][:2]}}, {"untested"}, id="no edge"),
        pytest.param([GOOD, GOOD], {}, {"duplicate"}, id="twice"),
        pytest.param([GOOD], {"tests": {**TESTS, "Gone": ("fires",)}}, {"test-without-alert"}, id="stray test"),
        pytest.param([GOOD, replace(GOOD, kind="record", name="p95")], {}, {"record-name"}, id="record without levels"),
        pytest.param([replace(GOOD, name="target_down")], {}, {"alert-name", "runbook", "untested"}, id="snake"),
    ],
)
def test_each_fault_is_found(rules: list[RuleText], change: dict[str, Any], expected: set[str]) -> None:
    """One missing thing gives findings of its own rule, with file and alert."""
    given: dict[str, Any] = {"tests": TESTS, "runbook": RUNBOOK, **change}
    if rules[0].name == "target_down":
        given["tests"] = {}

    findings = lint_rules(rules, given["tests"], given["runbook"])

    assert {finding.rule for finding in findings} == expected
    assert all(finding.panel for finding in findings)


def test_file_is_read_with_comments_and_blocks(tmp_path: Path) -> None:
    """Alerts and records are read with their one-line and block expressions, labels and annotations."""
    (tmp_path / "r.yml").write_text(FILE, encoding="utf-8")

    alert, record = read_rules(tmp_path / "r.yml")

    assert (alert.kind, alert.name, alert.expr, alert.duration) == ("alert", "TargetDown", "up == 0", "15s")
    assert alert.labels == {"severity": "critical"}
    assert alert.annotations["runbook_url"] == "docs/runbook.md#targetdown"
    assert alert.annotations["summary"].startswith("{{ $labels.job }}")
    assert (record.kind, record.name, record.expr) == ("record", "a:b:c", "sum(\n  up\n)")


@pytest.mark.parametrize(
    "rule",
    [
        '{alert: X, expr: "up == 0", for: 1m, labels: {severity: "1"}}',
        (
            "\n        alert: X\n        for: 1m\n        keep_firing_for: 5m\n        labels: {severity: 1}\n"
            "        expr: >-\n          up\n          == 0"
        ),
        "\n        'expr': 'up == 0'\n        \"alert\": 'X'\n        for: '1m'\n        labels:\n         severity: 1",
    ],
    ids=["flow", "folded", "quoted"],
)
def test_m14_every_form_of_yaml_is_read(tmp_path: Path, rule: str) -> None:
    """Flow mappings, folded and quoted expressions, keys in any order: what Prometheus reads."""
    (tmp_path / "r.yml").write_text(f"groups:\n  - name: g\n    rules:\n      - {rule}\n", encoding="utf-8")

    (read,) = read_rules(tmp_path / "r.yml")

    assert (read.name, read.expr, read.duration, read.labels) == ("X", "up == 0", "1m", {"severity": "1"})


@pytest.mark.parametrize(
    "text",
    [
        f"{FILE}    partial: [\n",
        FILE.replace("alert:", "allert:"),
        FILE.replace("for:", "fro:"),
        FILE.replace("expr: up == 0", "expr: {up: 0}"),
        "groups: {}\n",
        "",
    ],
)
def test_what_is_no_rule_is_an_error(tmp_path: Path, text: str) -> None:
    """What the reader does not know raises with the file's name, instead of being overlooked."""
    (tmp_path / "r.yml").write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=r"r\.yml: "):
        read_rules(tmp_path / "r.yml")


def test_names_of_promtool_tests_are_read(tmp_path: Path) -> None:
    """Tests are known by alert, over all files."""
    (tmp_path / "a.yml").write_text('tests:\n  - name: "X: fires a"\n  - name: "Y: edge: b"\n')
    (tmp_path / "b.yml").write_text('tests:\n  - name: "X: edge: c"\n')

    assert read_tests(tmp_path) == {"X": ("fires a", "edge: c"), "Y": ("edge: b",)}


def test_anchors_are_those_of_headings() -> None:
    """Headings of every depth give lower-case anchors with hyphens."""
    assert anchors("# A B\n### TargetDown\nText # no\n## C, d!") == {"a-b", "targetdown", "c-d"}
