from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from acceptance.lint import promtool
from acceptance.lint.promtool import PromtoolError
from acceptance.stack.components import resolve
from engine.metrics import EngineMetrics, exposition
from preflight import catalogue
from preflight.metrics import render
from preflight.state import State

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
    test = tmp_path / "tests" / "pipeline_test.yml"
    test.write_text((PROMETHEUS / "tests" / "pipeline_test.yml").read_text(encoding="utf-8"), encoding="utf-8")

    with pytest.raises(PromtoolError, match="TargetDown"):
        promtool.test_rules(binary, [test])


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
