"""Alerts fire in the real Prometheus for what they are named after, and resolve when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from acceptance.dashboards.lint import promtool
from acceptance.dashboards.lint.rulefile import read_rules
from acceptance.evidence_plugin import EvidencePlugin
from acceptance.probes import PrometheusClient
from acceptance.proof.follow import FollowedRun
from acceptance.proof.outage import EXPECTED, Outage, active, until_gone
from acceptance.stack.binaries.resolve import resolve
from acceptance.stack.wait import Observation, wait_until

pytestmark = pytest.mark.own_stack

RULES = Path(__file__).parents[1] / "monitoring" / "prometheus" / "rules"


def test_all_rules_of_git_are_loaded(prometheus: PrometheusClient) -> None:
    """Prometheus has loaded the committed rules and no others."""
    committed = {rule.name for path in RULES.glob("*.yml") for rule in read_rules(path)}

    assert {rule.name for rule in prometheus.rules()} == committed


def test_each_alert_does_what_its_promtool_tests_say(evidence_plugin: EvidencePlugin) -> None:
    """Each alert fires, stays silent, and behaves at its edge: one that can never be true is caught here."""
    program = resolve("promtool")
    evidence_plugin.add_program("promtool", program.facts())
    promtool.test_rules(program.binary, sorted((RULES.parent / "tests").glob("*.yml")))


# What these say of a busy machine is true, and no fault of the stack's.
ABOUT_THE_MACHINE = {"RedisLatencyHigh", "PostgresLatencyHigh", "PreflightSlow"}


def test_the_file_of_a_real_run_is_well_formed(first_run: FollowedRun) -> None:
    """The `.prom` that a run on this stack has written is one in which promtool finds nothing to improve."""
    promtool.check_metrics(resolve("promtool").binary, first_run.run.prom)


def test_nothing_fires_on_a_healthy_stack(prometheus: PrometheusClient, recovery: FollowedRun) -> None:
    """After a GO no alert is left: a rule that always fires is as useless as one that never does."""
    assert recovery.run.exit_code == 0

    def probe() -> Observation[None]:
        found = [(one.name, one.state) for one in active(prometheus) if one.name not in ABOUT_THE_MACHINE]
        return Observation(done=not found, said=str(found))

    wait_until(probe, asked="/api/v1/alerts", timeout=10, interval=0.25)


def test_textfile_missing_fired_before_the_first_run(
    silence: Mapping[str, str], prometheus: PrometheusClient, first_run: FollowedRun
) -> None:
    """A node_exporter without a preflight file is noticed, and the alert ends with the first run."""
    assert "No preflight metrics file" in silence.get("summary", "TextfileMissing did not fire")
    assert first_run.run.exit_code == 0
    until_gone(prometheus, "TextfileMissing")


def test_preflight_failed_fires_at_a_run_that_is_no_go(outage: Outage) -> None:
    """A run without Redis is an alert at once, in both languages."""
    assert outage.fired["PreflightFailed"]["summary"] == "Preflight in paper did not end in GO"
    assert "사전 점검" in outage.fired["PreflightFailed"]["summary_ko"]


def test_target_down_fires_at_a_stopped_engine(outage: Outage) -> None:
    """A target that stops answering is an alert after two lost scrapes."""
    assert "arbitrage-engine" in outage.fired["TargetDown"]["summary"]


def test_both_resolve_when_all_is_back(recovery: FollowedRun, prometheus: PrometheusClient) -> None:
    """The next GO ends PreflightFailed, the next scrape ends TargetDown."""
    assert recovery.run.exit_code == 0

    for name in EXPECTED:
        until_gone(prometheus, name)
