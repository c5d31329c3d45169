from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

import preflight
from preflight.record import catalogue
from preflight.record.catalogue import CATALOGUE, MetricKind
from preflight.record.metrics import render, samples
from preflight.record.state import State

IDS = ("environment", "redis", "postgres", "storage")


def full() -> State:
    """Make a state in which every series of the contract is known."""
    state = State("paper", IDS)
    for spec in CATALOGUE:
        sets: list[list[tuple[str, ...]]] = [[()]]
        for label in spec.labels[1:]:
            values = IDS if label == "check" else catalogue.LABEL_VALUES[label]
            sets.append([(*labels, value) for labels in sets[-1] for value in values])
        for n, labels in enumerate(sets[-1]):
            if spec.kind is MetricKind.HISTOGRAM:
                state.observe(spec.name, 0.07 * n, *labels)
            else:
                state.set(spec.name, n + 0.125, *labels)
    return state


def parsed(state: State) -> list[tuple[str, dict[str, str], float]]:
    """Read the rendered text back."""
    families = text_string_to_metric_families(render(state).decode())
    return [(s.name, dict(s.labels), s.value) for family in families for s in family.samples]


def test_text_says_what_samples_say() -> None:
    """The `.prom` and the samples of the report are the same lines, values and order."""
    state = full()
    assert parsed(state) == [(s.name, dict(s.labels), s.value) for s in samples(state)]


@given(st.floats(min_value=1e9, max_value=4e9), st.lists(st.sampled_from(IDS), unique=True))
def test_timestamps_survive_the_text(at: float, ids: list[str]) -> None:
    """Unix seconds come out of the text as the very same double: they are what a run is followed by."""
    state = State("live", tuple(ids))
    state.set(catalogue.LAST_RUN, at)
    shown = {name: value for name, _, value in parsed(state)}
    assert shown[catalogue.LAST_RUN] == at


def test_nothing_but_the_contract() -> None:
    """The text has fixed HELP and TYPE lines, no timestamps, no `_created`, and only the env's own label."""
    text = render(full()).decode()
    for spec in CATALOGUE:
        assert f"# HELP {spec.name} {spec.help}\n# TYPE {spec.name} {spec.kind.value}\n" in text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r'[a-z_]+\{[^ ]*env="paper"[^ ]*\} [^ ]+', line) for line in lines)
    assert "_created" not in text
    assert text.endswith("\n")


def test_zero_before_any_run() -> None:
    """Every counter and histogram is there as 0 before the first run; no gauge is."""
    state = State("paper", IDS)
    shown = samples(state)
    assert {s.value for s in shown} == {0.0}
    names = {s.name for s in shown}
    assert names == {n for spec in CATALOGUE if spec.kind is not MetricKind.GAUGE for n in spec.series_names}
    checks = {(s.labels["check"], s.labels["status"]) for s in shown if s.name == catalogue.CHECKS}
    assert checks == {(i, status) for i in IDS for status in ("pass", "warn", "fail", "error", "skip")}


def test_bound_is_what_is_rendered() -> None:
    """The computed bound is the number of lines of a file in which everything is known."""
    assert len(samples(full())) == catalogue.series_bound(len(IDS)) <= 80 + 6 * len(IDS)


def test_buckets_are_spelled_as_prometheus_stores_them() -> None:
    """A bucket's `le` is what Prometheus stores, so that a report can be compared with a query's answer."""
    bounds = [s.labels["le"] for s in samples(State("paper")) if s.name == f"{catalogue.DURATION}_bucket"]
    assert bounds == ["0.1", "0.5", "1.0", "2.0", "5.0", "10.0", "+Inf"]


def test_import_is_lean() -> None:
    """Importing ledger and metrics loads neither prometheus_client nor sqlite3 nor filelock."""
    code = (
        "import sys, preflight.record.ledger, preflight.record.metrics;"
        "print([m for m in ('prometheus_client', 'sqlite3', 'filelock') if m in sys.modules])"
    )
    root = Path(preflight.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
