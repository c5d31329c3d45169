from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from acceptance.dashboards.lint import promtool
from acceptance.dashboards.lint.dashboards import load_folder
from acceptance.dashboards.lint.metrics import Query, queries_of_dashboard
from acceptance.dashboards.lint.promtool import PromtoolError
from acceptance.dashboards.lint.syntax import lint_syntax
from acceptance.stack.binaries.resolve import resolve
from engine.metrics import EngineMetrics, exposition
from preflight.record import catalogue
from preflight.record.metrics import render
from preflight.record.state import State

pytestmark = pytest.mark.leg("pure")

PROMETHEUS = Path(__file__).parents[2] / "monitoring" / "prometheus"


@pytest.fixture(scope="session")
def binary() -> Path:
    """The promtool that belongs to the stack; it is in the cache after `make setup`."""
    return resolve("promtool").binary


def test_committed_configuration_is_valid(binary: Path) -> None:
    """Prometheus would load prometheus.yml with its rules, from wherever it is started."""
    promtool.check_config(binary, PROMETHEUS / "prometheus.yml")


def test_rules_do_what_they_say(binary: Path) -> None:
    """Each alert fires, does not fire, and behaves at its edge as its promtool tests say."""
    promtool.test_rules(binary, sorted((PROMETHEUS / "tests").glob("*.yml")))


def test_a_broken_rule_turns_the_tests_red(binary: Path, tmp_path: Path) -> None:
    """An alert that can never fire is caught by its own test."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "tests").mkdir()
    for path in (PROMETHEUS / "rules").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        (tmp_path / "rules" / path.name).write_text(text.replace("expr: up == 0", "expr: up == 2"), encoding="utf-8")
    whole = yaml.safe_load((PROMETHEUS / "tests" / "pipeline_test.yml").read_text(encoding="utf-8"))
    its = [one for one in whole["tests"] if one["name"].startswith("TargetDown: ")]
    test = tmp_path / "tests" / "pipeline_test.yml"
    test.write_text(yaml.safe_dump(whole | {"tests": its}), encoding="utf-8")

    with pytest.raises(PromtoolError, match="TargetDown"):
        promtool.test_rules(binary, [test])


def test_every_query_is_promql(binary: Path, tmp_path: Path) -> None:
    """Prometheus would accept the query of every panel and of every variable."""
    loaded, _ = load_folder(PROMETHEUS.parent / "grafana" / "dashboards")
    queries = [query for file, dashboard in loaded.items() for query in queries_of_dashboard(file, dashboard)]

    assert [str(finding) for finding in lint_syntax(queries, binary, tmp_path)] == []


def test_what_is_no_promql_is_named_with_its_place(binary: Path, tmp_path: Path) -> None:
    """A counter function without a range, an unclosed bracket and an empty query are findings, the good one is not."""
    written = ['rate(up{env="$env"})', "rate(up[$__rate_interval])", "sum(up", "", "up{a='${env:unknown}'}"]
    queries = [
        Query(file="a.json", place="P", target=str(number), expr=expr, unit=None) for number, expr in enumerate(written)
    ]

    found = lint_syntax(queries, binary, tmp_path)

    assert [(one.file, one.panel, one.target, one.rule) for one in found] == [
        ("a.json", "P", target, "syntax") for target in "023"
    ]
    assert "expected type range vector in call to function" in found[0].message


def test_a_promtool_that_cannot_be_run_is_no_finding(tmp_path: Path) -> None:
    """Not to know is an error, not a clean lint."""
    with pytest.raises(PromtoolError, match="could not be run"):
        lint_syntax([], tmp_path / "none", tmp_path)


def test_preflight_file_is_well_formed(binary: Path) -> None:
    """What preflight writes, before and after a run, follows the naming rules and carries HELP texts."""
    state = State(env="paper", checks=("redis",))
    promtool.check_metrics(binary, render(state).decode())

    state.set(catalogue.LAST_RUN, 1_766_300_000.125)
    state.set(catalogue.CHECK_STATUS, 0, "redis")
    state.observe(catalogue.DURATION, 0.4)
    promtool.check_metrics(binary, render(state).decode())


def test_engine_page_is_well_formed(binary: Path) -> None:
    """What the engine exports follows the naming rules and carries HELP texts."""
    metrics = EngineMetrics(
        symbols=["BTC"],
        exchanges=["upbit"],
        directions=["upbit_to_binance"],
        outcomes=["win"],
        reasons=["stale_fx"],
        fx=[("USDT/KRW", "upbit")],
    )
    page = CollectorRegistry(auto_describe=False)
    page.register(exposition(metrics.registry))

    promtool.check_metrics(binary, generate_latest(page).decode())
