"""HTTP/1.1 for the front: bounded in connections, in a request's size and in its time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from acceptance.world.grafana.exchange import Request, Response, refusal

__all__ = ["Server"]

BIGGEST_BODY: Final = 1 << 20  # bytes
REQUEST_SECONDS: Final = 60.0  # from a request's first line to the last byte of its answer
IDLE_SECONDS: Final = 90.0  # between two requests of a connection
MOST_CONNECTIONS: Final = 64

Answer = Callable[[Request], Response]


class Server:
    """Listens from the start; ``serve`` answers until ``close``."""

    def __init__(
        self,
        host: str,
        port: int,
        answer: Answer,
        *,
        connections: int = MOST_CONNECTIONS,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        """Bind.

        Raises:
            OSError: The address is taken, or not this machine's.
        """
        self._http = _Server((host, port), _Handler, answer, connections, request_seconds)

    @property
    def port(self) -> int:
        """The port that was bound."""
        return int(self._http.server_address[1])

    def start(self) -> None:
        """Answer, on threads of their own."""
        threading.Thread(target=self._http.serve_forever, args=(0.05,), name="accept", daemon=True).start()
        threading.Thread(target=self._http.end_overdue, name="deadlines", daemon=True).start()

    def close(self) -> None:
        """Accept nothing more and let go of the port."""
        self._http.over.set()
        self._http.shutdown()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], handler: Any, answer: Answer, connections: int, request_seconds: float
    ) -> None:
        self.answer = answer
        self.request_seconds = request_seconds
        self.over = threading.Event()
        self._free = threading.BoundedSemaphore(connections)
        self._deadlines: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # HTTPServer's own asks the name service for this machine's name, which may take long.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            busy = b'{"message":"too many connections"}'
            head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {len(busy)}"
            request.settimeout(1)
            with contextlib.suppress(OSError):  # a client that has gone already
                request.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode() + busy)
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._deadlines.pop(request, None)
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or is too slow, is not worth a trace back: the front logs what is ours."""

    def due(self, connection: socket.socket, seconds: float) -> None:
        """Set when a connection has to have done its next thing."""
        with self._lock:
            self._deadlines[connection] = time.monotonic() + seconds

    def end_overdue(self) -> None:
        """Cut connections that are beyond their deadline: whoever reads or writes them is woken up and ends."""
        while not self.over.wait(min(1.0, self.request_seconds / 4)):
            now = time.monotonic()
            with self._lock:
                late = [connection for connection, deadline in self._deadlines.items() if deadline < now]
            for connection in late:
                with contextlib.suppress(OSError):  # it has gone by itself
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # head and body leave together; flushed after each request

    def handle_one_request(self) -> None:
        self.server.due(self.connection, IDLE_SECONDS)
        super().handle_one_request()

    def parse_request(self) -> bool:
        self.server.due(self.connection, self.server.request_seconds)
        return super().parse_request()

    def _serve(self) -> None:
        body = self._body()
        if isinstance(body, Response):
            self.close_connection = True  # what is left of the request is not read
            self._send(body)
            return
        address = urlsplit(self.path)
        params: dict[str, tuple[str, ...]] = {}
        for key, value in parse_qsl(address.query, keep_blank_values=True, errors="replace"):
            params[key] = (*params.get(key, ()), value)
        self._send(
            self.server.answer(
                Request(
                    method="GET" if self.command == "HEAD" else self.command,
                    path=unquote(address.path, errors="replace") or "/",
                    params=params,
                    headers={name.title(): value for name, value in self.headers.items()},
                    body=body,
                )
            )
        )

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of the standard library

    def _body(self) -> bytes | Response:
        if self.headers.get("Transfer-Encoding"):
            return refusal(411, "send the body with a Content-Length")
        text = self.headers.get("Content-Length", "0").strip()
        if not (text.isascii() and text.isdigit()):
            return refusal(400, "bad request data")
        if len(text) > 12 or int(text) > BIGGEST_BODY:
            return refusal(413, f"the body may have {BIGGEST_BODY} bytes")
        body = self.rfile.read(int(text))
        return body if len(body) == int(text) else refusal(400, "bad request data")

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        self.send_header("Date", self.date_time_string())
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "deny")
        for name, value in ({"Cache-Control": "no-store"} | dict(response.headers)).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, *_: Any) -> None:
        """Grafana's log has no line for each request either."""
