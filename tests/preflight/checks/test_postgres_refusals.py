"""G14: why a real Postgres refuses, told by SQLSTATE; the server speaks Korean all the while."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from pydantic import SecretStr

from acceptance.stack.binaries.component import Component
from acceptance.stack.binaries.resolve import resolve
from acceptance.stack.embedded.stack import EmbeddedStack
from preflight.check import Context
from preflight.checks.postgres import PostgresCheck
from preflight.config.sections import PostgresSection
from preflight.model import Outcome, Status
from preflight.servers.postgres_refusals import OTHER_REFUSAL, REFUSALS
from tests.preflight.pooler import connect
from tests.preflight.servers import rogue

PASSWORD = "canary-of-this-test"

HANGUL = re.compile("[가-힣]")

Ask = Callable[..., Outcome]


@pytest.fixture(scope="module")
def korean() -> Iterator[PostgresSection]:
    """A real server whose messages are Korean where it has them, and roles and databases that it refuses."""

    def speaking(names: Sequence[str]) -> dict[str, Component]:
        found = {name: resolve(name) for name in names}
        return {name: replace(each, env={**each.env, "LANGUAGE": "ko"}) for name, each in found.items()}

    with EmbeddedStack(services=("postgres",), postgres={"lc_messages": "C.UTF-8"}, resolve=speaking) as stack:
        section = PostgresSection.model_validate(stack.settings()["postgres"])
        owner = section.model_copy(update={"user": "postgres", "password": SecretStr(stack._secrets.postgres_owner)})
        with closing(connect(owner)) as connection, connection.cursor() as cursor:
            for statement in (
                f"CREATE ROLE nologin PASSWORD '{PASSWORD}'",
                f"CREATE ROLE narrow LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 0",
                f"CREATE ROLE plain LOGIN PASSWORD '{PASSWORD}'",
                "CREATE DATABASE closed ALLOW_CONNECTIONS false",
                "CREATE DATABASE private",
                "REVOKE CONNECT ON DATABASE private FROM PUBLIC",
            ):
                cursor.execute(statement)
        yield section


@pytest.fixture
def ask(korean: PostgresSection, make_settings: Callable[..., Any], make_context: Callable[..., Context]) -> Ask:
    """Run the check against that server."""

    def run(**section: Any) -> Outcome:
        given = {**korean.model_dump(exclude_unset=True), "slow_after": 1.9, **section}
        outcome = PostgresCheck().run(make_context(settings=make_settings(postgres=given)))
        assert PASSWORD not in repr(outcome)
        return outcome

    return run


def test_g14_as_it_is(ask: Ask) -> None:
    """What the others are measured against."""
    assert ask().status is Status.PASS


@pytest.mark.parametrize(
    ("section", "meaning", "word"),
    [
        ({"password": "wrong"}, "refuses the password", "arbitrage"),
        ({"user": "nobody_knows"}, "refuses the password, or has no such role", "nobody_knows"),
        ({"database": "no_such"}, "does not know that database", "no_such"),
        ({"user": "nologin", "password": PASSWORD}, "does not let this role in", "nologin"),
        ({"user": "narrow", "password": PASSWORD}, "no connection left for this role", "narrow"),
        ({"user": "plain", "password": PASSWORD, "database": "private"}, "let this role use that database", "private"),
        ({"database": "closed"}, "takes no connections to that database", "closed"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_g14_a_refused_connection(section: dict[str, str], meaning: str, word: str, ask: Ask) -> None:
    """Each is a FAIL with its own hint, and the server's own words below it, without the code that told."""
    outcome = ask(**section)
    assert (outcome.status, meaning in outcome.summary) == (Status.FAIL, True), outcome
    assert word in outcome.said
    assert "LOCATION" not in outcome.said
    assert outcome.hint


def test_g14_no_connection_left_at_all(korean: PostgresSection, ask: Ask) -> None:
    """The server's own limit, reached for real."""
    with ExitStack() as stack:
        with suppress(psycopg2.OperationalError):
            while True:
                stack.enter_context(closing(connect(korean)))
        outcome = ask()
    assert (outcome.status, "no connection left" in outcome.summary) == (Status.FAIL, True), outcome


@pytest.mark.debian
def test_g14_the_words_are_korean(ask: Ask) -> None:
    """What the tests above are about; only Debian's Postgres is sure to have its messages in Korean."""
    assert HANGUL.search(ask(database="no_such").said)


@pytest.mark.parametrize("code", [*REFUSALS, "XX000"])
def test_g14_each_code_in_any_language(
    code: str, tmp_path: Path, make_settings: Callable[..., Any], make_context: Callable[..., Context]
) -> None:
    """Whatever the words: the code decides. One that nobody knows is a refusal all the same."""
    fields = f"S치명적오류\0VFATAL\0C{code}\0M접속이 거부되었습니다 100%: 그만\0Fx.c\0L7\0Rf\0\0".encode()

    def refuse(client: socket.socket, note: Callable[[bytes], None]) -> None:
        note(client.recv(65536))
        client.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)

    with rogue.thread(refuse, tmp_path / "heard") as server:
        reach = {"host": rogue.HOST, "port": server.port, "user": "bot", "database": "bot", "sslmode": "disable"}
        outcome = PostgresCheck().run(make_context(settings=make_settings(postgres=reach)))
    told = REFUSALS.get(code, OTHER_REFUSAL)
    assert (outcome.status, outcome.hint) == (told.status, told.hint), outcome
    assert outcome.said.endswith("치명적오류:  접속이 거부되었습니다 100%: 그만")
