"""Compares two bundles: result, tests, claims, values, versions, timings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evidence import claims
from evidence.attest.statement import signature_state
from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.claims import document
from evidence.compare.timings import beyond_noise, durations
from evidence.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs."""

    kind: str  # result, commit, gate, test, claim, value, version, timing
    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}: {self.before} -> {self.after}"


def diff(before: tuple[Snapshot, Verdict], after: tuple[Snapshot, Verdict]) -> Iterator[Difference]:
    """Say what changed.

    Args:
        before: a bundle, and what was derived from it.
        after: another one.

    Raises:
        DocumentError: a document of one of them cannot be read.
        ClaimsError: its claims cannot be judged.
    """
    (old, was), (new, now) = before, after
    yield from _differing("result", _result(old, was), _result(new, now))
    yield from _differing("commit", _commit(was), _commit(now))
    yield from _differing("gate", _gates(was), _gates(now))
    yield from _differing("claim", _claims(old, was), _claims(new, now))
    yield from _differing("test", _tests(was), _tests(now))
    yield from _differing("value", _values(old, was), _values(new, now))
    yield from _differing("version", _versions(was), _versions(now))
    for gate in sorted(was.gates.keys() & now.gates.keys()):
        for test, first, second in beyond_noise(durations(old, gate), durations(new, gate)):
            yield Difference("timing", f"{test} in {gate}", f"{first:.1f} s", f"{second:.1f} s")


def _differing(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for what in sorted(before.keys() | after.keys()):
        first, second = before.get(what, "-"), after.get(what, "-")
        if first != second:
            yield Difference(kind, what, first, second)


def _result(snapshot: Snapshot, verdict: Verdict) -> dict[str, str]:
    """A verdict is never shown without its signature's state."""
    return {"the run": f"{verdict.result}, {signature_state(snapshot)}"}


def _commit(verdict: Verdict) -> dict[str, str]:
    git = verdict.run["git"]
    return {"tree": git["short"] + (" with changes" if git["dirty"] else "")}


def _gates(verdict: Verdict) -> dict[str, str]:
    return {
        name: f"{gate.outcome.result.value}, {'passed' if gate.outcome.passed else 'not passed'}"
        for name, gate in verdict.gates.items()
    }


def _tests(verdict: Verdict) -> dict[str, str]:
    return {f"{test} in {gate}": outcome for test, gates in verdict.tests.items() for gate, outcome in gates.items()}


def _claims(snapshot: Snapshot, verdict: Verdict) -> dict[str, str]:
    if document.FILE_NAME in snapshot.files:
        found: Any = snapshot.json(document.FILE_NAME)
    elif claims.makes_claims(verdict):
        found = claims.derive(snapshot, verdict)
    else:
        return {}
    return {one["id"]: one["text"] for one in (*found["criteria"], *found["claims"])}


def _values(snapshot: Snapshot, verdict: Verdict) -> dict[str, str]:
    """What metrics and panels showed; what a run is followed by differs in every run, so it is left out."""
    found = {}
    for stack in verdict.stacks:
        folder = layout.stack_folder(stack)
        for name, part, key, value in (
            ("prometheus_query_result.json", "queries", "metric", "value"),
            ("grafana_api_result.json", "panels", "title", "last_value"),
        ):
            path = f"{folder}/{name}"
            for one in snapshot.json(path)[part] if path in snapshot.files else ():
                found[f"{one[key]} on {stack}"] = str(one[value])
    return found


def _versions(verdict: Verdict) -> dict[str, str]:
    found = {"Python": verdict.run["python"], "platform": verdict.run["platform"]}
    for stack, files in verdict.stacks.items():
        found |= {f"{name} on {stack}": facts["version"] for name, facts in files.services.items()}
        if files.grafana:
            found[f"dashboards' server on {stack}"] = files.grafana["label"]
    return found
