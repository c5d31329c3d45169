"""Connections to Redis and Postgres as the gate wants them: one try, hard timeouts, no hidden retries.

The libraries are heavy (146 and 44 ms), so each is imported in the one process that uses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from preflight.config.sections import PostgresSection, RedisSection

if TYPE_CHECKING:
    import psycopg2.extensions
    import redis


def open_redis(settings: RedisSection) -> redis.Redis:
    """Return a client for one connection; nothing is sent before the first command."""
    from preflight.servers import redis as connection  # noqa: PLC0415

    return connection.open_redis(settings)


def open_postgres(settings: PostgresSection) -> psycopg2.extensions.connection:
    """Connect in autocommit mode.

    Raises:
        psycopg2.OperationalError: The server is not reachable or refuses, or cannot prove who it is.
    """
    from preflight.servers import postgres as connection  # noqa: PLC0415

    return connection.open_postgres(settings)
