"""Upbit and Binance through ccxt: their stand-ins, or the real ones with `make acceptance LIVE_EXCHANGES=1`."""

from __future__ import annotations

import os

import pytest

from acceptance.world.live import LiveWorld

pytestmark = pytest.mark.own_stack

PUBLIC = ("exchange_upbit", "exchange_binance", "clock_upbit", "clock_binance")


def test_exchanges_answer(live_world: LiveWorld) -> None:
    """Both are reachable, trade the default symbols, and this machine's clock agrees with theirs; no key is used."""
    real = os.environ.get("LIVE_EXCHANGES") == "1"
    kept = ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "REQUESTS_CA_BUNDLE")
    outside = {name: os.environ[name] for name in kept if name in os.environ}
    standins = {f"PREFLIGHT_EXCHANGES__{name}__URL": live_world.exchanges.url for name in ("UPBIT", "BINANCE")}
    run = live_world.preflight(
        "--env", "paper", "--only", ",".join(PUBLIC), env=outside if real else {**standins, "no_proxy": "127.0.0.1"}
    )
    told = {check["id"]: (check["status"], check["summary"]) for check in run.report["checks"]}
    assert {name: status for name, (status, _) in told.items()} == dict.fromkeys(PUBLIC, "pass"), told
