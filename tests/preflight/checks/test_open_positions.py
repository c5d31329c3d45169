from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import psycopg2
import psycopg2.errors
import pytest

from preflight.check import Context
from preflight.checks.open_positions import OpenPositionsCheck
from preflight.model import Outcome, Status

MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Any]


class FakePostgres:
    """A connection and its cursor in one: counts, or raises at the query."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[str, Any]] = []
        self.closed = False

    def cursor(self) -> Self:
        """Be the cursor too."""
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def execute(self, query: Any, given: Any = ()) -> None:
        """Take note, or raise."""
        self.asked.append((query if isinstance(query, str) else repr(query), given))
        if isinstance(self.answer, BaseException) and not isinstance(query, str):
            raise self.answer

    def fetchall(self) -> list[Any]:
        """One row."""
        return [self.answer]

    def close(self) -> None:
        """Take note."""
        self.closed = True


class Refused(psycopg2.Error):
    """An error with a SQLSTATE, as the server sends it."""

    pgcode = None

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code

    def __getattribute__(self, name: str) -> Any:
        return super().__getattribute__("code") if name == "pgcode" else super().__getattribute__(name)


def run(make_context: MakeContext, settings: Any, server: FakePostgres) -> Outcome:
    outcome = OpenPositionsCheck().run(make_context(settings=settings, open_postgres=lambda _: server))
    assert outcome.status is Status.PASS or outcome.hint
    return outcome


@pytest.mark.parametrize(
    ("policy", "opened", "unclear", "status"),
    [
        ("fail", 0, 0, Status.PASS),
        ("fail", 1, 0, Status.FAIL),
        ("fail", 0, 1, Status.ERROR),
        ("fail", 3, 1, Status.ERROR),
        ("warn", 0, 0, Status.PASS),
        ("warn", 2, 0, Status.WARN),
        ("warn", 0, 2, Status.ERROR),
        ("allow", 0, 0, Status.PASS),
        ("allow", 7, 0, Status.PASS),
        ("allow", 7, 1, Status.PASS),
    ],
)
def test_policy(  # noqa: PLR0917 - a table
    policy: str, opened: int, unclear: int, status: Status, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """An open position is what the policy says; a row without a status leaves it open unless all is allowed."""
    server = FakePostgres((opened, unclear, None))
    outcome = run(make_context, make_settings(positions={"policy": policy}), server)
    assert (outcome.status, server.closed) == (status, True)
    if status is not Status.ERROR:
        assert outcome.summary == f"{opened} open in paper_positions (policy {policy})"


def test_asks_the_configured_table(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """Table, schema, column and values are the configured ones, quoted by the driver, and the wait has an end."""
    server = FakePostgres((0, 0, None))
    positions = {
        "table": "bot.Trades",
        "status_column": "state",
        "open_values": "Open, PENDING",
        "closed_values": "Done",
    }
    assert run(make_context, make_settings(env="live", positions=positions), server).status is Status.PASS
    (begin, _), (local, (names, limits)), (query, values), (end, _) = server.asked
    assert (begin, end, "set_config(name, value, true)" in local) == ("BEGIN", "ROLLBACK", True)
    set_locally = dict(zip(names, limits, strict=True))
    assert (set_locally["statement_timeout"], set_locally["row_security"]) == ("2000ms", "off")
    assert "Identifier('bot', 'Trades')" in query
    assert "Identifier('state')" in query
    assert values == (["open", "pending"], ["open", "pending", "done"])


@pytest.mark.parametrize(("policy", "status"), [("fail", "error"), ("warn", "error"), ("allow", "pass")])
def test_unknown_statuses(policy: str, status: str, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A status that is configured as neither open nor closed leaves it open, and is named."""
    server = FakePostgres((0, 0, ["closing", "new"]))
    outcome = run(make_context, make_settings(positions={"policy": policy}), server)
    assert outcome.status == status
    if outcome.status is Status.ERROR:
        assert outcome.summary.endswith("whose status is closing, new: whether they are open is unknown")
        assert outcome.hint.endswith("PREFLIGHT_POSITIONS__CLOSED_VALUES: closing, new")


@pytest.mark.parametrize("table", ["paper_positions", "bot.PAPER_trades", "paper.trades"])
def test_paper_table_in_live(table: str, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A live run that looks at a paper table is a FAIL, and the table is not even asked."""
    server = FakePostgres((0, 0, None))
    settings = make_settings(env="live", positions={"table": table, "policy": "allow"})
    outcome = run(make_context, settings, server)
    assert (outcome.status, server.asked) == (Status.FAIL, [])
    assert table in outcome.summary


@pytest.mark.parametrize(
    ("code", "text", "summary"),
    [
        ("42P01", 'relation "paper_positions" does not exist', "there is no such table"),
        ("42703", 'column "status" does not exist', "it has no such status column"),
        ("42501", "permission denied for table paper_positions", "this role may not read it"),
        (
            "42501",
            'query would be affected by row-level security policy for table "paper_positions"',
            "row-level security hides a part of it from this role",
        ),
        ("57014", "canceling statement due to statement timeout", "it did not answer in time"),
        ("XX000", "internal error", "internal error"),
    ],
)
@pytest.mark.parametrize("policy", ["fail", "allow"])
def test_unreadable_table(  # noqa: PLR0917 - a table
    code: str, text: str, summary: str, policy: str, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """A table that cannot be read is an ERROR under every policy, with its cause."""
    server = FakePostgres(Refused(code, text))
    outcome = run(make_context, make_settings(positions={"policy": policy}), server)
    assert (outcome.status, server.closed) == (Status.ERROR, True)
    assert outcome.summary == f"paper_positions cannot be read: {summary}"


def test_no_connection(make_context: MakeContext) -> None:
    """A Postgres that went away since its own check is an ERROR."""

    def refuse(_: Any) -> Any:
        raise psycopg2.OperationalError("connection refused")

    outcome = OpenPositionsCheck().run(make_context(open_postgres=refuse))
    assert (outcome.status, "connection refused" in outcome.summary) == (Status.ERROR, True)
