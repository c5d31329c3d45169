from __future__ import annotations

import math

import pytest

from acceptance.dashboards.pictures.units import format_value


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "expected"),
    [
        (0.0, "s", None, "0 s"),
        (0.0000005, "s", None, "0.0000005 s"),
        (0.000031, "s", None, "31 μs"),
        (0.0381, "s", None, "38.1 ms"),
        (0.9997, "s", None, "1 s"),
        (9.5, "s", None, "9.5 s"),
        (1.0, "s", 0, "1 s"),
        (90.0, "s", 0, "1.5 min"),
        (7200.0, "s", None, "2 h"),
        (172800.0, "s", None, "2 d"),
        (-0.5, "s", None, "-500 ms"),
        (250.0, "ms", None, "250 ms"),
        (28.31, "suffix: bps", 1, "28.3 bps"),
        (-13.62, "suffix: bps", None, "-13.6 bps"),
        (1392.81, "currencyKRW", 2, "₩1,392.81"),
        (-2500000.0, "currencyKRW", None, "-₩2.5M"),
        (0.125, "percentunit", 1, "12.5%"),
        (12.5, "percent", None, "12.5%"),
        (1500.0, "short", None, "1.5K"),
        (12.0, "cpm", None, "12 /min"),
        (18.33, "ops", None, "18.3 ops/s"),
        (3.0, "none", 0, "3"),
        (1234567.0, "", None, "1,234,567"),
        (2048.0, "bytes", None, "2 KiB"),
        (-0.0, "none", 1, "0.0"),
        (-0.0001, "none", 1, "0.0"),
        (5.0, "unheardof", None, "5 unheardof"),
        (math.nan, "s", None, "NaN"),
        (math.inf, "s", None, "∞"),
        (-math.inf, "none", None, "-∞"),
    ],
)
def test_a_number_is_written_with_its_unit(value: float, unit: str, decimals: int | None, expected: str) -> None:
    """Each unit that a dashboard uses is written shortly and exactly; an unknown one is kept, not dropped."""
    assert format_value(value, unit, decimals) == expected
