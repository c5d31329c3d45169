from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from preflight.exchange.market_life import why_closed, why_lifeless


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
        ({"last": 1.0, "baseVolume": -1.0}, "no trade in 24 hours"),
        ({"last": 1.0, "quoteVolume": 0}, "no trade in 24 hours"),
        ({"last": 10**400}, "no price"),
        ({"last": 1.0, "baseVolume": 0.5, "info": {"count": 0}}, "no trade in 24 hours"),
        ({"last": 1.0, "info": {"count": "0"}}, "no trade in 24 hours"),
    ],
)
def test_what_a_ticker_shows(ticker: Mapping[str, Any] | None, why: str) -> None:
    """A price above 0 and a trade within the day are trading; a price of 0 is none."""
    assert why_lifeless(ticker) == why


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ({"isSpotTradingAllowed": False}, "spot trading not allowed"),
        ({"isSpotTradingAllowed": "false"}, "spot trading not allowed"),
        ({"trading_disabled": True}, "not active"),
        ({"view_only": True}, "can only be looked at"),
        ({"cancel_only": "true"}, "takes cancellations only"),
        ({"auction_mode": True}, "in an auction"),
        ({"maintenance_status": 1}, "in maintenance"),
        ({"trade_status": "0"}, "not active"),
        ({"trade_status": "tradable", "maintenance_status": 0, "cancel_only": False, "isSpotTradingAllowed": True}, ""),
        (["no object"], ""),
    ],
)
def test_x3_a_market_that_takes_no_order(raw: Any, why: str) -> None:
    """Listed, and active by ccxt's word, but shut by the exchange's own."""
    assert why_closed({"active": True, "info": raw}) == why
