"""G1: behind a pooler the gate uses a session that is the bot's a moment later. Nothing of it may stay there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from acceptance.stack.embedded.supervisor.client import CODE
from acceptance.stack.run_preflight import invoke
from preflight.alerts.history import AlertRow, History
from preflight.alerts.migrate import migrate
from preflight.check import Context
from preflight.checks.open_positions import OpenPositionsCheck
from preflight.checks.postgres import PostgresCheck
from preflight.config.sections import PostgresSection
from preflight.model import Status
from tests.preflight.pooler import connect, pooled

pytestmark = pytest.mark.debian

_TABLES = "arbitrage_preflight_alerts, arbitrage_preflight_migrations, arbitrage_preflight_probe, paper_positions"
_SESSION = "SELECT name, setting FROM pg_settings WHERE source = 'session' ORDER BY name"
ROW = AlertRow(
    alert_id="g1-P0",
    at=1_800_000_000.0,
    env="paper",
    run_id="g1",
    severity="P0",
    fingerprint="paper/redis/fail",
    outcome="sent",
    message="redis is down",
)


def asked(section: PostgresSection, query: str) -> list[tuple[Any, ...]]:
    with closing(connect(section)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


@pytest.fixture
def bot(postgres: PostgresSection) -> Iterator[PostgresSection]:
    """The bot's server: its table, and none of ours yet."""
    with closing(connect(postgres)) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {_TABLES}")
        cursor.execute("CREATE TABLE paper_positions (status text NOT NULL)")
    yield postgres
    with closing(connect(postgres)) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {_TABLES}")


@pytest.fixture
def make_ctx(make_settings: Callable[..., Any], make_context: Callable[..., Context]) -> Callable[..., Context]:
    """A context whose Postgres is this one."""

    def make(section: PostgresSection) -> Context:
        return make_context(settings=make_settings(postgres=section.model_dump()))

    return make


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_g1_nothing_of_the_gate_stays_in_a_pooled_session(
    mode: str, bot: PostgresSection, make_ctx: Callable[..., Context]
) -> None:
    """Checks, an alert's row, the history and a migration leave every setting of the one session as it was."""
    with pooled(bot, mode) as section:
        (pid,) = asked(section, "SELECT pg_backend_pid()")[0]
        before = asked(section, _SESSION)
        ctx = make_ctx(section)

        assert migrate(section) != ()
        outcomes = [PostgresCheck().run(ctx), OpenPositionsCheck().run(ctx)]
        assert [outcome.status for outcome in outcomes] == [Status.PASS, Status.PASS], outcomes
        history = History(settings=section)
        assert history.store([ROW]).problem is None
        assert [row.alert_id for row in history.newest("paper", 5)] == ["g1-P0"]

        assert asked(section, "SELECT pg_backend_pid()")[0] == (pid,)  # it was that session
        assert asked(section, _SESSION) == before
        assert asked(section, "SELECT count(*) FROM arbitrage_preflight_probe") == [(0,)]


def test_g1_a_whole_run_leaves_the_session_as_it_was(bot: PostgresSection, tmp_path: Path) -> None:
    """The same of a run as an operator starts it, whose P0 becomes a row."""
    migrate(bot)
    with pooled(bot, "transaction") as section:
        assert section.password is not None
        password = section.password.get_secret_value()
        before = asked(section, _SESSION)
        settings = {
            "postgres": {**section.model_dump(exclude_none=True), "password": password},
            "ledger": tmp_path / "ledger.sqlite",
            "textfile_dir": tmp_path,
            "spool_dir": tmp_path,
        }
        run = invoke(("--env", "paper"), settings, project=tmp_path, code=CODE, extra={})

        checks = {check["id"]: check["status"] for check in run.report["checks"]}
        assert (checks["postgres"], checks["open_positions"], run.exit_code) == ("pass", "pass", 1), run.report
        assert len(History(settings=section).newest("paper", 5)) > 0
        assert asked(section, _SESSION) == before


def test_g1_the_bots_own_query_may_take_its_time(bot: PostgresSection, make_ctx: Callable[..., Context]) -> None:
    """What was cancelled after the gate's 2 s before: a query that is longer than the gate's patience."""
    with pooled(bot.model_copy(update={"timeout": 0.3}), "transaction") as section:
        assert PostgresCheck().run(make_ctx(section)).status is Status.PASS
        assert OpenPositionsCheck().run(make_ctx(section)).status is Status.PASS

        assert asked(section, "SELECT 1 FROM pg_sleep(0.6)") == [(1,)]
        assert asked(section, "SELECT current_setting('row_security')") == [("on",)]


def test_g1_a_pool_of_statements_is_named(bot: PostgresSection, make_ctx: Callable[..., Context]) -> None:
    """It takes no transaction, so nothing can be tried there: not a PASS, and the way on is named."""
    with pooled(bot, "statement") as section:
        outcome = PostgresCheck().run(make_ctx(section))

    assert outcome.status is Status.ERROR
    assert "pool_mode" in outcome.hint
