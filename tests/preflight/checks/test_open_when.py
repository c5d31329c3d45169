"""G17: what open means is the bot's own to say, on a real server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from preflight.check import Context
from preflight.checks.open_positions import OpenPositionsCheck
from preflight.config.sections import PostgresSection
from preflight.config.sources import load
from preflight.errors import UsageError
from preflight.model import Status
from tests.preflight.pooler import connect

TABLE = "bot-positions"


@pytest.mark.parametrize(
    ("condition", "status", "word"),
    [
        ("closed_at IS NULL", Status.FAIL, "1 open"),
        ("quantity <> 0 -- of any sign", Status.FAIL, "2 open"),
        ("quantity > 100 OR note LIKE 'x%'", Status.PASS, "0 open"),
        ("side = 'long'", Status.ERROR, "neither true nor false"),
        ("quantity >", Status.ERROR, "is not an SQL condition"),
        ("quantity", Status.ERROR, "is not an SQL condition"),
        ("nextval('counted') > 0", Status.ERROR, "would write"),
        ("pg_sleep(60) IS NULL", Status.ERROR, "not answer in time"),
        ("nowhere = 1", Status.ERROR, "no such"),
    ],
)
def test_g17_a_condition(  # noqa: PLR0917 - a table
    condition: str,
    status: Status,
    word: str,
    postgres: PostgresSection,
    make_settings: Callable[..., Any],
    make_context: Callable[..., Context],
) -> None:
    """It is counted in a table whose name has a hyphen, read-only and within the limit; what is unclear is ERROR."""
    with closing(connect(postgres)) as connection, connection.cursor() as cursor:
        cursor.execute(f'CREATE TABLE "{TABLE}" (quantity numeric, closed_at timestamptz, side text, note text)')
        cursor.execute("CREATE SEQUENCE counted")
        try:
            cursor.execute(f"""INSERT INTO "{TABLE}" VALUES (2, now(), NULL, ''), (-1, NULL, NULL, '')""")  # noqa: S608
            settings = make_settings(
                postgres={**postgres.model_dump(exclude_unset=True), "timeout": 1.0},
                positions={"table": TABLE, "open_when": condition},
            )
            outcome = OpenPositionsCheck().run(make_context(settings=settings))
        finally:
            cursor.execute(f'DROP TABLE "{TABLE}"; DROP SEQUENCE counted')
    assert (outcome.status, word in outcome.summary) == (status, True), outcome
    assert outcome.hint or status is Status.PASS


def test_g17_one_condition_and_nothing_else(tmp_path: Any) -> None:
    """A second statement behind it would leave the read-only transaction."""
    with pytest.raises(UsageError, match="one SQL condition"):
        load({"env": "paper"}, environ={"PREFLIGHT_POSITIONS__OPEN_WHEN": "true; COMMIT"}, cwd=tmp_path)
