"""The checks of Redis and Postgres, each on a server of its own that testcontainers starts and throws away.

The whole stack tries such faults through the gate (tests/preflight/faults); here a check alone meets a real server that
was started with the fault in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from testcontainers.community.postgres import PostgresContainer
from testcontainers.community.redis import RedisContainer
from testcontainers.core.config import ConnectionMode, testcontainers_config
from testcontainers.core.container import DockerContainer

from acceptance.stack.compose.images import choose
from acceptance.stack.docker import docker_cli
from acceptance.stack.ports import HOST
from preflight.check import Context
from preflight.checks.postgres import PostgresCheck
from preflight.checks.redis import RedisCheck
from preflight.config.settings import Settings
from preflight.model import Outcome, Status

pytestmark = [pytest.mark.compose, pytest.mark.timeout(900)]

PASSWORD = "made-up-for-a-minute"

MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Settings]
Ask = Callable[..., Outcome]


@pytest.fixture(scope="module", autouse=True)
def images() -> Iterator[dict[str, str]]:
    """Variable -> image built here; testcontainers' helper, whose image a registry would have to give, is off."""
    before = (testcontainers_config.ryuk_disabled, testcontainers_config.connection_mode_override)
    testcontainers_config.ryuk_disabled = True
    testcontainers_config.connection_mode_override = ConnectionMode.docker_host  # through the published port
    yield dict(choose.prepare("local").names)
    testcontainers_config.ryuk_disabled, testcontainers_config.connection_mode_override = before


def _loopback(container: DockerContainer, port: int) -> None:
    """Publish on a free port of 127.0.0.1: by itself testcontainers publishes for every machine that can reach us."""
    container.ports = {f"{port}/tcp": (HOST, None)}  # type: ignore[dict-item] # docker-py takes a pair


def _section(container: DockerContainer, port: int, **more: Any) -> dict[str, Any]:
    container.reload()
    (published,) = container.get_wrapped_container().ports[f"{port}/tcp"]
    assert published["HostIp"] == HOST
    return {"host": HOST, "port": int(published["HostPort"]), "password": PASSWORD, "timeout": 1.0, **more}


@pytest.fixture
def ask_redis(images: dict[str, str], make_context: MakeContext, make_settings: MakeSettings) -> Iterator[Ask]:
    """Start a Redis with options of its command line and run the check on it."""
    started: list[RedisContainer] = []

    def ask(*options: str, frozen: bool = False, **settings: Any) -> Outcome:
        container = RedisContainer(images["REDIS_IMAGE"], password=PASSWORD)
        container.with_command(["redis-server", "--requirepass", PASSWORD, "--save", "", *options])
        _loopback(container, 6379)
        started.append(container)
        container.start()
        section = _section(container, 6379, **settings)
        if frozen:
            done = docker_cli.pause(container.get_wrapped_container().id)
            assert done.code == 0, done.said
        return RedisCheck().run(make_context(settings=make_settings(redis=section)))

    yield ask
    for container in started:
        container.stop()


@pytest.fixture(scope="module")
def postgres(images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresContainer]:
    """One Postgres for all, since making a cluster takes its time; with a database that takes no writes."""
    file = tmp_path_factory.mktemp("secret") / "password"
    file.write_text(PASSWORD, encoding="utf-8")
    file.chmod(0o444)  # the server's own user has to read it
    container = PostgresContainer(images["POSTGRES_IMAGE"], username="postgres", password=PASSWORD, dbname="postgres")
    container.with_volume_mapping(file, "/run/password").with_env("POSTGRES_PASSWORD_FILE", "/run/password")
    _loopback(container, 5432)
    with container:
        for statement in ("CREATE DATABASE closed", "ALTER DATABASE closed SET default_transaction_read_only = on"):
            done = container.exec(["psql", "-qU", "postgres", "-c", statement])
            assert done.exit_code == 0, done.output
        yield container


@pytest.fixture
def ask_postgres(postgres: PostgresContainer, make_context: MakeContext, make_settings: MakeSettings) -> Ask:
    """Run the check on it."""

    def ask(**settings: Any) -> Outcome:
        section = _section(postgres, 5432, **{"user": "postgres", "database": "postgres", **settings})
        return PostgresCheck().run(make_context(settings=make_settings(postgres=section)))

    return ask


@pytest.mark.parametrize(
    ("options", "given", "status", "says"),
    [
        ((), {}, Status.PASS, "reads back what was written"),
        ((), {"password": "another"}, Status.FAIL, "refuses the password"),
        (("--maxmemory", "100kb"), {}, Status.FAIL, "out of memory"),
        (("--replicaof", HOST, "1"), {}, Status.FAIL, "read-only replica"),
        ((), {"frozen": True}, Status.ERROR, "did not answer"),
    ],
    ids=["well", "wrong password", "out of memory", "replica", "frozen"],
)
def test_redis(ask_redis: Ask, options: tuple[str, ...], given: dict[str, Any], status: Status, says: str) -> None:
    """What a real Redis answers is told apart."""
    outcome = ask_redis(*options, **given)
    assert (outcome.status, says in outcome.summary) == (status, True), outcome


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({}, Status.PASS, "answers and takes writes"),
        ({"password": "another"}, Status.FAIL, "refuses"),
        ({"database": "nowhere"}, Status.FAIL, "nowhere"),
        ({"database": "closed"}, Status.FAIL, "read-only"),
    ],
    ids=["well", "wrong password", "no such database", "read-only"],
)
def test_postgres(ask_postgres: Ask, given: dict[str, Any], status: Status, says: str) -> None:
    """What a real Postgres answers is told apart."""
    outcome = ask_postgres(**given)
    assert (outcome.status, says in outcome.summary) == (status, True), outcome


def test_a_frozen_postgres(postgres: PostgresContainer, ask_postgres: Ask) -> None:
    """One that takes the connection and says nothing cannot be judged: ERROR, at the deadline."""
    container = postgres.get_wrapped_container()
    done = docker_cli.pause(container.id)
    assert done.code == 0, done.said
    try:
        outcome = ask_postgres()
    finally:
        container.unpause()
    assert (outcome.status, "did not answer" in outcome.summary) == (Status.ERROR, True), outcome
