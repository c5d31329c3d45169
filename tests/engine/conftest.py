"""Real servers for the engine's tests, and an environment without settings of the machine it runs on."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 (a class under a module's naming)
from redis import Redis

from acceptance.stack.embedded.stack import EmbeddedStack
from engine.settings import Postgres as PostgresSettings
from engine.settings import Redis as RedisSettings


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tuple(os.environ):
        if name.upper().startswith("ENGINE_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _logger_as_it_was() -> Iterator[None]:
    """The engine's logger belongs to the process: no test leaves its handlers and level to the next one."""
    logger = logging.getLogger("engine")
    before = (logger.handlers[:], logger.level, logger.propagate)
    yield
    logger.handlers[:], level, logger.propagate = before
    logger.setLevel(level)


@pytest.fixture(scope="session")
def _servers() -> Iterator[EmbeddedStack]:
    with EmbeddedStack(services=("redis", "postgres")) as stack:
        yield stack


def _probe_settings(stack: EmbeddedStack, service: str) -> dict[str, Any]:
    """Return port and password as the stack's own readiness question uses them."""
    spec = next(each for each in stack.spec.services if each.name == service)
    return dict(spec.question.settings)


@pytest.fixture(scope="session")
def redis_settings(_servers: EmbeddedStack) -> RedisSettings:
    known = _probe_settings(_servers, "redis")
    return RedisSettings(port=known["port"], password=known["password"])


@pytest.fixture(scope="session")
def postgres_settings(_servers: EmbeddedStack) -> PostgresSettings:
    known = _probe_settings(_servers, "postgres")
    return PostgresSettings(
        port=known["port"], user=known["user"], password=known["password"], database=known["database"]
    )


@pytest.fixture
def servers(_servers: EmbeddedStack) -> Iterator[EmbeddedStack]:
    """The stack, for tests that stop or freeze a server; whatever they leave is put right."""
    yield _servers
    for service in ("redis", "postgres"):
        state = next(row["state"] for row in _servers.processes() if row["service"] == service)
        if state == "paused":
            _servers.resume_service(service)
        elif state != "ready":
            _servers.start_service(service)


@pytest.fixture
def redis_client(redis_settings: RedisSettings) -> Iterator[Redis]:
    """A client of an empty Redis."""
    assert redis_settings.password is not None
    with Redis(
        host=redis_settings.host,
        port=redis_settings.port,
        password=redis_settings.password.get_secret_value(),
        decode_responses=True,
    ) as client:
        client.flushdb()
        yield client


@pytest.fixture
def sql(postgres_settings: PostgresSettings) -> Iterator[Connection]:
    """A connection, committing by itself, to a database without any table of ours."""
    assert postgres_settings.password is not None
    connection = psycopg2.connect(
        host=postgres_settings.host,
        port=postgres_settings.port,
        user=postgres_settings.user,
        password=postgres_settings.password.get_secret_value(),
        dbname=postgres_settings.database,
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS paper_positions, engine_schema_migrations")
    yield connection
    connection.close()
