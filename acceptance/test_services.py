"""Every server of the stack is up and Prometheus reaches everything that it should."""

from __future__ import annotations

import pytest

from acceptance.probes import GrafanaClient, PrometheusClient
from acceptance.stack.interface import SERVICES, Stack
from acceptance.stack.wait import Observation, wait_until


@pytest.mark.own_stack
def test_every_service_is_healthy(stack: Stack) -> None:
    """Each service runs and answers its own readiness question."""
    states = stack.services()

    assert {state.name for state in states} == {*SERVICES}
    unhealthy = {state.name: state.detail for state in states if not (state.running and state.healthy)}
    assert unhealthy == {}


@pytest.mark.own_stack
def test_every_scrape_target_is_up(stack: Stack, prometheus: PrometheusClient) -> None:
    """Prometheus scrapes each job of the committed configuration without an error."""
    expected = {"node-exporter", "prometheus"} | ({"arbitrage-engine"} if stack.urls.engine else set())

    def probe() -> Observation[None]:
        targets = prometheus.targets()
        said = {target.job: target.last_error or target.health for target in targets}
        done = set(said) == expected and all(target.health == "up" for target in targets)
        return Observation(done=done, said=f"{said}, expected {sorted(expected)} up")

    wait_until(probe, asked=f"{stack.urls.prometheus}/api/v1/targets", timeout=10)


def test_no_rule_is_broken(stack: Stack, prometheus: PrometheusClient) -> None:
    """Each rule that Prometheus has loaded evaluates without an error."""

    def probe() -> Observation[None]:
        unknown = [rule.name for rule in prometheus.rules() if rule.health == "unknown"]
        return Observation(done=not unknown, said=f"not evaluated yet: {unknown}")

    wait_until(probe, asked=f"{stack.urls.prometheus}/api/v1/rules", timeout=10)

    assert {rule.name: rule.last_error for rule in prometheus.rules() if rule.health != "ok"} == {}


def test_grafana_has_its_datasource_from_git(grafana: GrafanaClient) -> None:
    """The datasource is provisioned under the uid that every panel names, and cannot be edited by hand."""
    (datasource,) = grafana.datasources()

    assert (datasource.uid, datasource.type, datasource.read_only) == ("arbitrage-prometheus", "prometheus", True)
