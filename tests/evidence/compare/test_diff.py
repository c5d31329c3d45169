from __future__ import annotations

from pathlib import Path

import pytest

from evidence.cli import main
from evidence.compare import diff
from evidence.compare.timings import beyond_noise
from evidence.verdict import derive
from evidence.verify.archive import read_bundle
from tests.evidence.genuine import CORE, E2E, START, Genuine


def changes(before: Path, after: Path) -> list[str]:
    """What `diff` says, a line each."""
    one, other = read_bundle(before), read_bundle(after)
    return [str(change) for change in diff((one, derive(one)), (other, derive(other)))]


def test_the_same_run_twice_differs_in_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What differs in every run (times, run ids) is no change."""
    before = Genuine().seal(tmp_path / "a").path
    after = Genuine(start=START + 3600, run_id="20260102T040500Z-abcdef02").seal(tmp_path / "b").path
    assert changes(before, after) == []
    assert main(["diff", str(before), str(after)]) == 0
    assert capsys.readouterr().out == "nothing changed\n"


def test_each_kind_of_change_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Result, commit, gates, claims, tests, values, versions."""
    before = Genuine(grafana={"compose": "embedded"}).seal(tmp_path / "a").path
    after = Genuine(sha="f" * 40, runs=2, outcomes={CORE[0]: "failed", E2E[0]: "skipped"}).seal(tmp_path / "b").path
    assert main(["diff", str(before), str(after)]) == 1
    said = capsys.readouterr().out.splitlines()
    for line in (
        "result: the run: PASSED, UNSIGNED -> FAILED, UNSIGNED",
        "commit: tree: 0123456 -> fffffff",
        "gate: core: FULL, passed -> PARTIAL, not passed",
        "claim: AC-1: PASS -> FAIL",
        "claim: AC-2: PASS (stand-in for Grafana) -> FAIL",
        f"test: {CORE[0]} in core: passed -> failed",
        f"test: {E2E[0]} in e2e-compose: passed -> skipped",
        "value: arbitrage_preflight_runs_total on embedded: 1.0 -> 2.0",
        "version: dashboards' server on compose: stand-in -> Grafana 12.4.4 (official image)",
    ):
        assert line in said


def test_what_one_of_them_lacks_is_a_change(tmp_path: Path) -> None:
    """A gate that did not run, with all its tests."""
    before, after = Genuine().seal(tmp_path / "a").path, Genuine(gates=("fast", "core")).seal(tmp_path / "b").path
    said = changes(before, after)
    assert "gate: e2e-compose: FULL, passed -> -" in said
    assert f"test: {E2E[0]} in e2e-compose: passed -> -" in said


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (1.0, 2.5, True),
        (2.5, 1.0, True),
        (0.1, 0.9, False),  # many times as long, and less than a second
        (10.0, 15.0, False),  # seconds, and not twice as long
        (0.0, 1.0, True),
    ],
)
def test_only_what_is_beyond_noise_is_a_change_of_time(before: float, after: float, changed: bool) -> None:
    """Both bounds have to be passed."""
    assert bool(list(beyond_noise({"t": before}, {"t": after}))) is changed


def test_a_slower_test_is_named(tmp_path: Path) -> None:
    """With both times and its gate."""
    before, after = Genuine(), Genuine(seconds={CORE[0]: 5.0})
    said = changes(before.seal(tmp_path / "a").path, after.seal(tmp_path / "b").path)
    assert said == [f"timing: {CORE[0]} in core: 0.3 s -> 15.0 s", f"timing: {CORE[0]} in fast: 0.3 s -> 15.0 s"]


def test_a_changed_bundle_is_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not what was sealed says nothing about a run."""
    bundle = Genuine().seal(tmp_path / "a").path
    (bundle / "fast_gate.log").write_text("x")
    assert main(["diff", str(bundle), str(bundle)]) == 1
    assert "fast_gate.log: " in capsys.readouterr().err
    assert main(["diff", str(bundle), str(tmp_path / "gone")]) in {1, 2}
