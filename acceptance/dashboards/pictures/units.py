"""Writes numbers with Grafana's units, short enough for an axis and exact enough for a decision."""

from __future__ import annotations

import math

__all__ = ["format_value"]

_SECONDS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "μs"))
_THOUSANDS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
_BYTES = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))
_CURRENCIES = {"currencyKRW": "₩", "currencyUSD": "$"}
_SCALES = {
    "s": (1.0, _SECONDS, " s"),
    "ms": (1e-3, _SECONDS, " s"),
    "bytes": (1.0, _BYTES, " B"),
    "decbytes": (1.0, _BYTES, " B"),
    "short": (1.0, _THOUSANDS, ""),
}
_SUFFIXES = {
    "": (1.0, ""),
    "none": (1.0, ""),
    "percent": (1.0, "%"),
    "percentunit": (100.0, "%"),
    "cpm": (1.0, " /min"),
    "cps": (1.0, " /s"),
    "ops": (1.0, " ops/s"),
    "reqps": (1.0, " req/s"),
}


def format_value(value: float, unit: str = "", decimals: int | None = None) -> str:
    """Write one number.

    Args:
        value: May be NaN or infinite.
        unit: Grafana's name of a unit: `s`, `percentunit`, `currencyKRW`, `suffix: bps` and so on. One that is
            not known here is written behind the number, so that it is never silently dropped.
        decimals: Digits behind the point; as many as three significant digits need where it is None.
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    if unit in _SCALES:
        factor, scale, base = _SCALES[unit]
        return _scaled(value * factor, scale, decimals, space=" " if base else "", base=base)
    if unit in _CURRENCIES:
        sign = "-" if value < 0 else ""
        return f"{sign}{_CURRENCIES[unit]}{_scaled(abs(value), _THOUSANDS, decimals, at_least=1e5)}"
    factor, label = _SUFFIXES.get(unit, (1.0, f" {unit.removeprefix('suffix:').strip()}"))
    return f"{_plain(value * factor, decimals)}{label}".rstrip()


def _scaled(
    value: float,
    scale: tuple[tuple[float, str], ...],
    decimals: int | None,
    *,
    space: str = "",
    base: str = "",
    at_least: float = 0.0,
) -> str:
    """Write a value in the largest unit of `scale` (largest first) that it fills; below `at_least` in none."""
    size = abs(value)
    for factor, name in scale if size >= at_least else ():
        # Half a digit below, or 999.9 ms would be written as 1000 ms.
        if size >= factor * 0.9995:
            # Decimals are meant for the base unit: 90 seconds without decimals are still 1.5 min.
            kept = decimals if factor == 1.0 else None
            return f"{_plain(value / factor, kept)}{space}{name}"
    return f"{_plain(value, decimals)}{base}"


def _plain(value: float, decimals: int | None) -> str:
    if decimals is None:
        decimals = 0 if value == 0 or abs(value) >= 1000 else max(0, 2 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{min(decimals, 9)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{value:,.{decimals}f}"
    return "0" + text[2:] if text.startswith("-0") and not text.strip("-0.,") else text
