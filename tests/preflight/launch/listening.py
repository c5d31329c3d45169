"""A TCP proxy that takes down what clients send, and can do something just before it hands a request on."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass(slots=True)
class Listening:
    """What was heard, and what is to happen."""

    port: int
    before: Callable[[bytes], None] = lambda _: None  # called with each request before the server has it
    after: Callable[[bytes], None] = lambda _: None  # called with each request when its answer is there, not yet given
    heard: list[tuple[float, bytes]] = field(default_factory=list)  # monotonic seconds, what was sent


def _pass_on(client: socket.socket, server: socket.socket, listening: Listening) -> None:
    request = b""
    with client, server, contextlib.suppress(OSError):
        while True:
            ready, _, _ = select.select([client, server], [], [], 30)
            for side in ready:
                data = side.recv(65536)
                if not data:
                    return
                if side is client:
                    request = data
                    listening.heard.append((time.monotonic(), request))
                    listening.before(request)
                    server.sendall(data)
                else:
                    listening.after(request)
                    client.sendall(data)


@contextlib.contextmanager
def listen_before(port: int) -> Iterator[Listening]:
    """Run a proxy before 127.0.0.1:`port`."""
    over = threading.Event()
    threads: list[threading.Thread] = []
    with socket.create_server((HOST, 0)) as listener:
        listening = Listening(listener.getsockname()[1])
        listener.settimeout(0.05)

        def accept() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    client, _ = listener.accept()
                    server = socket.create_connection((HOST, port))
                    threads.append(threading.Thread(target=_pass_on, args=(client, server, listening)))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listening
        finally:
            over.set()
            accepting.join()
            for thread in threads:
                thread.join()
