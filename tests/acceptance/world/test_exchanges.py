from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import requests

from acceptance.world.exchanges import ExchangeStandin, ReceivedRequest
from acceptance.world.venue import VenueFault


@pytest.fixture
def standin() -> Iterator[ExchangeStandin]:
    with ExchangeStandin() as server:
        yield server


def get(standin: ExchangeStandin, path: str, **headers: str) -> requests.Response:
    return requests.get(f"{standin.url}{path}", headers=headers, timeout=5)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/v1/orders", "/api/v3/order", "/sapi/v1/capital/withdraw/apply", "/v1/accounts"])
def test_what_acts_is_taken_down_and_refused(method: str, path: str, standin: ExchangeStandin) -> None:
    """Had a check tried to act, the stand-in would know: it notes every method and path, and serves none that acts."""
    answer = requests.request(method, f"{standin.url}{path}", data="x=1", timeout=5)
    exchange = "upbit" if path.startswith("/v1/") else "binance"
    assert (answer.status_code, standin.seen) == (404, [ReceivedRequest(exchange, method, path, standin.url[7:])])


def test_strangers_are_refused_as_the_exchanges_do(standin: ExchangeStandin) -> None:
    """Without a key, both say so in their own words: Upbit by name, Binance by number."""
    upbit = get(standin, "/v1/accounts").json()["error"]["name"]
    malformed = get(standin, "/sapi/v1/account/apiRestrictions").json()["code"]
    unknown = get(standin, "/sapi/v1/account/apiRestrictions", **{"X-MBX-APIKEY": "a" * 64}).json()["code"]
    assert (upbit, malformed, unknown) == ("invalid_access_key", -2014, -2015)


def test_a_signature_counts(standin: ExchangeStandin) -> None:
    """The right key with a wrong signature is not let in, nor is the right one at the wrong time."""
    key = {"X-MBX-APIKEY": standin.binance.api_key}
    now = int(standin.binance.conditions.now() * 1000)
    path = "/sapi/v1/account/apiRestrictions?timestamp={}&signature=00"
    assert get(standin, path.format(now), **key).json()["code"] == -1022
    assert get(standin, path.format(now - 60_000), **key).json()["code"] == -1021
    assert get(standin, path.format(now + 60_000), **key).json()["code"] == -1021


def test_the_clock_is_in_every_answer(standin: ExchangeStandin) -> None:
    """A clock that is ahead shows in Binance's time and in the Date header, not in the other exchange's."""
    before = get(standin, "/api/v3/time")
    standin.binance.conditions.ahead = 3600.0
    after, other = get(standin, "/api/v3/time"), get(standin, "/v1/market/all")
    assert 3_590_000 < after.json()["serverTime"] - before.json()["serverTime"] < 3_700_000
    assert after.headers["Date"] != before.headers["Date"]
    assert other.headers["Date"][:17] == before.headers["Date"][:17]


def test_a_fault_can_concern_one_path(standin: ExchangeStandin) -> None:
    """The rest of the exchange stays as it was, and healing brings all of it back with the same keys."""
    conditions, key = standin.upbit.conditions, standin.upbit.access_key
    conditions.fault, conditions.only = VenueFault.SERVER_ERROR, "/v1/ticker"
    assert get(standin, "/v1/ticker?markets=KRW-BTC").status_code == 500
    assert get(standin, "/v1/market/all").status_code == 200
    standin.heal()
    assert get(standin, "/v1/ticker?markets=KRW-BTC").status_code == 200
    assert standin.upbit.access_key == key


def test_stopping_does_not_wait_for_a_slow_answer() -> None:
    """An answer that is being held back does not hold up the end of a test."""
    standin = ExchangeStandin()
    standin.start()
    standin.upbit.conditions.delay = 60.0
    failed = threading.Event()

    def ask() -> None:
        try:
            get(standin, "/v1/market/all")
        except requests.RequestException:
            failed.set()

    asking = threading.Thread(target=ask)
    asking.start()
    while not standin.seen:
        failed.wait(0.01)
    standin.stop()
    asking.join(5)
    assert not asking.is_alive()


def test_runs_as_a_program() -> None:
    """`python -m` prints the variables that lead preflight there, and ends at SIGTERM."""
    argv = [sys.executable, "-m", "acceptance.world.exchanges"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}) as process:
        assert process.stdout is not None
        words = [shlex.split(process.stdout.readline())[1] for _ in range(10)]
        variables = dict(word.partition("=")[::2] for word in words)
        url = variables["PREFLIGHT_EXCHANGES__BINANCE__URL"]
        assert requests.get(f"{url}/api/v3/time", timeout=5).json()["serverTime"] > 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert {name.removeprefix("PREFLIGHT_EXCHANGES__") for name in variables} == {
        "UPBIT__URL",
        "UPBIT__PLAIN_HTTP",
        "UPBIT__API_KEY",
        "UPBIT__SECRET",
        "UPBIT__NO_WITHDRAW_ATTESTED_ON",
        "UPBIT__NO_WITHDRAW_ATTESTED_FOR",
        "BINANCE__URL",
        "BINANCE__PLAIN_HTTP",
        "BINANCE__API_KEY",
        "BINANCE__SECRET",
    }
