from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from preflight.exchange.market_life import why_lifeless


@pytest.mark.parametrize(
    ("ticker", "why"),
    [
        ({"last": 0.00000001}, ""),
        ({"last": 1}, ""),
        ({"last": 0}, "no price"),
        ({"last": 0.0}, "no price"),
        ({"last": -1.0}, "no price"),
        ({"last": None}, "no price"),
        ({"last": "1.0"}, "no price"),
        ({"last": math.nan}, "no price"),
        ({"last": math.inf}, "no price"),
        ({"last": True}, "no price"),
        ({"last": 1.0, "baseVolume": math.nan}, "no trade in 24 hours"),
        ({}, "no price"),
        (None, "no price"),
        ({"last": 1.0, "baseVolume": 0.5, "info": {"count": 1}}, ""),
        ({"last": 1.0, "baseVolume": None, "info": []}, ""),
        ({"last": 1.0, "baseVolume": 0.0}, "no trade in 24 hours"),
        ({"last": 1.0, "baseVolume": 0.5, "info": {"count": 0}}, "no trade in 24 hours"),
        ({"last": 1.0, "info": {"count": "0"}}, "no trade in 24 hours"),
    ],
)
def test_what_a_ticker_shows(ticker: Mapping[str, Any] | None, why: str) -> None:
    """A price above 0 and a trade within the day are trading; a price of 0 is none."""
    assert why_lifeless(ticker) == why
