"""Redis and the engine go away together and come back: one outage that several suites look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acceptance.probes import PrometheusClient
from acceptance.probes.answers import FiringAlert
from acceptance.proof.follow import FollowedRun, Follower
from acceptance.stack.interface import Stack
from acceptance.stack.wait import Observation, wait_until

ENV = "paper"
EXPECTED = ("PreflightFailed", "TargetDown")
_ALERT_SECONDS = 40.0  # TargetDown waits 15 s before it fires
_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What was seen while it lasted."""

    run: FollowedRun  # a preflight run in the middle of it
    fired: Mapping[str, Mapping[str, str]]  # name of an alert -> the annotations with which it fired


def begin_outage(stack: Stack, follower: Follower) -> FollowedRun:
    """Stop Redis and the engine at once, and run preflight. Both stay away, unless this fails."""
    try:
        stack.stop_service("engine")
        stack.stop_service("redis")
        return follower.run()
    except BaseException:
        _bring_back(stack)
        raise


def see_outage(stack: Stack, run: FollowedRun, prometheus: PrometheusClient) -> Outage:
    """Wait for the alerts of an outage that has begun, and bring both back, whatever happens."""
    try:
        return Outage(run=run, fired={name: until_firing(prometheus, name) for name in EXPECTED})
    finally:
        _bring_back(stack)


def _bring_back(stack: Stack) -> None:
    stack.start_service("redis")
    stack.start_service("engine")


def until_firing(
    prometheus: PrometheusClient,
    name: str,
    *,
    states: frozenset[str] = frozenset({"firing"}),
    timeout: float = _ALERT_SECONDS,
) -> dict[str, str]:
    """Wait until an alert is in one of `states`; give its annotations.

    Raises:
        WaitTimeoutError: It did not come to that.
    """

    def probe() -> Observation[FiringAlert]:
        found = _alerts(prometheus, name)
        ready = [alert for alert in found if alert.state in states]
        return Observation(done=bool(ready), said=_said(name, found), value=ready[0] if ready else None)

    answer = wait_until(probe, asked=f"/api/v1/alerts for {name} firing", timeout=timeout, interval=_POLL_SECONDS)
    return dict(answer.value.annotations) if answer.value is not None else {}


def until_gone(prometheus: PrometheusClient, name: str) -> None:
    """Wait until an alert is neither firing nor pending.

    Raises:
        WaitTimeoutError: It stayed.
    """

    def probe() -> Observation[None]:
        found = _alerts(prometheus, name)
        return Observation(done=not found, said=_said(name, found))

    wait_until(probe, asked=f"/api/v1/alerts for {name} gone", timeout=_ALERT_SECONDS, interval=_POLL_SECONDS)


def active(prometheus: PrometheusClient) -> list[FiringAlert]:
    """Give what is pending or firing, but for other envs: other suites break things there."""
    return [alert for alert in prometheus.alerts() if alert.labels.get("env", ENV) == ENV]


def _alerts(prometheus: PrometheusClient, name: str) -> list[FiringAlert]:
    return [alert for alert in active(prometheus) if alert.name == name]


def _said(name: str, found: list[FiringAlert]) -> str:
    return f"{name}: {[alert.state for alert in found]}"
