"""What `histogram_quantile` should say, computed a second time from a report's own numbers.

The rule is Prometheus': linear interpolation inside the bucket that holds the wanted rank, 0 as the lower end of
the first one, and the highest finite bound when the rank lies in `+Inf`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping


def bucket_quantile(quantile: float, buckets: Mapping[float, float]) -> float:
    """Give the quantile of a histogram.

    Args:
        quantile: 0 to 1.
        buckets: Upper bound -> cumulative count; `inf` must be there.

    Returns:
        Seconds, or NaN where nothing was observed.
    """
    bounds = sorted(buckets)
    total = buckets[math.inf]
    if total == 0:
        return math.nan
    rank = quantile * total
    place = next(index for index, bound in enumerate(bounds) if buckets[bound] >= rank)
    if bounds[place] == math.inf:
        return bounds[place - 1]
    lower, below = (bounds[place - 1], buckets[bounds[place - 1]]) if place else (0.0, 0.0)
    return lower + (bounds[place] - lower) * (rank - below) / (buckets[bounds[place]] - below)
