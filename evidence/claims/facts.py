"""What a bundle holds that claims are judged by: gates, outcomes of tests, servers, files, git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evidence.bundle.snapshot import Snapshot
from evidence.grafana import GrafanaKind
from evidence.verdict import Verdict
from evidence.verdict.gate import Coverage

#: What is never the original, on whichever stack.
_ALWAYS_STANDINS: Final = {"telegram": "Telegram", "exchanges": "Upbit and Binance"}
_NAMES: Final = {"prometheus": "Prometheus", "node-exporter": "node_exporter"}
#: Made from the claims, so they prove none.
MADE_FROM_CLAIMS: Final = frozenset({"claims.json", "report.html"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFacts:
    """What one gate left."""

    full: bool  # exactly the committed list ran
    passed: bool
    reasons: tuple[str, ...] = ()
    tests: Mapping[str, str] = field(default_factory=dict)  # pytest id -> passed, failed, error, skipped ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What answered in one place of a stack."""

    label: str  # such as "Prometheus 3.13.5", "Grafana 12.4.4 (official image)" or "stand-in for Grafana"
    standin_for: str | None = None  # such as "Grafana"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All of it."""

    gates: Mapping[str, GateFacts] = field(default_factory=dict)  # by name, such as "e2e-compose"
    stacks: Mapping[str, Mapping[str, Server]] = field(default_factory=dict)  # stack -> subject of a claim -> server
    files: Mapping[str, str] = field(default_factory=dict)  # path -> sha256
    git: Mapping[str, Any] = field(default_factory=dict)  # as in run.json


def read(snapshot: Snapshot, verdict: Verdict) -> Facts:
    """Take them from a bundle's bytes and from what was derived from them."""
    return Facts(
        gates={
            name: GateFacts(
                full=gate.outcome.result is Coverage.FULL,
                passed=gate.outcome.passed,
                reasons=gate.outcome.reasons,
                tests=gate.outcome.tests,
            )
            for name, gate in verdict.gates.items()
        },
        stacks={name: servers(stack.grafana, stack.services) for name, stack in verdict.stacks.items()},
        files={
            name: described["sha256"]
            for name, described in snapshot.described().items()
            if name not in MADE_FROM_CLAIMS
        },
        git=verdict.run["git"],
    )


def servers(grafana: Mapping[str, str] | None, services: Mapping[str, Mapping[str, str]]) -> dict[str, Server]:
    """Name what answered on a stack, by the subjects of claims.

    Args:
        grafana: ``{"kind": ..., "label": ...}``, None if none answered.
        services: name -> ``{"version": ...}``.
    """
    found = {
        subject: Server(label=f"stand-in for {name}", standin_for=name) for subject, name in _ALWAYS_STANDINS.items()
    }
    for subject, name in _NAMES.items():
        if subject in services:
            found[subject] = Server(label=f"{name} {services[subject]['version']}")
    if grafana is not None:
        standin = grafana["kind"] == GrafanaKind.STANDIN
        found["grafana"] = (
            Server(label="stand-in for Grafana", standin_for="Grafana") if standin else Server(label=grafana["label"])
        )
    return found
