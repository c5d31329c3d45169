from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from acceptance.dashboards.lint.catalogue import UNUSED, Metric, arbitrage_metrics, known_metrics
from acceptance.dashboards.lint.dashboards import load_folder
from acceptance.dashboards.lint.metrics import Query, lint_queries, lint_usage, queries_of_dashboard, queries_of_rules
from acceptance.dashboards.lint.rulefile import RuleText, read_rules, read_tests
from acceptance.dashboards.lint.rules import lint_rules

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "monitoring" / "prometheus"

DESIGNED = {
    "EngineHeartbeatLost",
    "LedgerReset",
    "PostgresLatencyHigh",
    "PreflightClockAhead",
    "PreflightCrashed",
    "PreflightFailed",
    "PreflightNeverRan",
    "PreflightNotReady",
    "PreflightOverdue",
    "PreflightP0Undelivered",
    "PreflightSlow",
    "PreflightStale",
    "PreflightUnrecorded",
    "RedisLatencyHigh",
    "TargetDown",
    "TargetLost",
    "TargetMissing",
    "TargetUnsteady",
    "TextfileCopied",
    "TextfileLost",
    "TextfileMissing",
    "TextfileScrapeError",
}


@pytest.fixture(scope="module")
def rules() -> tuple[RuleText, ...]:
    paths = sorted((PROMETHEUS / "rules").glob("*.yml"))
    return tuple(rule for path in paths for rule in read_rules(path))


@pytest.fixture(scope="module")
def queries(rules: tuple[RuleText, ...]) -> tuple[Query, ...]:
    loaded, _ = load_folder(ROOT / "monitoring" / "grafana" / "dashboards")
    shown = [query for file, dashboard in loaded.items() for query in queries_of_dashboard(file, dashboard)]
    return (*shown, *queries_of_rules(rules))


@pytest.fixture(scope="module")
def known() -> Mapping[str, Metric]:
    return known_metrics()


def test_every_designed_alert_is_there(rules: tuple[RuleText, ...]) -> None:
    """The alerts are those of the design, no more and no fewer."""
    assert {rule.name for rule in rules if rule.kind == "alert"} == DESIGNED


def test_each_alert_is_explained_linked_and_tested(rules: tuple[RuleText, ...]) -> None:
    """Each alert has a severity, texts in both languages, a runbook section and three kinds of promtool tests."""
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")

    findings = lint_rules(rules, read_tests(PROMETHEUS / "tests"), runbook)

    assert [str(finding) for finding in findings] == []


def test_every_query_stands_on_exported_metrics(queries: tuple[Query, ...], known: Mapping[str, Metric]) -> None:
    """Panels and rules use only metrics and labels that some exporter exports, in the right way and unit."""
    assert [str(finding) for finding in lint_queries(queries, known)] == []


def test_m2_no_query_joins_on_labels_that_it_names(queries: tuple[Query, ...]) -> None:
    """A label that a site adds tells two hosts or jobs apart, and `on (...)` would take one for the other.

    Not where the other side is one number for each of these labels.
    """
    named = re.compile(r"\bon\s*\((\s*\w[^)]*)\)(?! group_left \(\) \w+ by \(\1\))")

    assert [query for query in queries if named.search(query.expr)] == []


def test_every_exported_metric_is_looked_at(queries: tuple[Query, ...]) -> None:
    """Each metric of preflight and engine is on a panel or in a rule, or excused with a reason."""
    assert [str(finding) for finding in lint_usage(queries, arbitrage_metrics(), UNUSED)] == []


def test_foreign_and_recorded_metrics_are_used(queries: tuple[Query, ...], known: Mapping[str, Metric]) -> None:
    """The table of others' metrics holds nothing that we do not use, and nothing is recorded for nobody."""
    others = {name: metric for name, metric in known.items() if name not in arbitrage_metrics()}

    assert [str(finding) for finding in lint_usage(queries, others, {})] == []
