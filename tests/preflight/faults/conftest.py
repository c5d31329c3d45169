"""The stand-ins that the rows of the fault matrix are run against."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from acceptance.world.binance import Binance
from acceptance.world.exchanges import ExchangeStandin
from acceptance.world.tls import Authority, TlsProxy
from acceptance.world.upbit import Upbit
from tests.preflight.faults.exchange_world import World, world_settings

HOSTS = ("api.upbit.com", "api.binance.com")


@pytest.fixture(scope="module")  # not longer: its threads would disturb who counts files and children
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ExchangeStandin, TlsProxy]]:
    authority = Authority(tmp_path_factory.mktemp("ca"))
    with ExchangeStandin() as standin, TlsProxy(authority, dict.fromkeys(HOSTS, standin.address)) as proxy:
        yield standin, proxy


@pytest.fixture
def world(_servers: tuple[ExchangeStandin, TlsProxy], monkeypatch: pytest.MonkeyPatch) -> World:
    """Both exchanges on a good day, in a process that knows no proxy."""
    standin, proxy = _servers
    standin.upbit, standin.binance = Upbit(), Binance()
    standin.seen.clear()
    proxy.asked.clear()
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return World(standin=standin, proxy=proxy, exchanges=world_settings(standin))
