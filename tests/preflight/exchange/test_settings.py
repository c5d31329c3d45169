from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from acceptance.world.exchanges import ExchangeStandin
from acceptance.world.tls import Authority, TlsProxy
from preflight.conclusion import RunOptions
from preflight.config.sections import DEFAULT_EXCHANGES
from preflight.config.settings import Settings
from preflight.config.sources import load
from preflight.errors import UsageError
from preflight.exchange.client import open_exchange
from preflight.gate import Gate
from preflight.model import Env
from preflight.registry import default_registry

MakeSettings = Callable[..., Settings]

KINDS = ("exchange", "clock", "api_key")


def from_environment(tmp_path: Path, env: str = "paper", **variables: str) -> Settings:
    environ = {f"PREFLIGHT_EXCHANGES__{name}": value for name, value in variables.items()}
    return load({"env": env}, environ=environ, cwd=tmp_path)


def ids(settings: Settings | None = None) -> set[str]:
    return {check.id for check in default_registry(settings).checks if check.id.startswith(KINDS)}


def ids_of(*exchanges: str) -> set[str]:
    return {f"{kind}_{exchange}" for kind in KINDS for exchange in exchanges}


def test_defaults(tmp_path: Path) -> None:
    """Upbit and Binance are there without a word of configuration, each with a symbol that it trades."""
    settings = from_environment(tmp_path)
    assert {name: one.symbols for name, one in settings.exchanges.items()} == {
        "upbit": ("BTC/KRW",),
        "binance": ("BTC/USDT",),
    }
    assert all(one.enabled and one.url is None and one.api_key is None for one in settings.exchanges.values())
    assert not settings.overridden
    assert ids() == ids(settings) == ids_of("upbit", "binance") == ids_of(*DEFAULT_EXCHANGES)


def test_defaults_stay_below_what_is_configured(tmp_path: Path) -> None:
    """One key of an exchange replaces that key only; leaving an exchange out does not switch it off."""
    (tmp_path / "preflight.toml").write_text(
        '[exchanges.binance]\nslow_after = 2\n[exchanges.bybit]\nsymbols = ["BTC/USDT"]\n', encoding="utf-8"
    )
    settings = from_environment(tmp_path, UPBIT__SYMBOLS="BTC/KRW, ETH/KRW,")
    assert settings.exchanges["upbit"].symbols == ("BTC/KRW", "ETH/KRW")
    assert (settings.exchanges["binance"].symbols, settings.exchanges["binance"].slow_after) == (("BTC/USDT",), 2)
    assert ids(settings) == ids_of("upbit", "binance", "bybit")


def test_switched_off(tmp_path: Path) -> None:
    """Where the bot does not trade, nothing is checked."""
    assert ids(from_environment(tmp_path, BINANCE__ENABLED="false")) == ids_of("upbit")
    none = from_environment(tmp_path, BINANCE__ENABLED="false", UPBIT__ENABLED="no")
    assert ids(none) == set()


def refused(tmp_path: Path, env: str, **variables: str) -> str:
    with pytest.raises(UsageError) as caught:
        from_environment(tmp_path, env, **variables)
    return str(caught.value)


@pytest.mark.parametrize(
    ("variables", "left"),
    [
        ({"BINANCE__ENABLED": "false"}, "upbit"),
        ({"BINANCE__ENABLED": "false", "UPBIT__ENABLED": "false"}, "none"),
        ({"BINANCE__ENABLED": "false", "UPBIT__ENABLED": "false", "KRAKEN__SYMBOLS": "BTC/EUR"}, "kraken"),
    ],
)
def test_live_takes_two(variables: Mapping[str, str], left: str, tmp_path: Path) -> None:
    """In live a configuration cannot leave fewer than two exchanges to be checked."""
    assert re.search(rf"live takes two that are enabled.*there is {left}$", refused(tmp_path, "live", **variables))


def test_live_with_two_others(tmp_path: Path) -> None:
    """Which two they are is the operator's to say."""
    settings = from_environment(tmp_path, "live", BINANCE__ENABLED="false", KRAKEN__SYMBOLS="BTC/EUR")
    assert (settings.env, ids(settings)) == (Env.LIVE, ids_of("upbit", "kraken"))


