from __future__ import annotations

import os
import socket
import time

import psycopg2
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 (a class under a module's naming)

from acceptance.stack.embedded.stack import EmbeddedStack
from engine.database import Database
from engine.errors import DependencyDown
from engine.settings import Postgres


def test_questions_and_answers(postgres_settings: Postgres) -> None:
    """Rows come back as tuples, statements without rows as an empty list."""
    database = Database(postgres_settings, timeout=2)
    assert not database.connected
    database.connect()
    assert database.query("SELECT %s::int + 1, 'x'", (1,)) == [(2, "x")]
    assert database.query("SET statement_timeout = 0") == []
    database.close()
    with pytest.raises(DependencyDown, match="not connected"):
        database.query("SELECT 1")


def test_a_refusal_keeps_its_code_and_drops_the_connection(postgres_settings: Postgres) -> None:
    """What the server refuses is told apart from a server that is away."""
    database = Database(postgres_settings, timeout=2)
    database.connect()
    with pytest.raises(psycopg2.Error) as caught:
        database.query("SELECT * FROM no_such_table")
    assert caught.value.pgcode == "42P01"
    assert not database.connected


@pytest.mark.parametrize(
    ("change", "says"),
    [({"port": 1}, "127.0.0.1:1: .*refused"), ({"password": "made-up-wrong"}, "password authentication failed")],
    ids=["no server", "wrong password"],
)
def test_what_cannot_be_connected_is_down(postgres_settings: Postgres, change: dict[str, object], says: str) -> None:
    """A connection that cannot be made says where and why, without the password."""
    settings = Postgres(**{**postgres_settings.model_dump(exclude={"password_file"}), **change})
    with pytest.raises(DependencyDown, match=says) as caught:
        Database(settings, timeout=2).connect()
    assert "made-up-wrong" not in str(caught.value)


def test_a_slow_answer_costs_the_timeout(postgres_settings: Postgres) -> None:
    """A question has a deadline of its own, whatever the server does."""
    database = Database(postgres_settings, timeout=0.1)
    database.connect()
    began = time.monotonic()
    with pytest.raises(DependencyDown, match=r"no answer within 0\.1 s"):
        database.query("SELECT pg_sleep(5)")
    assert time.monotonic() - began < 1
    assert not database.connected


def test_a_frozen_server_costs_the_timeout(servers: EmbeddedStack, postgres_settings: Postgres) -> None:
    """A server that accepts and never answers, where libpq would wait for ever, is given up on."""
    servers.pause_service("postgres")
    database = Database(postgres_settings, timeout=0.2)
    with pytest.raises(DependencyDown, match=r"no answer within 0\.2 s"):
        database.connect()


def test_a_killed_session_is_down(postgres_settings: Postgres, sql: Connection) -> None:
    """A backend ended by an operator shows with the next question."""
    database = Database(postgres_settings, timeout=2)
    database.connect()
    ((pid,),) = database.query("SELECT pg_backend_pid()")
    with sql.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 2000)", (pid,))
    with pytest.raises((DependencyDown, psycopg2.Error)):
        database.query("SELECT 1")
    assert not database.connected


def test_a_cut_connection_is_down(postgres_settings: Postgres) -> None:
    """A connection that breaks without a word from the server is an outage, not a refusal with a code."""
    database = Database(postgres_settings, timeout=2)
    database.connect()
    assert database._connection is not None
    with socket.socket(fileno=os.dup(database._connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)
    with pytest.raises(DependencyDown, match=f"Postgres at 127.0.0.1:{postgres_settings.port}: "):
        database.query("SELECT 1")
    assert not database.connected
