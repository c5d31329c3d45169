"""One KRW rate for USDT out of several sources. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final

__all__ = ["FX_PAIR", "FX_SOURCES", "FxRate", "FxView", "consensus"]

FX_PAIR: Final = "USDT/KRW"
FX_SOURCES: Final = ("upbit", "bithumb", "coinone")  # Korean venues that trade the pair


@dataclass(frozen=True, slots=True, kw_only=True)
class FxRate:
    """One source's last rate."""

    rate: float  # KRW for one USDT
    received: float  # monotonic seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FxView:
    """What the sources say together."""

    rate: float | None  # median of the fresh rates; None without any
    divergence_bps: float  # largest against smallest fresh rate; 0 for fewer than two


def consensus(rates: Mapping[str, FxRate], *, now: float, max_age: float) -> FxView:
    """Return the median of the rates that are at most ``max_age`` seconds old at monotonic second ``now``.

    A rate that is not positive and finite counts as absent: one broken source must not move the median.
    """
    fresh = [
        entry.rate
        for entry in rates.values()
        if now - entry.received <= max_age and math.isfinite(entry.rate) and entry.rate > 0
    ]
    if not fresh:
        return FxView(rate=None, divergence_bps=0.0)
    return FxView(rate=median(fresh), divergence_bps=(max(fresh) / min(fresh) - 1.0) * 10_000.0)
