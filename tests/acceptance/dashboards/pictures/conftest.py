"""Fixtures for pictures."""

from __future__ import annotations

import pytest

from acceptance.proof.sweep import PanelOutcome
from tests.acceptance.dashboards.pictures.samples import SAMPLES, committed, outcome_of


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> PanelOutcome:
    """One panel of each kind that the dashboards use, with data."""
    place, values = SAMPLES[request.param]
    return outcome_of(committed(*place), values)
