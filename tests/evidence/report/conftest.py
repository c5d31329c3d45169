"""Bundles whose reports are looked at, made once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidence.bundle.snapshot import Snapshot
from evidence.report import of_bundle
from tests.evidence.genuine import E2E, Genuine

PANELS = "acceptance/test_dashboard.py::test_panel_shows_this_runs_value"
RUNS = {
    "passed": Genuine(own_claims=True),
    "standin": Genuine(own_claims=True, grafana={"compose": "embedded"}),
    "failed": Genuine(own_claims=True, outcomes={E2E[0]: "failed", PANELS: "failed"}),
    "e2e": Genuine(own_claims=True, gates=("e2e-embedded",)),
}  # fmt: skip


@pytest.fixture(scope="session")
def bundle_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The sealed bundle of one of `RUNS`."""
    made: dict[str, Path] = {}

    def bundle(name: str) -> Path:
        if name not in made:
            made[name] = RUNS[name].seal(tmp_path_factory.mktemp(name)).path
        return made[name]

    return bundle


@pytest.fixture(scope="session")
def shown_of(bundle_of: Callable[[str], Path]) -> Callable[[str], tuple[dict[str, Any], Snapshot]]:
    """What a report of it shows."""
    return lambda name: of_bundle(bundle_of(name))
