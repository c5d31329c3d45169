from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from acceptance.world.exchanges import ExchangeStandin
from acceptance.world.tls import Authority, TlsProxy

HOST = "api.binance.com"


@pytest.fixture
def standin() -> Iterator[ExchangeStandin]:
    with ExchangeStandin() as server:
        yield server


@pytest.fixture
def proxy(standin: ExchangeStandin, tmp_path: Path) -> Iterator[TlsProxy]:
    with TlsProxy(Authority(tmp_path), {HOST: standin.address}) as proxy:
        yield proxy


def get(proxy: TlsProxy, url: str, verify: str | None = None) -> requests.Response:
    ca = verify or str(proxy.authority.ca_file)
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, proxies={"https": proxy.url}, verify=ca, timeout=5)


def test_stands_in_under_the_real_name(proxy: TlsProxy, standin: ExchangeStandin) -> None:
    """Whoever trusts the test CA reaches the stand-in by the exchange's own name, over TLS."""
    answer = get(proxy, f"https://{HOST}/api/v3/time")
    assert answer.json()["serverTime"] > 0
    assert ([seen.host for seen in standin.seen], proxy.asked) == ([HOST], [HOST])


def test_others_do_not_believe_it(proxy: TlsProxy, standin: ExchangeStandin, tmp_path: Path) -> None:
    """Whoever trusts another CA gets no further than the handshake."""
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    with pytest.raises(requests.exceptions.SSLError):
        get(proxy, f"https://{HOST}/api/v3/time", verify=str(other.ca_file))
    assert standin.seen == []


def test_nothing_leaves_this_machine(proxy: TlsProxy, standin: ExchangeStandin) -> None:
    """A host that nobody stands in for is refused, not looked up."""
    with pytest.raises(requests.exceptions.ProxyError):
        get(proxy, "https://example.org/")
    assert (proxy.asked, standin.seen) == (["example.org"], [])


def test_large_answers_arrive_whole(proxy: TlsProxy, standin: ExchangeStandin) -> None:
    """What is longer than one TLS record arrives as it was sent, on a connection that is used again."""
    standin.upbit.prices = {}
    standin.binance.prices = {f"COIN{number}USDT": 1.0 for number in range(2000)}
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(2):
            url = f"https://{HOST}/api/v3/exchangeInfo"
            answer = session.get(url, proxies={"https": proxy.url}, verify=str(proxy.authority.ca_file), timeout=10)
            assert len(answer.json()["symbols"]) == 2000
    assert proxy.asked == [HOST]
