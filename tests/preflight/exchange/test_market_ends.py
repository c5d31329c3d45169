"""X17: the end of a market, in whatever field its exchange tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from preflight.exchange.market_ends import end_of

NOW = 1_800_000_000.0
IN_30_DAYS = NOW + 30 * 86_400
DAY = f"{datetime.fromtimestamp(IN_30_DAYS, UTC):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("raw", "notice"),
    [
        ({"expTime": str(int(IN_30_DAYS * 1000))}, f"is delisted on {DAY} UTC"),  # OKX
        ({"delisting_time": int(IN_30_DAYS)}, f"is delisted on {DAY} UTC"),  # Gate
        ({"offTime": str(int(IN_30_DAYS * 1000))}, f"is delisted on {DAY} UTC"),  # Bitget
        ({"deliveryTime": str(int(IN_30_DAYS * 1000))}, f"is delisted on {DAY} UTC"),  # Bybit, of a perpetual contract
        ({"delistedAt": datetime.fromtimestamp(IN_30_DAYS, UTC).isoformat()}, f"is delisted on {DAY} UTC"),
        ({"in_delisting": True}, "is being delisted"),
        ({"stTag": "1"}, "is marked for special treatment"),  # Bybit, as KuCoin `st`, Gate `st_tag`, HTX `tags`
        ({"st": True}, "is marked for special treatment"),
        ({"tags": "hadax,st"}, "is marked for special treatment"),
        ({"st_tag": True, "delisting_time": int(IN_30_DAYS)}, f"is delisted on {DAY} UTC"),
        ({"expTime": "", "offTime": "-1", "delisting_time": 0, "stTag": "0", "st": False, "tags": ""}, ""),
        ({"deliveryDate": 4133404800000}, ""),  # Binance, of what has no end
        ({"deliveryTime": "08:00"}, ""),
        ("no object", ""),
    ],
)
def test_x17_a_market_tells_its_end(raw: Any, notice: str) -> None:
    """With the date where there is one."""
    end = end_of({"info": raw}, NOW)
    told = "" if end is None else end.notice(NOW)
    assert (told.startswith(notice), bool(told), end is not None and end.is_past(NOW)) == (True, bool(notice), False)


@pytest.mark.parametrize(("days", "past", "told"), [(60, False, False), (3, False, True), (-1, True, True)])
def test_x17_a_contract_ends_by_its_nature(days: int, past: bool, told: bool) -> None:
    """Its delivery is told a week before; the same time under the exchange's own name is no delisting."""
    ms = int((NOW + timedelta(days=days).total_seconds()) * 1000)
    end = end_of({"expiry": ms, "info": {"expTime": str(ms)}}, NOW)
    assert end is not None
    assert (end.is_past(NOW), bool(end.notice(NOW)), end.by_nature) == (past, told, True)


def test_x17_what_has_ended_comes_first() -> None:
    """A mark beside it does not hide that a market has ended."""
    end = end_of({"info": {"in_delisting": "true", "st": "1", "delistTime": NOW - 60}}, NOW)
    assert end is not None
    assert end.is_past(NOW)


@pytest.mark.parametrize("value", ["soon", "9" * 16, "2026-13-45"])
def test_x17_an_end_that_is_no_time(value: str) -> None:
    """It is not taken for none."""
    with pytest.raises(ValueError, match=r"."):
        end_of({"info": {"delist_time": value}}, NOW)
