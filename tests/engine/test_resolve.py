from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from engine.errors import DependencyDown
from engine.resolve import Resolver


def answers(*addresses: str) -> Any:
    def ask(host: str, port: None, **_: object) -> list[Any]:
        del host, port
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0))
            for each in addresses
        ]

    return ask


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_address_needs_no_question(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """What is an address already is returned without asking anybody."""
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert Resolver(address, timeout=1).address() == address


def test_ipv4_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with both kinds of address gives the IPv4 one: servers here often listen on that only."""
    monkeypatch.setattr(socket, "getaddrinfo", answers("::1", "10.0.0.7"))
    assert Resolver("redis", timeout=1).address() == "10.0.0.7"


def test_each_call_asks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that was restarted under another address is found."""
    resolver = Resolver("redis", timeout=1)
    monkeypatch.setattr(socket, "getaddrinfo", answers("10.0.0.7"))
    assert resolver.address() == "10.0.0.7"
    monkeypatch.setattr(socket, "getaddrinfo", answers("10.0.0.8"))
    assert resolver.address() == "10.0.0.8"


def test_an_unknown_name_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not exist is an outage with the name in it."""

    def ask(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    with pytest.raises(DependencyDown, match=r"address of redis was not found: .*not known"):
        Resolver("redis", timeout=1).address()


def test_a_silent_name_server_costs_the_timeout_and_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking goes on in one thread; its late answer serves a later call."""
    release = threading.Event()
    asked: list[str] = []

    def ask(host: str, port: None, **_: object) -> Any:
        asked.append(host)
        release.wait(10)
        return answers("10.0.0.9")(host, port)

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    resolver = Resolver("redis", timeout=0.05)
    for _ in range(2):
        with pytest.raises(DependencyDown, match=r"not found within 0\.05 s"):
            resolver.address()
    release.set()
    patient = resolver
    patient._timeout = 5
    assert patient.address() == "10.0.0.9"
    assert asked == ["redis"]
