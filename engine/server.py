"""Serves ``/metrics`` and ``/healthz``."""

from __future__ import annotations

import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Final, Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from engine.errors import ServeError
from engine.metrics import exposition

__all__ = ["MetricsServer"]

_LOG = logging.getLogger("engine.server")
MOST: Final = 16  # connections at a time; Prometheus and a health check need two
SECONDS: Final = 5.0  # for a whole connection, from accept to close
_ENDING: Final = 8  # connections more, which were told to end and have not come to it yet
_ENDING_SECONDS: Final = 1.0  # that the next one waits for one of them
_TEXT: Final = "text/plain; charset=utf-8"


class _Tcp(socketserver.ThreadingTCPServer):
    # Not http.server.HTTPServer: that one looks its own host name up when it binds, which can take seconds.
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # a scraper that hangs must not hold up the engine's end
    request_queue_size = 128  # whoever finds no place in it tries again a second later

    def __init__(self, *args: Any, **given: Any) -> None:
        self._open: dict[socket.socket, float] = {}  # connection -> monotonic seconds of its begin, oldest first
        self._guard = threading.Lock()
        self._room = threading.Semaphore(MOST + _ENDING)
        super().__init__(*args, **given)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give it a thread. Where all are taken the oldest connection ends: whoever holds many loses them first."""
        with self._guard:
            if len(self._open) >= MOST:
                self._end(next(iter(self._open)))
            self._open[request] = time.monotonic()
        if not self._room.acquire(timeout=_ENDING_SECONDS):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer it, in the thread that it was given."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection, and close it."""
        with self._guard:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End what has had its time, however lively it is."""
        with self._guard:
            for request, begun in list(self._open.items()):
                if time.monotonic() - begun > SECONDS:
                    self._end(request)

    def _end(self, request: socket.socket) -> None:
        """Have the thread that reads or writes there come back; it closes the connection."""
        del self._open[request]
        with suppress(OSError):  # the other side was faster
            request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Log one line: a scraper that hangs up is no fault of ours and deserves no traceback."""
        del request
        _LOG.debug("request of %s failed: %s", client_address, sys.exc_info()[1])


class MetricsServer:
    """A context manager that answers HTTP in threads of its own.

    Args:
        host, port: where to listen; port 0 takes a free one.
        registry: what is served.
        alive: asked for each ``/healthz``.
    """

    def __init__(self, host: str, port: int, *, registry: CollectorRegistry, alive: Callable[[], bool]) -> None:
        tcp = type("_Tcp", (_Tcp,), {"address_family": socket.AF_INET6 if ":" in host else socket.AF_INET})
        try:
            self._tcp: socketserver.ThreadingTCPServer = tcp((host, port), _handler(registry, alive))
        except OSError as error:
            message = (
                f"Cannot listen on {host}:{port} ({error.strerror or error}); "
                "free it, or set ENGINE_METRICS_HOST and ENGINE_METRICS_PORT."
            )
            raise ServeError(message) from error
        self._thread = threading.Thread(
            target=self._tcp.serve_forever, kwargs={"poll_interval": 0.2}, name="metrics", daemon=True
        )

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self._tcp.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tcp.shutdown()
        self._tcp.server_close()
        self._thread.join(1.0)


def _handler(registry: CollectorRegistry, alive: Callable[[], bool]) -> type[BaseHTTPRequestHandler]:
    served = exposition(registry)

    class Handler(BaseHTTPRequestHandler):
        timeout = SECONDS  # for each part; for the whole see `service_actions`
        server_version = "arbitrage-engine"
        sys_version = ""

        def do_GET(self) -> None:
            path = self.path.split("?", 1)[0]
            if path == "/metrics":
                self._answer(HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(served))
            elif path == "/healthz":
                healthy = alive()
                status = HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, _TEXT, b"ok\n" if healthy else b"the loop stands still\n")
            else:
                self._answer(HTTPStatus.NOT_FOUND, _TEXT, b"see /metrics and /healthz\n")

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            """Write nothing: a line for each scrape would bury what matters."""

        def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler
