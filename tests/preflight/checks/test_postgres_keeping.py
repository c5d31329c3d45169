"""What a real Postgres may do with what it has committed: lose it in a power cut, hide it, or refuse it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.wait import Observation, wait_until
from preflight.check import Context
from preflight.checks.postgres import PostgresCheck
from preflight.config.sections import PostgresSection
from preflight.model import Outcome
from preflight.servers.postgres_session import one_row
from tests.preflight.pooler import connect

Ask = Callable[[str], Outcome]


@pytest.fixture(scope="module")
def stack() -> Iterator[EmbeddedStack]:
    """A server of this module's own: settings of the whole server are changed. A standby needs such a log."""
    with EmbeddedStack(services=("postgres",), postgres={"wal_level": "replica"}) as stack:
        yield stack


@pytest.fixture
def ask(
    stack: EmbeddedStack, make_settings: Callable[..., Any], make_context: Callable[..., Context]
) -> Callable[[str], Outcome]:
    """Run `postgres` in an env."""

    def run(env: str) -> Outcome:
        given = {"postgres": {**stack.settings()["postgres"], "slow_after": 5}, "positions": {"table": "bot_positions"}}
        # Whether the server proves itself, as it must in live, is another test's matter.
        return PostgresCheck().run(make_context(settings=make_settings(env=env, **given)))

    return run


def does(stack: EmbeddedStack, *statements: str) -> list[Any]:
    """Have the superuser run statements, and return what the last one gave."""
    section = PostgresSection.model_validate(
        {**stack.settings()["postgres"], "user": "postgres", "password": stack._secrets.postgres_owner}
    )
    with closing(connect(section)) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def setting(stack: EmbeddedStack, name: str, value: str, place: str) -> Iterator[None]:
    """Give a setting of the server, of the bot's role or of its database another value."""
    user, database = (stack.settings()["postgres"][key] for key in ("user", "database"))
    alter = {"server": "ALTER SYSTEM", "role": f"ALTER ROLE {user}", "database": f"ALTER DATABASE {database}"}[place]
    does(stack, f"{alter} SET {name} = {value}", "SELECT pg_reload_conf()")

    def holds(wanted: bool) -> Observation[None]:
        with closing(connect(PostgresSection.model_validate(stack.settings()["postgres"]))) as connection:
            (shown,) = one_row(connection.cursor(), f"SHOW {name}", kinds=(str,))
        return Observation(done=(shown == value) is wanted, said=f"{name} is {shown}")

    wait_until(lambda: holds(True), asked=name, timeout=5)
    try:
        yield
    finally:
        does(stack, "SET default_transaction_read_only = off", f"{alter} RESET {name}", "SELECT pg_reload_conf()")
        wait_until(lambda: holds(False), asked=name, timeout=5)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("fsync", "off", "server"), ("warn", "fail")),
        (("zero_damaged_pages", "on", "role"), ("warn", "fail")),
        (("zero_damaged_pages", "on", "server"), ("warn", "fail")),
        (("ignore_checksum_failure", "on", "database"), ("warn", "fail")),
        (("full_page_writes", "off", "server"), ("warn", "warn")),
        (("synchronous_commit", "off", "server"), ("warn", "warn")),
        (("synchronous_commit", "off", "role"), ("warn", "warn")),
        (("synchronous_commit", "remote_write", "role"), ("pass", "pass")),
        (("default_transaction_read_only", "on", "database"), ("fail", "fail")),
        (("default_transaction_read_only", "on", "server"), ("fail", "fail")),
    ],
)
def test_settings_that_lose_data(
    change: tuple[str, str, str], told: tuple[str, str], stack: EmbeddedStack, ask: Ask
) -> None:
    """What may lose or hide data is named, wherever it was set; what may lose all of it stops live."""
    name, value, place = change
    with setting(stack, name, value, place):
        outcomes = [ask(env) for env in ("paper", "live")]
    assert tuple(outcome.status.value for outcome in outcomes) == told
    for outcome in outcomes:
        assert (f"{name} = {value}" in outcome.actual, bool(outcome.hint)) == (
            ("pass" not in told and "read_only" not in name),
            "pass" not in told,
        )
    assert [ask(env).status.value for env in ("paper", "live")] == ["pass", "pass"]


def test_a_table_that_a_crash_empties(stack: EmbeddedStack, ask: Ask) -> None:
    """An unlogged table of positions is empty after a crash: nothing would be open."""
    user = stack.settings()["postgres"]["user"]
    does(stack, "CREATE UNLOGGED TABLE bot_positions (status text)", f"ALTER TABLE bot_positions OWNER TO {user}")
    assert [(ask(env).status.value, ask(env).summary.count("empties")) for env in ("paper", "live")] == [
        ("warn", 1),
        ("fail", 1),
    ]
    does(stack, "ALTER TABLE bot_positions SET LOGGED")
    assert ask("live").status.value == "pass"
    does(stack, "DROP TABLE bot_positions")


def test_a_standby_takes_no_writes(stack: EmbeddedStack, ask: Ask) -> None:
    """A server in recovery answers, and is none to trade with."""
    [(data,)] = does(stack, "SHOW data_directory")
    stack.stop_service("postgres")
    Path(data, "standby.signal").touch()
    stack.start_service("postgres")
    outcome = ask("paper")
    assert (outcome.status.value, "is a standby" in outcome.summary) == ("fail", True)
    does(stack, "SELECT pg_promote()")
    assert ask("paper").status.value == "pass"
