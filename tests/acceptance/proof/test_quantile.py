from __future__ import annotations

import math

import pytest

from acceptance.proof.quantile import bucket_quantile


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ({1.0: 1, 2.0: 1, math.inf: 1}, 0.95),
        ({1.0: 0, 2.0: 1, math.inf: 1}, 1.95),
        ({1.0: 2, 2.0: 3, math.inf: 3}, 1.85),
        ({1.0: 0, 2.0: 0, math.inf: 1}, 2.0),
    ],
)
def test_it_lies_where_the_rank_lies_in_its_bucket(buckets: dict[float, float], expected: float) -> None:
    """By linear interpolation, with 0 as the lowest end, and the highest finite bound for what is beyond it."""
    assert bucket_quantile(0.95, buckets) == pytest.approx(expected)


def test_nothing_observed_has_no_quantile() -> None:
    """As in Prometheus."""
    assert math.isnan(bucket_quantile(0.95, {1.0: 0, math.inf: 0}))
