"""A test CA, and a proxy that shows its certificates: programs reach a stand-in by the real host names.

`https_proxy` leads a program to the proxy, `REQUESTS_CA_BUNDLE` has it trust the test CA. The proxy takes
`CONNECT api.binance.com:443`, speaks TLS as that host, and hands the plain bytes to whatever stands in for it.
A host that nobody stands in for is refused: nothing ever leaves this machine.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

from acceptance.stack.pump import pump

_HOST = "127.0.0.1"
_IDLE_SECONDS = 30.0
_CHUNK = 65536


class Authority:
    """A certificate authority that lives as long as a test."""

    def __init__(self, directory: Path) -> None:
        """Make the authority's certificate; `ca_file` is what a program has to trust."""
        self._ca = trustme.CA(organization_name="arbitrage test CA")
        self.ca_file = directory / "test-ca.pem"
        self._ca.cert_pem.write_to_path(self.ca_file)

    def context(self, *hosts: str) -> ssl.SSLContext:
        """Make what a server needs to speak TLS as these hosts."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*hosts).configure_cert(context)
        return context


class TlsProxy:
    """A CONNECT proxy that ends TLS itself. A context manager."""

    def __init__(self, authority: Authority, routes: Mapping[str, tuple[str, int]]) -> None:
        """Nothing is served before `start`.

        Args:
            authority: Who signs the certificates that are shown.
            routes: Host name -> where plain HTTP for it goes.
        """
        self.authority = authority
        self.routes = dict(routes)
        self.asked: list[str] = []  # host names, in order
        self._context = authority.context(*routes)
        self._listener = socket.create_server((_HOST, 0))
        self._open: set[socket.socket] = set()
        self._serving: list[threading.Thread] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="tls-proxy", daemon=True)

    @property
    def url(self) -> str:
        """What `https_proxy` is to be."""
        return f"http://{_HOST}:{self._listener.getsockname()[1]}"

    def environment(self) -> dict[str, str]:
        """The variables that lead a program here and have it trust the certificates."""
        return {"https_proxy": self.url, "no_proxy": _HOST, "REQUESTS_CA_BUNDLE": str(self.authority.ca_file)}

    def start(self) -> None:
        """Serve, in threads."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and close every connection."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):  # it may have been closed by its own thread meanwhile
                connection.shutdown(socket.SHUT_RDWR)
        for serving in self._serving:
            serving.join()

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(client)
            serving = threading.Thread(target=self._serve, args=(client,), name="tls-proxy-client", daemon=True)
            self._serving = [thread for thread in self._serving if thread.is_alive()] + [serving]
            serving.start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(_IDLE_SECONDS)
        with contextlib.suppress(OSError), client:  # a client that hangs up is no business of ours
            try:
                host = _connect_line(client)
                self.asked.append(host)
                if host not in self.routes:
                    client.sendall(b"HTTP/1.1 502 Nobody stands in for that host\r\nContent-Length: 0\r\n\r\n")
                    return
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                with (
                    self._context.wrap_socket(client, server_side=True) as inside,
                    socket.create_connection(self.routes[host], timeout=_IDLE_SECONDS) as upstream,
                ):
                    self._open.add(inside)
                    try:
                        pump(inside, upstream, self._over)
                    finally:
                        self._open.discard(inside)
            finally:
                self._open.discard(client)


def _connect_line(client: socket.socket) -> str:
    """Read the head of a CONNECT request and give the host it names, "" for any other request."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _CHUNK:
        data = client.recv(4096)
        if not data:
            break
        head += data
    method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    return rest.partition(":")[0] if method == "CONNECT" else ""
