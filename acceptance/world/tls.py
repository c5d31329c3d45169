"""A test CA, and a proxy that shows its certificates: programs reach a stand-in by the real host names.

`https_proxy` leads a program to the proxy, `REQUESTS_CA_BUNDLE` has it trust the test CA. The proxy takes
`CONNECT api.binance.com:443`, speaks TLS as that host, and hands the plain bytes to whatever stands in for it.
A host that nobody stands in for is refused: nothing ever leaves this machine.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_HOST = "127.0.0.1"
_IDLE_SECONDS = 30.0
_CHUNK = 65536


class Authority:
    """A certificate authority that lives as long as a test."""

    def __init__(self, directory: Path) -> None:
        """Make the authority's key and certificate; `ca_file` is what a program has to trust."""
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "arbitrage test CA")])
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _builder(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file = directory / "test-ca.pem"
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, *hosts: str) -> ssl.SSLContext:
        """Make what a server needs to speak TLS as these hosts."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(name, self._name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        file = self._directory / f"{hosts[0]}.pem"
        file.touch(mode=0o600)
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


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
                        self._pump(inside, upstream)
                    finally:
                        self._open.discard(inside)
            finally:
                self._open.discard(client)

    def _pump(self, inside: ssl.SSLSocket, upstream: socket.socket) -> None:
        other = {inside: upstream, upstream: inside}
        while not self._over.is_set():
            ready = [inside] if inside.pending() else select.select(list(other), [], [], 0.2)[0]
            for side in ready:
                data = side.recv(_CHUNK)
                if not data:
                    return
                other[side].sendall(data)


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
