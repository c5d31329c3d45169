"""A TCP proxy in front of a real server that is slow, stops half way, swallows everything or answers nonsense."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from tests.preflight.servers.front import HOST, listening

_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset, as a dying peer does


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What the proxy does to the server's answers."""

    delay: float = 0.0  # seconds before each answer is handed on
    cut_on: bytes = b""  # of the answer to a request that holds this, `kept` bytes are handed on, then a reset
    kept: int = 3
    silent: bool = False  # takes everything, answers nothing
    answer: bytes = b""  # said at once to whoever connects, whatever was asked


class _Connection:
    """One client and the server behind it."""

    def __init__(self, client: socket.socket, port: int, trouble: Trouble, over: threading.Event) -> None:
        self._client = client
        self._trouble = trouble
        self._over = over
        self._server = socket.create_connection((HOST, port))
        self._cut = False

    def serve(self) -> None:
        """Hand bytes on until one side ends or the proxy does."""
        with self._client, self._server, selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
            selector.register(self._client, selectors.EVENT_READ)
            selector.register(self._server, selectors.EVENT_READ)
            if self._trouble.answer:
                self._client.sendall(self._trouble.answer)
            while not self._over.is_set():
                for key, _ in selector.select(timeout=0.05):
                    if not (self._ask() if key.fileobj is self._client else self._answer()):
                        return

    def _ask(self) -> bool:
        request = self._client.recv(65536)
        if self._trouble.silent or self._trouble.answer:
            return bool(request)
        self._cut = bool(self._trouble.cut_on) and self._trouble.cut_on in request
        self._server.sendall(request)
        return bool(request)

    def _answer(self) -> bool:
        answer = self._server.recv(65536)
        if self._trouble.delay:
            self._over.wait(self._trouble.delay)
        if self._cut:
            self._client.sendall(answer[: self._trouble.kept])
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            return False
        self._client.sendall(answer)
        return bool(answer)


@contextlib.contextmanager
def proxy(port: int, trouble: Trouble) -> Iterator[int]:
    """Run a proxy before 127.0.0.1:`port`; gives its own port."""
    with listening(lambda client, over: _Connection(client, port, trouble, over).serve) as own:
        yield own
