"""Hands connections on from one address to another. Needs nothing but Python: it runs on the host and in a container.

Addresses are ``tcp:HOST:PORT`` or ``unix:PATH``. As a program: ``python3 pump.py LISTEN CONNECT``.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import ssl
import sys
import threading
from pathlib import Path

_CHUNK = 65_536
_LOOK_SECONDS = 0.1  # between two looks whether it is over


def connect(address: str) -> socket.socket:
    """Open a connection.

    Raises:
        OSError: Nobody listens there.
    """
    kind, _, rest = address.partition(":")
    if kind == "unix":
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.connect(rest)
        except OSError:
            made.close()
            raise
        return made
    host, _, port = rest.rpartition(":")
    return socket.create_connection((host, int(port)))


def pump(one: socket.socket, other: socket.socket, over: threading.Event | None = None) -> None:
    """Copy both ways until both sides have ended; an end is passed on as such.

    Args:
        one: A connection, which may be one of TLS.
        other: Where it is handed on to, and from.
        over: Ends it too, once set.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while selector.get_map() and not (over is not None and over.is_set()):
            for key, _ in selector.select(None if over is None else _LOOK_SECONDS):
                source, target = key.fileobj, key.data
                assert isinstance(source, socket.socket)  # noqa: S101 - as registered above
                try:
                    data = _received(source)
                    target.sendall(data)
                except OSError:
                    return  # reset by either side: the other one learns it by our closing
                if not data:
                    selector.unregister(source)
                    with contextlib.suppress(OSError):
                        target.shutdown(socket.SHUT_WR)


def _received(source: socket.socket) -> bytes:
    """Read what is there. Of TLS all that is decrypted, of which a selector sees nothing."""
    data = source.recv(_CHUNK)
    while isinstance(source, ssl.SSLSocket) and source.pending():
        data += source.recv(_CHUNK)
    return data


class _Handler(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        """Hand one connection on."""
        try:
            target = connect(self.server.target)
        except OSError:
            return  # refused there: closed here
        with target:
            pump(self.request, target)


class Relay(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens at one address and hands each connection on to another."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # a handler whose two ends are both silent would be waited for without end

    def __init__(self, listen: str, target: str) -> None:
        """Listen; `serve_forever` then hands on.

        Raises:
            OSError: The address cannot be had.
        """
        kind, _, rest = listen.partition(":")
        self.address_family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
        self.allow_reuse_address = kind != "unix"
        self.target = target
        host, _, port = rest.rpartition(":")
        super().__init__(rest if kind == "unix" else (host, int(port)), _Handler)  # type: ignore[arg-type]
        if kind == "unix":
            Path(rest).chmod(0o666)  # the container's user; the folder above is private

    def server_bind(self) -> None:
        """Bind without asking for a host name, which a unix socket has none of."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()


if __name__ == "__main__":
    with Relay(sys.argv[1], sys.argv[2]) as relay:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        relay.serve_forever()
