"""TLS before a real Redis or Postgres that has none of its own: a real handshake, then every byte as it is."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import partial

from acceptance.stack.pump import pump

HOST = "127.0.0.1"


@contextlib.contextmanager
def tls_front(context: ssl.SSLContext, port: int, *, postgres: bool = False) -> Iterator[int]:
    """Serve TLS before 127.0.0.1:`port`; gives its own port.

    Args:
        context: The certificate, and whether one of the client's is wanted.
        port: Where the plain server is.
        postgres: Whether the client asks for TLS in Postgres' way first.
    """
    with listening(lambda client, over: partial(_serve, client, context, port, postgres, over)) as own:
        yield own


@contextlib.contextmanager
def listening(server: Callable[[socket.socket, threading.Event], Callable[[], object]]) -> Iterator[int]:
    """Serve each connection to a free port of 127.0.0.1 in a thread of its own; gives the port.

    Args:
        server: Makes what serves a connection; the event is set when all is over.
    """
    over = threading.Event()
    threads: list[threading.Thread] = []
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(0.05)

        def listen() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    client, _ = listener.accept()
                    threads.append(threading.Thread(target=server(client, over)))
                    threads[-1].start()

        threads.append(threading.Thread(target=listen))
        threads[0].start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            for thread in threads:
                thread.join()


def _serve(client: socket.socket, context: ssl.SSLContext, port: int, postgres: bool, over: threading.Event) -> None:
    client.settimeout(5)
    with client, contextlib.suppress(OSError):
        if postgres:
            client.recv(8)
            client.sendall(b"S")
        with context.wrap_socket(client, server_side=True) as inside, socket.create_connection((HOST, port)) as server:
            pump(inside, server, over)
