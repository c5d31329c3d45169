"""A relay in front of a real server whose answers take longer on the way back: a slow network, and nothing else."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from acceptance.stack.ports import HOST

_CHUNK = 65_536


class _Handler(socketserver.BaseRequestHandler):
    server: _Relay

    def handle(self) -> None:
        """Hand one connection on until either side ends it."""
        client: socket.socket = self.request
        with (
            contextlib.suppress(OSError),  # refused or reset: the client learns it by our closing
            socket.create_connection((HOST, self.server.port)) as behind,
            selectors.DefaultSelector() as selector,
        ):
            selector.register(client, selectors.EVENT_READ, behind)
            selector.register(behind, selectors.EVENT_READ, client)
            while not self.server.over.is_set():
                for key, _ in selector.select(timeout=0.05):
                    source, target = key.fileobj, key.data
                    assert isinstance(source, socket.socket)  # noqa: S101 - as registered above
                    data = source.recv(_CHUNK)
                    if not data:
                        return
                    if source is behind:
                        self.server.over.wait(self.server.delay)
                    target.sendall(data)


class _Relay(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, port: int, delay: float) -> None:
        self.port = port
        self.delay = delay
        self.over = threading.Event()
        super().__init__((HOST, 0), _Handler)


@contextmanager
def slow_relay(port: int, delay: float) -> Iterator[int]:
    """Run a relay in front of a port of 127.0.0.1.

    Args:
        port: The server's.
        delay: Seconds by which each answer comes later.

    Yields:
        The relay's own port on 127.0.0.1.
    """
    relay = _Relay(port, delay)
    thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield int(relay.server_address[1])
    finally:
        relay.over.set()
        relay.shutdown()
        relay.server_close()
        thread.join()
