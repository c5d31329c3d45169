"""An HTTP server that behaves like Upbit and Binance, their faults included.

`python -m acceptance.world.exchanges` serves on a free port and prints the variables that lead preflight there.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from acceptance.world.binance import PREFIXES, Binance
from acceptance.world.upbit import PREFIX, Upbit
from acceptance.world.venue import Reply, Venue, VenueRequest

_HOST = "127.0.0.1"
_IDLE_SECONDS = 30.0


class ReceivedRequest(NamedTuple):
    """One request that arrived."""

    exchange: str  # "" for a path that neither exchange has
    method: str
    path: str
    host: str


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # `server_close` waits for those that are not: nothing is left behind by a test
    request_queue_size = 64

    def __init__(self, owner: ExchangeStandin, port: int) -> None:
        self.owner = owner
        self.open: set[socket.socket] = set()
        super().__init__((_HOST, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that hangs up in the middle is what half of the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    wbufsize = -1  # head and body leave together: two small packets cost 40 ms between two patient TCP stacks
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        body = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(body)
        url = urlsplit(self.path)
        asked = VenueRequest(
            method=self.command,
            path=url.path,
            query=url.query,
            parameters={name: values[0] for name, values in parse_qs(url.query).items()},
            headers=self.headers,  # type: ignore[arg-type] # a message answers get() in any case, which is all we use
            host=self.headers.get("Host", ""),
        )
        self._send(self.server.owner.answer(asked))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve  # noqa: N815 - the names the base class calls

    def _send(self, found: Reply) -> None:
        if found.delay:
            self.server.owner.stopping.wait(found.delay)
        if found.dropped:
            self.close_connection = True
            return
        self.send_response_only(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        self.wfile.write(found.body[: found.sent])
        self.wfile.flush()
        self.close_connection = self.close_connection or found.sent is not None

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Keep quiet; what was asked is in `ExchangeStandin.seen`."""


class ExchangeStandin:
    """Both exchanges behind one address, told apart by path. A context manager."""

    def __init__(self, *, port: int = 0) -> None:
        """Take a port on 127.0.0.1; 0 takes a free one. It serves from `start` on."""
        self.upbit = Upbit()
        self.binance = Binance()
        self.seen: list[ReceivedRequest] = []
        self.stopping = threading.Event()
        self._server = _Server(self, port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="exchange-standin", daemon=True
        )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return _HOST, self._server.server_port

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://{_HOST}:{self._server.server_port}"

    def start(self) -> None:
        """Serve, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and close every connection."""
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        for connection in tuple(self._server.open):
            with contextlib.suppress(OSError):  # it may have been closed by its own thread meanwhile
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def answer(self, asked: VenueRequest) -> Reply:
        """Answer one request, and take it down."""
        name, venue = self._venue(asked.path)
        self.seen.append(ReceivedRequest(name, asked.method, asked.path, asked.host))
        return venue.conditions.applied(asked, venue.answer(asked))

    def _venue(self, path: str) -> tuple[str, Venue]:
        if path.startswith(PREFIX):
            return "upbit", self.upbit
        return ("binance" if path.startswith(PREFIXES) else ""), self.binance

    def heal(self) -> None:
        """Put everything back to a good day, but the keys and secrets: whoever was told them may go on."""
        self.upbit = Upbit(access_key=self.upbit.access_key, secret_key=self.upbit.secret_key)
        self.binance = Binance(api_key=self.binance.api_key, secret_key=self.binance.secret_key)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every key and secret that it made, for redaction."""
        return (self.upbit.access_key, self.upbit.secret_key, self.binance.api_key, self.binance.secret_key)

    def credentials(self) -> dict[str, str]:
        """Preflight's variables for the keys, and for the word that Upbit's cannot withdraw."""
        return {
            "PREFLIGHT_EXCHANGES__UPBIT__API_KEY": self.upbit.access_key,
            "PREFLIGHT_EXCHANGES__UPBIT__SECRET": self.upbit.secret_key,
            "PREFLIGHT_EXCHANGES__UPBIT__NO_WITHDRAW_ATTESTED_ON": f"{datetime.now(UTC):%Y-%m-%d}",
            "PREFLIGHT_EXCHANGES__UPBIT__NO_WITHDRAW_ATTESTED_FOR": _fingerprint(self.upbit.access_key),
            "PREFLIGHT_EXCHANGES__BINANCE__API_KEY": self.binance.api_key,
            "PREFLIGHT_EXCHANGES__BINANCE__SECRET": self.binance.secret_key,
        }

    def environment(self) -> dict[str, str]:
        """Preflight's variables for asking this server instead of the exchanges: never ready for live."""
        reach: dict[str, str] = {}
        for name in ("UPBIT", "BINANCE"):
            reach |= {
                f"PREFLIGHT_EXCHANGES__{name}__URL": self.url,
                f"PREFLIGHT_EXCHANGES__{name}__PLAIN_HTTP": "true",  # its keys are worth nothing elsewhere
            }
        return reach | self.credentials()


def _fingerprint(key: str) -> str:
    """Name a key the way preflight does, by what its documents say."""
    return sha256(key.encode()).hexdigest()[:12]


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m acceptance.world.exchanges", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parsed = parser.parse_args(argv)
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with ExchangeStandin(port=parsed.port) as standin:
        for name, value in standin.environment().items():
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
        sys.stdout.flush()
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
