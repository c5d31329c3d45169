"""One Postgres connection on which every question has a deadline.

libpq waits for ever on a server that is frozen rather than gone. The connection is therefore used in psycopg2's
asynchronous mode, and waited for here.
"""

from __future__ import annotations

import select
import ssl
import time
from typing import Any, Final

import psycopg2
from psycopg2 import extensions

from engine.errors import DependencyDown
from engine.resolve import Resolver
from engine.settings import Postgres

__all__ = ["Database"]

_EVENT: Final = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}


class Database:
    """A connection that is made on demand and dropped at the first doubt.

    In asynchronous mode every ``execute`` commits by itself; a transaction is one text with BEGIN and COMMIT, or
    several calls between them.

    Args:
        settings: where Postgres is.
        timeout: seconds for connecting, and for each answer.
    """

    def __init__(self, settings: Postgres, *, timeout: float) -> None:
        self._settings = settings
        self._timeout = timeout
        self._resolver = Resolver(settings.host, timeout=timeout)
        self._connection: extensions.connection | None = None

    @property
    def where(self) -> str:
        """Return where Postgres is, for messages."""
        return f"Postgres at {self._settings.host}:{self._settings.port}"

    @property
    def connected(self) -> bool:
        """Return whether there is a connection that worked when last used."""
        return self._connection is not None

    def connect(self) -> None:
        """Make a new connection.

        Raises:
            DependencyDown: if that fails or takes longer than the timeout.
        """
        self.close()
        settings = self._settings
        try:
            self._connection = psycopg2.connect(
                host=settings.host,
                # Else libpq looks the name up, without a deadline; a directory is that of a Unix socket.
                hostaddr=None if settings.host.startswith("/") else self._resolver.address(),
                port=settings.port,
                user=settings.user,
                password=settings.password.get_secret_value() if settings.password else None,
                dbname=settings.database,
                application_name="arbitrage-engine",
                sslmode=settings.sslmode,
                ssl_min_protocol_version="TLSv1.2",
                sslrootcert=self._authorities(),
                sslcert=None if settings.cert_file is None else str(settings.cert_file),
                sslkey=None if settings.key_file is None else str(settings.key_file),
                async_=True,
            )
            self._wait(self._timeout)
        except (psycopg2.Error, DependencyDown) as error:
            raise self._down(error) from error

    def _authorities(self) -> str | None:
        if self._settings.ca_file is not None:
            return str(self._settings.ca_file)
        # libpq's own is a file in HOME, without which it refuses to check at all.
        return ssl.get_default_verify_paths().cafile if self._settings.sslmode.startswith("verify") else None

    def query(self, sql: str, params: tuple[object, ...] | None = None, *, timeout: float | None = None) -> list[Any]:
        """Run ``sql`` and return its rows as tuples, an empty list if it has none.

        Raises:
            DependencyDown: if the connection is lost or the answer late; the connection is dropped.
            psycopg2.Error: if the server refuses; the connection is dropped too, its transaction with it.
        """
        if self._connection is None:
            message = f"{self.where}: not connected"
            raise DependencyDown(message)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, params)
                self._wait(timeout or self._timeout)
                return cursor.fetchall() if cursor.description else []
        except DependencyDown as error:
            raise self._down(error) from error
        except psycopg2.Error as error:
            if error.pgcode is None:  # no code: the server did not say this, the lost connection did
                raise self._down(error) from error
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection, whatever it is doing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _down(self, error: Exception) -> DependencyDown:
        self.close()
        if isinstance(error, DependencyDown):
            return error
        text = " ".join(str(error).split()) or type(error).__name__
        return DependencyDown(f"{self.where}: {text}")

    def _wait(self, timeout: float) -> None:
        connection = self._connection
        assert connection is not None  # noqa: S101 (both callers have just made or seen it)
        deadline = time.monotonic() + timeout
        while (state := connection.poll()) != extensions.POLL_OK:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                message = f"{self.where}: no answer within {timeout:g} s"
                raise DependencyDown(message)
            poller = select.poll()
            # Anew each time: while connecting, libpq may go on with another socket.
            poller.register(connection.fileno(), _EVENT[state])
            poller.poll(remaining * 1000)
