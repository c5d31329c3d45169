"""Fixtures for pictures."""

from __future__ import annotations

import pytest

from acceptance.probes.sweep import PanelOutcome
from tests.acceptance.pictures.samples import SAMPLES, committed, outcome_of


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> PanelOutcome:
    """One panel of each kind that the dashboards use, with data."""
    place, values = SAMPLES[request.param]
    return outcome_of(committed(*place), values)
