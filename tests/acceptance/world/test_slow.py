from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from acceptance.stack.ports import HOST
from acceptance.world.slow import slow_relay


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says what it is told, in capitals, until its client ends."""
    with socket.create_server((HOST, 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                while data := client.recv(100):
                    client.sendall(data.upper())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        # Where the relay never came to it, it waits for a client.
        socket.create_connection(server.getsockname()).close()
        thread.join()


def test_each_answer_is_late_and_whole(echo: int) -> None:
    """The server's own words, later; the end of the client reaches the server."""
    with slow_relay(echo, 0.2) as port, socket.create_connection((HOST, port), timeout=10) as client:
        begun = time.monotonic()
        client.sendall(b"one")
        assert client.recv(100) == b"ONE"
        client.sendall(b"two")
        assert client.recv(100) == b"TWO"
        assert time.monotonic() - begun >= 0.4


def test_a_server_that_is_not_there_ends_the_connection() -> None:
    """As it would without the relay: at once."""
    with socket.create_server((HOST, 0)) as server:
        closed = server.getsockname()[1]
    with slow_relay(closed, 60) as port, socket.create_connection((HOST, port), timeout=10) as client:
        assert client.recv(100) == b""


def test_one_that_holds_an_answer_ends_when_it_is_over(echo: int) -> None:
    """Nobody waits for a delay that nobody waits for any more."""
    begun = time.monotonic()
    with slow_relay(echo, 60) as port, socket.create_connection((HOST, port), timeout=10) as client:
        client.sendall(b"one")
    assert time.monotonic() - begun < 30
