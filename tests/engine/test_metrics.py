from __future__ import annotations

import math
import re

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from engine.metrics import CATALOGUE, MAX_SYMBOLS, EngineMetrics, exposition

# The design's table, typed by hand: a name that changes in the code must change here on purpose.
DESIGN = """
arbitrage_engine_info{version,mode} gauge
arbitrage_engine_heartbeat_timestamp_seconds gauge
arbitrage_engine_read_only gauge
arbitrage_engine_kill_switch gauge
arbitrage_engine_dependency_up{dependency} gauge
arbitrage_engine_loop_duration_seconds histogram
arbitrage_quote_updates_total{exchange,symbol} counter
arbitrage_quote_age_seconds{exchange,symbol} gauge
arbitrage_spread_bps{symbol,direction} gauge
arbitrage_opportunities_total{symbol} counter
arbitrage_trades_total{symbol,outcome} counter
arbitrage_open_positions{symbol} gauge
arbitrage_position_notional_krw{symbol} gauge
arbitrage_realized_pnl_krw gauge
arbitrage_unrealized_pnl_krw gauge
arbitrage_daily_loss_krw gauge
arbitrage_daily_loss_limit_krw gauge
arbitrage_order_notional_limit_krw gauge
arbitrage_risk_blocks_total{reason} counter
arbitrage_fx_rate{pair,source} gauge
arbitrage_fx_age_seconds{pair,source} gauge
"""


def metrics(symbols: int = 2) -> EngineMetrics:
    return EngineMetrics(
        symbols=[f"S{number}" for number in range(symbols)],
        exchanges=["upbit", "binance"],
        directions=["upbit_to_binance", "binance_to_upbit"],
        outcomes=["win", "loss"],
        reasons=["kill_switch"],
        fx=[("USDT/KRW", "upbit")],
    )


def rendered(one: EngineMetrics) -> str:
    return generate_latest(exposition(one.registry)).decode()


def test_the_catalogue_is_the_designs_table() -> None:
    """Names, labels and types are exactly the contract's, no more and no less."""
    wanted = {}
    for name, labels, kind in re.findall(r"^(\w+)(?:\{([\w,]+)\})? (\w+)$", DESIGN, re.MULTILINE):
        wanted[name] = (kind, tuple(labels.split(",")) if labels else ())
    assert {spec.name: (spec.kind, spec.labels) for spec in CATALOGUE} == wanted


def test_what_is_served_is_what_the_catalogue_says() -> None:
    """A scrape shows every sample name of the catalogue with its type, and no other."""
    one = metrics()
    one.set("engine_info", 1, "1", "paper")
    families = {family.name: family for family in text_string_to_metric_families(rendered(one))}
    names = {sample.name for family in families.values() for sample in family.samples}
    assert names == {series for spec in CATALOGUE for series in spec.series}
    for spec in CATALOGUE:
        assert families[spec.name.removesuffix("_total")].type == spec.kind
        assert families[spec.name.removesuffix("_total")].documentation == spec.help


def test_every_series_is_there_with_nothing_before_its_first_event() -> None:
    """The first increment is visible to rate(), since its series was scraped as 0 before."""
    for family in text_string_to_metric_families(rendered(metrics())):
        if family.name not in {"arbitrage_engine_info", "arbitrage_fx_rate"}:
            assert family.samples, family.name
            assert {sample.value for sample in family.samples} == {0.0}


def test_a_rate_that_never_came_is_not_a_number() -> None:
    """A source that has not answered yet is there, and neither its rate nor a median over it is 0."""
    assert 'arbitrage_fx_rate{pair="USDT/KRW",source="upbit"} NaN' in rendered(metrics())


def test_no_created_series() -> None:
    """The client library's _created series are not served: nobody reads them, and promtool would ask."""
    assert "_created" not in rendered(metrics())


def test_the_number_of_series_is_bounded() -> None:
    """With ten symbols a scrape stays under 250 lines of samples."""
    lines = [line for line in rendered(metrics(MAX_SYMBOLS)).splitlines() if not line.startswith("#")]
    assert len(lines) < 250


def test_a_followed_gauge_is_read_at_each_scrape() -> None:
    """An age is computed when asked for, so it grows although the loop stands still."""
    one = metrics()
    ages = iter((1.0, 2.0))
    one.follow("fx_age_seconds", lambda: next(ages), "USDT/KRW", "upbit")
    labels = {"pair": "USDT/KRW", "source": "upbit"}
    assert one.registry.get_sample_value("arbitrage_fx_age_seconds", labels) == 1.0
    assert one.registry.get_sample_value("arbitrage_fx_age_seconds", labels) == 2.0


def test_an_unknown_spread_is_not_a_number() -> None:
    """NaN goes through to the scrape as NaN: a stale spread must not look like a spread."""
    one = metrics()
    one.set("spread_bps", math.nan, "S0", "upbit_to_binance")
    assert 'arbitrage_spread_bps{direction="upbit_to_binance",symbol="S0"} NaN' in rendered(one)


def test_misuse_of_a_name_is_an_error() -> None:
    """A counter cannot be set, nor a gauge counted."""
    with pytest.raises(AssertionError):
        metrics().set("opportunities_total", 3, "S0")
    with pytest.raises(AssertionError):
        metrics().count("open_positions", "S0")
