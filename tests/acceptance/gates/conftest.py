from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.gates import sample as samples


@pytest.fixture
def sample(tmp_path: Path) -> samples.Sample:
    """A small project whose gate passes until something is done to it."""
    return samples.make(tmp_path)
