"""Connections to Redis and Postgres as the gate wants them: one try, hard timeouts, no hidden retries.

The libraries are heavy (146 and 44 ms), so each is imported in the one process that uses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from preflight.postgres_session import patience
from preflight.sections import PostgresSection, RedisSection

if TYPE_CHECKING:
    import psycopg2.extensions
    import redis


def open_redis(settings: RedisSection) -> redis.Redis:
    """Give a client for one connection; nothing is sent before the first command."""
    import redis as library  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    password = settings.password
    return library.Redis(
        host=settings.host or "",
        port=settings.port,
        db=settings.db,
        username=settings.username,
        password=None if password is None else password.get_secret_value(),
        socket_timeout=settings.timeout,
        socket_connect_timeout=settings.timeout,
        retry=Retry(NoBackoff(), 0),  # the library's default of several tries would hide an outage and its cost
        decode_responses=True,
        single_connection_client=False,
    )


def open_postgres(settings: PostgresSection) -> psycopg2.extensions.connection:
    """Connect in autocommit mode.

    Raises:
        psycopg2.OperationalError: The server is not reachable or refuses.
    """
    import psycopg2 as library  # noqa: PLC0415

    # A server that knows no encoding (SQL_ASCII) keeps the bytes it is given: what bots write there is UTF-8.
    library.extensions.encodings["SQLASCII"] = "utf-8"
    password = settings.password
    connection: psycopg2.extensions.connection = library.connect(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        password=None if password is None else password.get_secret_value(),
        dbname=settings.database,
        **patience(settings.timeout),
    )
    connection.autocommit = True
    return connection
