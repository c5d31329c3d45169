"""The connection to Postgres: what may be sent to whom, and nothing that a variable of libpq says."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg2
import psycopg2.extensions

from preflight.config.sections import ChannelBinding, PostgresSection, SslMode
from preflight.servers.certificates import end_of_peer
from preflight.servers.owner import StrangerError, is_loopback, must_be_of
from preflight.servers.postgres_session import NO_SUCH_ROW, TOO_LONG, patience
from preflight.servers.sqlstate import connect

_NO_FILE = os.path.join(os.devnull, "none")  # noqa: PTH118 - a path that cannot exist: else libpq looks into HOME
_NO_MEMORY = ("out of memory", "insufficient memory", "memory for input buffer")  # libpq's words, without a code
_SCRAM = "scram-sha-256"
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # https://www.postgresql.org/docs/current/protocol-message-formats.html


class _Cursor(psycopg2.extensions.cursor):
    """A cursor of which whatever trips over an answer is an error of the library's own kind."""

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - the library's name
        """Ask.

        Raises:
            psycopg2.Error: The server refuses, or answers without an end.
            UnicodeError: What is asked for cannot be said in the encoding of the database.
        """
        with _library_errors():
            super().execute(query, vars)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Give what is left of the answer.

        Raises:
            psycopg2.Error: It is none, or a value is none of its type.
            UnicodeError: A text in it is none.
        """
        with _library_errors():
            return super().fetchall()


@contextlib.contextmanager
def _library_errors() -> Iterator[None]:
    try:
        with _endless():
            yield
    except (UnicodeError, psycopg2.Error):
        raise
    except Exception as e:
        raise psycopg2.DatabaseError(NO_SUCH_ROW) from e


@contextlib.contextmanager
def _endless() -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as e:
        if e.pgcode is None and any(part in str(e) for part in _NO_MEMORY):
            raise psycopg2.OperationalError(TOO_LONG) from e
        raise
    except MemoryError as e:
        raise psycopg2.OperationalError(TOO_LONG) from e


class UnprovenPostgresError(psycopg2.OperationalError):
    """Whoever answers there could not prove to be the server; the text says why."""


def open_postgres(settings: PostgresSection) -> psycopg2.extensions.connection:
    """Connect in autocommit mode.

    Raises:
        UnprovenError: It cannot be proven who answers.
        RefusedError: The server refuses; its `pgcode` says why.
        psycopg2.OperationalError: It is not reachable.
    """
    # A server that knows no encoding (SQL_ASCII) keeps the bytes it is given: what bots write there is UTF-8.
    psycopg2.extensions.encodings["SQLASCII"] = "utf-8"
    password = settings.password
    keywords: dict[str, Any] = {**tls(settings), **login(settings)}
    with only_settings(), _endless():
        connection = connect(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            password=None if password is None else password.get_secret_value(),
            dbname=settings.database,
            passfile=_NO_FILE,
            gssencmode="disable",
            cursor_factory=_Cursor,
            **keywords,
            **patience(settings.timeout),
        )
    if settings.require_proof and settings.socket is not None:
        try:
            with socket.socket(fileno=os.dup(connection.fileno())) as ours:
                must_be_of(ours, settings.owners, settings.timeout)
        except StrangerError as e:
            connection.close()
            raise UnprovenPostgresError(str(e)) from e
    connection.autocommit = True
    return connection


def checks_certificate(settings: PostgresSection) -> bool:
    """Return whether the server's certificate is looked at."""
    return settings.socket is None and settings.sslmode in {SslMode.VERIFY_CA, SslMode.VERIFY_FULL}


def end_of_certificate(settings: PostgresSection) -> datetime:
    """Return when the server's certificate ends; a handshake of its own, for libpq does not tell.

    Raises:
        OSError: There is no connection, or (`ssl.SSLError`) the certificate is refused; libpq does not tell why.
    """
    context = ssl.create_default_context(cafile=authorities(settings))
    context.check_hostname = settings.sslmode is SslMode.VERIFY_FULL
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # libpq takes what this does not
    if settings.cert_file is not None:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    with socket.create_connection((settings.host or "", settings.port), settings.timeout) as plain:
        plain.sendall(_SSL_REQUEST)
        if plain.recv(1) != b"S":
            raise ssl.SSLError("it has no TLS")
        with context.wrap_socket(plain, server_hostname=settings.host) as secure:
            return end_of_peer(secure.getpeercert())


@contextlib.contextmanager
def only_settings() -> Iterator[None]:
    """Hide libpq's variables from it for as long as it connects: they would choose another server than the settings.

    Only libpq stops seeing them: in `os.environ`, out of which `exec` starts the bot, they stay all the time.
    """
    hidden = {name: value for name, value in os.environ.items() if name.startswith("PG")}
    for name in hidden:
        os.unsetenv(name)
    try:
        yield
    finally:
        for name, value in hidden.items():
            os.putenv(name, value)


def authorities(settings: PostgresSection) -> str:
    """Return the file of the authorities whose signature counts: the one that is set, else the system's."""
    if settings.ca_file is not None:
        return str(settings.ca_file)
    return ssl.get_default_verify_paths().cafile or _NO_FILE


def tls(settings: PostgresSection) -> dict[str, str]:
    """Return libpq's keywords for TLS."""
    mode = settings.sslmode
    if settings.socket is not None:
        return {"sslmode": SslMode.DISABLE.value}
    if _needs_binding(settings) and mode in {SslMode.DISABLE, SslMode.ALLOW, SslMode.PREFER}:
        mode = SslMode.REQUIRE
    checked = checks_certificate(settings) or settings.ca_file is not None
    own = settings.cert_file is not None and settings.key_file is not None
    return {
        "sslmode": mode.value,
        "ssl_min_protocol_version": "TLSv1.2",
        "sslrootcert": authorities(settings) if checked else _NO_FILE,
        **(
            {"sslcert": str(settings.cert_file), "sslkey": str(settings.key_file)}
            if own
            else {"sslcertmode": "disable"}
        ),
    }


def login(settings: PostgresSection) -> dict[str, str]:
    """Return libpq's keywords for what may be said to a server of which that is known.

    A checked certificate proves the server. Else the password is never sent as it is, and where proof is required the
    server must prove by SCRAM that it knows it; one that is not on this machine also that nobody sits in between.
    """
    if settings.sslmode is SslMode.VERIFY_FULL and settings.socket is None:
        return {"channel_binding": settings.channel_binding.value}
    if not settings.require_proof:
        return {"channel_binding": settings.channel_binding.value, "require_auth": "!password"}
    if settings.socket is not None and settings.password is None:
        return {"require_auth": "none"}  # the owner of the socket is looked at, and nothing secret is said
    binding = ChannelBinding.REQUIRE if _needs_binding(settings) else settings.channel_binding
    return {"channel_binding": binding.value, "require_auth": _SCRAM}


def _needs_binding(settings: PostgresSection) -> bool:
    return (
        settings.require_proof is True
        and settings.socket is None
        and settings.sslmode is not SslMode.VERIFY_FULL
        and not is_loopback(settings.host or "")
    )
