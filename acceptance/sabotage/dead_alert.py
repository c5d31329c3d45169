"""An alert whose expression can never be true: it is loaded, healthy, and silent whatever happens."""

from __future__ import annotations

from pathlib import Path

from acceptance.sabotage.base import Sabotage, replace_in


def _apply(checkout: Path) -> None:
    rules = checkout / "monitoring" / "prometheus" / "rules" / "pipeline.yml"
    replace_in(rules, "expr: up == 0", "expr: up == 2")


DEAD_ALERT = Sabotage(
    name="dead-alert",
    story="TargetDown waits for an up of 2",
    suite="acceptance/test_rules.py::test_each_alert_does_what_its_promtool_tests_say",
    caught_by=("test_each_alert_does_what_its_promtool_tests_say",),
    because=("pipeline_test.yml", 'alertname=\\"TargetDown\\"', "got: nil"),
    apply=_apply,
)
