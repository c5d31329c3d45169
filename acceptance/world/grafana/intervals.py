"""Steps and interval variables, by the rules that Grafana documents for its Prometheus datasource.

The step is the range by the number of points, rounded to a plain length, never below the smallest step: the query's
own ``interval``, else what the panel asked for, else the datasource's scrape interval. ``$__rate_interval`` is the
larger of step plus scrape interval and four scrape intervals.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from acceptance.world.grafana.provisioning.durations import seconds

__all__ = ["QueryStep", "go_duration"]

_MOST_POINTS = 11_000  # what Prometheus gives a series at most
_MACRO = re.compile(
    r"\$(?:__(rate_interval|interval_ms|interval|range_ms|range_s|range)\b"
    r"|\{__(rate_interval|interval_ms|interval|range_ms|range_s|range)\})"
)
# Milliseconds: below the bound, the step beside it.
_BOUNDS: tuple[int, ...] = (
    10,
    15,
    35,
    75,
    150,
    350,
    750,
    1500,
    3500,
    7500,
    12_500,
    17_500,
    25_000,
    45_000,
    90_000,
    210_000,
)
_BOUNDS += (450_000, 750_000, 1_050_000, 1_500_000, 2_700_000, 5_400_000, 9_000_000, 16_200_000, 32_400_000)
_BOUNDS += (86_400_000,)
_STEPS: tuple[int, ...] = (
    1,
    10,
    20,
    50,
    100,
    200,
    500,
    1000,
    2000,
    5000,
    10_000,
    15_000,
    20_000,
    30_000,
    60_000,
    120_000,
    300_000,
)
_STEPS += (600_000, 900_000, 1_200_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000)


def go_duration(milliseconds: int) -> str:
    """Write a step as Grafana, a Go program, does in ``executedQueryString``: ``15s``, ``2m24s``, ``500ms``."""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    ahead = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{ahead}{rest / 1000:g}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryStep:
    """The step of one query over one range, all in milliseconds."""

    step: int
    scrape: int
    start: int
    end: int

    @classmethod
    def of(cls, *, start: int, end: int, points: int, wanted: int, own: str, scrape: float) -> QueryStep:
        """Find the step.

        Args:
            start: Of the range, Unix milliseconds.
            end: Of the range, Unix milliseconds.
            points: ``maxDataPoints``; 0 where the query says nothing.
            wanted: ``intervalMs``; 0 where the query says nothing.
            own: The query's ``interval``, e.g. ``30s``; "" where it says nothing.
            scrape: The datasource's scrape interval, seconds.

        Raises:
            ValueError: ``own`` is no length of time.
        """
        minimum = round(seconds(own) * 1000) if own else wanted or round(scrape * 1000)
        counted = _rounded((end - start) / (points or 100))
        safe = -(-(end - start) // _MOST_POINTS)
        return cls(
            step=max(counted, minimum, safe, 1),
            scrape=minimum if own else round(scrape * 1000),
            start=start,
            end=end,
        )

    @property
    def rate_interval(self) -> int:
        """``$__rate_interval``."""
        return max(self.step + self.scrape, 4 * self.scrape)

    @property
    def floored(self) -> tuple[int, int]:
        """Start and end of a range query: whole steps, so that two refreshes ask for the same points."""
        return self.start // self.step * self.step, self.end // self.step * self.step

    def fill(self, expr: str) -> str:
        """Put values in for Grafana's own variables; others are left as they are."""
        span = self.end - self.start
        values = {
            "rate_interval": _promql(self.rate_interval),
            "interval": _promql(self.step),
            "interval_ms": str(self.step),
            "range": _promql(max(span, 1000)),
            "range_s": str(round(span / 1000)),
            "range_ms": str(span),
        }
        return _MACRO.sub(lambda found: values[found[1] or found[2]], expr)


def _promql(milliseconds: int) -> str:
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def _rounded(milliseconds: float) -> int:
    place = bisect_right(_BOUNDS, milliseconds)
    return _STEPS[place] if place < len(_STEPS) else 86_400_000
