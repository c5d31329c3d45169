from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from acceptance.stack import pump


@contextmanager
def _served(listen: str, target: str) -> Iterator[pump.Relay]:
    with pump.Relay(listen, target) as relay:
        thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield relay
        finally:
            relay.shutdown()
            thread.join()


def _upper_once(server: socket.socket) -> None:
    """Answer one connection with what it said, in capitals, after it has said all."""
    connection, _ = server.accept()
    with connection:
        said = b""
        while part := connection.recv(65_536):
            said += part
        connection.sendall(said.upper())


def test_a_connection_is_handed_on_both_ways(tmp_path: Path) -> None:
    """Through TCP, a unix socket and TCP again, whole and in order; the end of each side is passed on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=_upper_once, args=(server,))
        answering.start()
        socket_path = f"unix:{tmp_path / 's'}"
        with (
            _served(socket_path, f"tcp:127.0.0.1:{server.getsockname()[1]}"),
            _served("tcp:127.0.0.1:0", socket_path) as outer,
            pump.connect(f"tcp:127.0.0.1:{outer.server_address[1]}") as client,
        ):
            client.sendall(b"abc" * 100_000)
            client.shutdown(socket.SHUT_WR)
            answer = b""
            while part := client.recv(65_536):
                answer += part
        answering.join()
    assert answer == b"ABC" * 100_000


def test_a_refused_target_closes_the_connection(tmp_path: Path) -> None:
    """Nobody there: the caller gets an end at once, not a silence."""
    with (
        _served("tcp:127.0.0.1:0", f"unix:{tmp_path / 'nobody'}") as relay,
        pump.connect(f"tcp:127.0.0.1:{relay.server_address[1]}") as client,
    ):
        client.settimeout(5)
        assert client.recv(1) == b""


def test_connecting_to_nobody_is_an_error(tmp_path: Path) -> None:
    """No socket is left open by it."""
    with pytest.raises(OSError, match="No such file"):
        pump.connect(f"unix:{tmp_path / 'nobody'}")
