"""Writes samples for a Prometheus so that it has the series that a recorded Grafana saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# The recorded Prometheus scraped once a second, and had begun to between these two recorded points.
_FIRST, _LAST = 1795713761, 1795713805
_BEFORE_NOW = 200  # seconds: for those who ask of now
_NAMED = {
    "rate_interval_macro": "arbitrage_quote_updates_total",
    "heatmap": "arbitrage_preflight_duration_seconds_bucket",
}


def exposition(queries: Mapping[str, Mapping[str, Any]], now: int) -> str:
    """Give OpenMetrics text with every series that the recording names, and as many more as it counts.

    They have samples at the recorded time, and in the minutes before ``now``.
    """
    series = {text: None for case, recorded in queries.items() for text in _series(case, recorded)}
    seconds = (*range(_FIRST, _LAST + 1), *range(now - _BEFORE_NOW, now + 1))
    lines = [f"{text} {number} {second}" for text in sorted(series) for number, second in enumerate(seconds, 1)]
    return "\n".join([*lines, "# EOF\n"])


def _series(case: str, recorded: Mapping[str, Any]) -> Iterator[str]:
    for result in recorded["answer"].get("results", {}).values():
        more = sum(int(text.split()[1]) for text in result["frames"] if isinstance(text, str))
        fields = [field for frame in result["frames"] if isinstance(frame, dict) for field in frame["schema"]["fields"]]
        series = [field["labels"] for field in fields if "labels" in field]
        for labels in series:
            if name := _NAMED.get(case) or labels.get("__name__"):
                yield _text(name, labels)
        if more and case != "both":  # there, the others are the same series again, as a range
            name = _NAMED.get(case) or series[-1]["__name__"]
            changed = next(key for key in ("le", "symbol", "check") if key in series[-1])
            for number in range(1, more + 1):
                yield _text(name, {**series[-1], changed: str(number)})


def _text(name: str, labels: Mapping[str, str]) -> str:
    pairs = [f'{key}="{value}"' for key, value in labels.items() if key != "__name__"]
    return f"{name}{{{','.join(pairs)}}}"
