"""How each fault of an exchange is made on its stand-in."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from acceptance.world.exchanges import ExchangeStandin
from acceptance.world.tls import TlsProxy
from acceptance.world.venue import VenueConditions, VenueFault


@dataclass(slots=True, kw_only=True)
class World:
    """Stand-ins and settings of one row: what `arrange` changes."""

    standin: ExchangeStandin
    proxy: TlsProxy  # speaks TLS as the exchanges' own hosts
    exchanges: dict[str, dict[str, Any]]  # the settings' table, its URLs leading to the stand-in
    settings: dict[str, Any] = field(default_factory=dict)  # further tables
    variables: dict[str, str] = field(default_factory=dict)  # of the process that asks

    def conditions(self, exchange: str) -> VenueConditions:
        """Give what can be changed about either exchange."""
        return self.standin.upbit.conditions if exchange == "upbit" else self.standin.binance.conditions


Arrange = Callable[[World], None]


# ---- faults that every check of an exchange meets


def fault(kind: VenueFault, exchange: str) -> Arrange:
    def arrange(world: World) -> None:
        world.conditions(exchange).fault = kind

    return arrange


def setting(exchange: str, **given: Any) -> Arrange:
    def arrange(world: World) -> None:
        world.exchanges[exchange].update(given)

    return arrange


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def refused(exchange: str) -> Arrange:
    return lambda world: world.exchanges[exchange].update(url=f"https://127.0.0.1:{closed_port()}")


def unknown_name(exchange: str) -> Arrange:
    """Lead to a host that does not exist, and past any proxy: RFC 6761 keeps `.invalid` free of hosts."""

    def arrange(world: World) -> None:
        world.exchanges[exchange].update(url=f"https://{exchange}.invalid")
        world.variables["no_proxy"] = "127.0.0.1,localhost,.invalid"

    return arrange


def names_are_answered() -> bool:
    """Tell whether the name server says of a name that there is no such host, rather than nothing."""
    try:
        socket.getaddrinfo("upbit.invalid", 1)
    except socket.gaierror as e:
        return e.errno == socket.EAI_NONAME
    return False


def silent(exchange: str) -> Arrange:
    def arrange(world: World) -> None:
        world.conditions(exchange).delay = 5.0
        world.exchanges[exchange]["timeout"] = 0.2

    return arrange


def by_proxy(exchange: str, *, trusted: bool) -> Arrange:
    """Go to the exchange's own URL through the proxy."""

    def arrange(world: World) -> None:
        world.exchanges[exchange].pop("url", None)
        world.variables.update(world.proxy.environment())
        if not trusted:
            del world.variables["REQUESTS_CA_BUNDLE"]

    return arrange


def no_tls(exchange: str) -> Arrange:
    return lambda world: world.exchanges[exchange].update(url=world.standin.url.replace("http:", "https:"))


def dead_proxy(exchange: str) -> Arrange:
    def arrange(world: World) -> None:
        world.exchanges[exchange].pop("url", None)
        world.variables["https_proxy"] = f"http://127.0.0.1:{closed_port()}"

    return arrange


def by_variable(exchange: str, name: str, value: str) -> Arrange:
    """Go to the exchange's own URL with a variable that lets nothing out."""

    def arrange(world: World) -> None:
        by_proxy(exchange, trusted=True)(world)
        world.variables[name] = value

    return arrange


# ---- faults of one check


def upbit(**given: Any) -> Arrange:
    def arrange(world: World) -> None:
        for name, value in given.items():
            setattr(world.standin.upbit, name, value)

    return arrange


def binance(**given: Any) -> Arrange:
    def arrange(world: World) -> None:
        for name, value in given.items():
            setattr(world.standin.binance, name, value)

    return arrange


def key_after(text: str) -> Arrange:
    return lambda world: world.exchanges["upbit"].update(api_key=text + world.standin.upbit.access_key)


def secret_before(text: str) -> Arrange:
    return lambda world: world.exchanges["binance"].update(secret=world.standin.binance.secret_key + text)


def rights(**given: bool) -> Arrange:
    return lambda world: world.standin.binance.rights.update(given)


def ahead(exchange: str, seconds: float) -> Arrange:
    def arrange(world: World) -> None:
        world.conditions(exchange).ahead = seconds

    return arrange


def both(first: Arrange, second: Arrange) -> Arrange:
    def arrange(world: World) -> None:
        first(world)
        second(world)

    return arrange


def slow(exchange: str, seconds: float, **given: Any) -> Arrange:
    def arrange(world: World) -> None:
        world.conditions(exchange).delay = seconds
        world.exchanges[exchange].update(given)

    return arrange


def slow_for_clock(world: World) -> None:
    world.conditions("binance").delay = 0.3
    world.settings["clock"] = {"warn_ms": 20, "fail_ms": 100, "samples": 1}


def attested(days_ago: int | None) -> Arrange:
    def arrange(world: World) -> None:
        day = None if days_ago is None else (datetime.now(UTC) - timedelta(days=days_ago)).date()
        world.exchanges["upbit"]["no_withdraw_attested_on"] = day

    return arrange


def attested_for(fingerprint: str | None) -> Arrange:
    return lambda world: world.exchanges["upbit"].update(no_withdraw_attested_for=fingerprint)


def trading_ends(days: float) -> Arrange:
    def arrange(world: World) -> None:
        world.standin.binance.more["tradingAuthorityExpirationTime"] = int((time.time() + days * 86_400) * 1000)

    return arrange


def late_expiry(world: World) -> None:
    """Let the key have expired by its date while the server still takes it."""
    world.standin.upbit.expires_in = timedelta(days=1)
    world.standin.upbit.listed_expiry = datetime.now(UTC) - timedelta(days=3)


def nothing(_: World) -> None:
    """Arrange nothing."""


def world_settings(standin: ExchangeStandin) -> dict[str, dict[str, Any]]:
    """Give the table `exchanges` for a stand-in on which nothing is wrong in env live."""
    standin.binance.rights["enableSpotAndMarginTrading"] = True
    upbit: Mapping[str, Any] = {
        "url": standin.url,
        "api_key": standin.upbit.access_key,
        "secret": standin.upbit.secret_key,
        "no_withdraw_attested_on": datetime.now(UTC).date(),
        "no_withdraw_attested_for": sha256(standin.upbit.access_key.encode()).hexdigest()[:12],
    }
    binance = {"url": standin.url, "api_key": standin.binance.api_key, "secret": standin.binance.secret_key}
    return {"upbit": dict(upbit), "binance": dict(binance), "upbitt": {**upbit, "symbols": ("BTC/KRW",)}}
