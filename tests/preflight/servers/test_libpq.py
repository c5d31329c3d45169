"""G7: libpq's variables lead the gate nowhere, and one that would is named."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from preflight.check import Context
from preflight.checks.postgres import PostgresCheck
from preflight.config.settings import Settings
from preflight.model import Status
from preflight.servers.postgres import open_postgres

ELSEWHERE = {
    "PGHOSTADDR": "192.0.2.1",
    "PGSERVICE": "no-such-service",
    "PGOPTIONS": "-c search_path=elsewhere",
    "PGSSLMODE": "verify-full",
    "PGPASSWORD": "canary-8842",
    "PGTZ": "Asia/Seoul",
    "PGTARGETSESSIONATTRS": "standby",
}


@pytest.mark.parametrize("variable", ELSEWHERE)
def test_g7_a_variable_of_libpq_is_not_obeyed_and_named(
    variable: str,
    servers: dict[str, Any],
    make_context: Callable[..., Context],
    make_settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With it set the configured server is asked all the same; it is a WARN that names it, but for mere formats."""
    monkeypatch.setenv(variable, ELSEWHERE[variable])
    settings = make_settings(postgres=servers["postgres"])
    outcome = PostgresCheck().run(make_context(settings=settings, environ=dict(os.environ)))

    assert outcome.status is (Status.PASS if variable == "PGTZ" else Status.WARN), outcome
    assert (variable in outcome.summary) == (variable != "PGTZ")
    assert "canary-8842" not in repr(outcome)
    connection = open_postgres(settings.postgres)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_settings WHERE source = 'client' ORDER BY name")
        assert [name for (name,) in cursor.fetchall() if name in {"search_path", "TimeZone"}] == []
    connection.close()


def test_g7_what_says_the_same_is_no_warning(
    servers: dict[str, Any], make_context: Callable[..., Context], make_settings: Callable[..., Settings]
) -> None:
    """Variables that agree with the settings lead nowhere else."""
    given = servers["postgres"]
    same = {"PGHOST": given["host"], "PGPORT": str(given["port"]), "PGUSER": given["user"], "PGDATABASE": ""}
    outcome = PostgresCheck().run(make_context(settings=make_settings(postgres=given), environ=same))
    assert outcome.status is Status.PASS, outcome


def test_g7_the_bots_file_is_looked_at_too(
    servers: dict[str, Any], make_context: Callable[..., Context], make_settings: Callable[..., Settings]
) -> None:
    """The bot will have them from its `.env.<env>`."""
    context = make_context(settings=make_settings(postgres=servers["postgres"]))
    (context.cwd / ".env.paper").write_text("PGHOST=elsewhere\n")
    outcome = PostgresCheck().run(context)
    assert (outcome.status, "PGHOST" in outcome.summary) == (Status.WARN, True), outcome


def test_g7_the_variables_stay_the_bots(servers: dict[str, Any], make_settings: Callable[..., Settings]) -> None:
    """While libpq cannot see them Python can: what `exec` starts meanwhile has them."""
    os.environ["PGHOST"] = "elsewhere"
    try:
        seen: list[str | None] = []
        over = threading.Event()

        def look() -> None:
            while not over.is_set():
                seen.append(os.environ.get("PGHOST"))

        looker = threading.Thread(target=look)
        looker.start()
        open_postgres(make_settings(postgres=servers["postgres"]).postgres).close()
        over.set()
        looker.join()
        assert set(seen) == {"elsewhere"}
    finally:
        del os.environ["PGHOST"]