def test_live_and_a_key_for_what_is_off(tmp_path: Path) -> None:
    """Who holds a key for an exchange trades there: switching its checks off is refused in live, without the key."""
    given = {"BINANCE__ENABLED": "false", "KRAKEN__SYMBOLS": "BTC/EUR", "BINANCE__API_KEY": "hunter2-Canary"}
    message = refused(tmp_path, "live", **given)
    assert "exchanges.binance: has an api_key but enabled = false" in message
    assert "hunter2" not in message
    assert ids(from_environment(tmp_path, "paper", **given)) == ids_of("upbit", "kraken")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UPBIT__URL", "api.upbit.com"),
        ("UPBIT__URL", "ftp://127.0.0.1"),
        ("UPBIT__URL", "https://user:secret@127.0.0.1"),
        ("UPBIT__URL", "http://127.0.0.1:8080/v1"),
        ("UPBIT__TIMEOUT", "0"),
        ("UPBIT__NO_WITHDRAW_ATTESTED_ON", "yesterday"),
        ("UPBIT__NONSENSE", "1"),
        ("2UPBIT__SYMBOLS", "BTC/KRW"),
        (f"{'A' * 52}__SYMBOLS", "BTC/KRW"),
        ("UPBIT", "on"),
    ],
)
def test_refused(name: str, value: str, tmp_path: Path) -> None:
    """What cannot be meant is refused, by the name of the variable."""
    assert "PREFLIGHT_EXCHANGES__" in refused(tmp_path, "paper", **{name: value})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", "https://mirror.example"])
def test_override(url: str, make_settings: MakeSettings) -> None:
    """Another endpoint is taken, and known as what is never ready for live."""
    settings = make_settings(exchanges={"upbit": {"url": url}})
    assert (settings.exchanges["upbit"].url, settings.overridden) == (url.rstrip("/"), True)


def test_ids_are_labels(make_settings: MakeSettings) -> None:
    """The longest exchange id that is taken still makes check ids that can be labels."""
    exchanges: dict[str, Any] = {"a" * 51: {"symbols": ["BTC/KRW"]}}
    assert ids_of("a" * 51) <= ids(make_settings(exchanges=exchanges))


def test_x12_one_check_may_take_longer(tmp_path: Path) -> None:
    """A variable sets the timeout of one check; every other keeps its own."""
    environ = {"PREFLIGHT_CHECK_TIMEOUTS__EXCHANGE_UPBIT": "20"}
    settings = load({"env": "paper"}, environ=environ, cwd=tmp_path)
    assert (settings.timeout_of("exchange_upbit", 5), settings.timeout_of("clock_upbit", 5)) == (20, 5)


def test_x12_a_timeout_for_a_check_that_is_none(make_settings: MakeSettings, tmp_path: Path) -> None:
    """A slip in the id is refused before anything runs."""
    settings = make_settings(check_timeouts={"exchange_upbitt": 20})
    gate = Gate(settings=settings, options=RunOptions(), registry=default_registry(settings), environ={}, cwd=tmp_path)
    with pytest.raises(UsageError, match="check_timeouts: there is no check 'exchange_upbitt'"):
        gate.run()


def test_x16_another_region_of_upbit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site of the exchange itself is asked instead of the main one, and that is no override."""
    host = "sg-api.upbit.com"
    settings = from_environment(tmp_path, UPBIT__HOSTNAME=host)
    assert not settings.overridden
    with ExchangeStandin() as standin, TlsProxy(Authority(tmp_path), {host: standin.address}) as proxy:
        for name, value in proxy.environment().items():
            monkeypatch.setenv(name, value)
        with open_exchange("upbit", settings.exchanges["upbit"]) as client:
            assert set(client.markets(("BTC/KRW",))) == {"BTC/KRW"}
        assert proxy.asked == [host]


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"UPBIT__HOSTNAME": "api.upbit.com.example"}, "exchanges.upbit.hostname is not a site of that exchange"),
        ({"BINANCE__HOSTNAME": "api.upbit.com"}, "exchanges.binance.hostname is not a site of that exchange"),
        ({"UPBIT__HOSTNAME": "sg-api.upbit.com", "UPBIT__URL": "https://x"}, "url and hostname are both set"),
    ],
)
def test_x16_no_site_of_the_exchange(variables: Mapping[str, str], says: str, tmp_path: Path) -> None:
    """Any other host is refused: keys would go there, and the run would still call itself ready for live."""
    assert says in refused(tmp_path, "paper", **variables)
