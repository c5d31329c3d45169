from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import psycopg2
import pytest

from preflight.check import Context
from preflight.checks.postgres import PostgresCheck
from preflight.model import Outcome, Status

MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Any]
SECRET = "hunter2-Canary"


class FakePostgres:
    """A connection and its cursor in one: answers by the beginning of the query, or raises there."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {
            "SELECT 1": (1,),
            "SELECT pg_is_in_recovery": (False, "off"),
            "SELECT has_any_column_privilege": (None, True),  # no table of the bot's, one of ours
            "SELECT\n    coalesce": ("", "", False),  # it keeps what it is given
            **answers,
        }
        self.row: tuple[Any, ...] | None = None
        self.written: Any = None
        self.queries: list[str] = []
        self.closed = False
        self.info = SimpleNamespace(used_password=True, dsn_parameters={})

    def cursor(self) -> Self:
        """Be the cursor."""
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        return None

    def execute(self, query: str, values: tuple[Any, ...] = ()) -> None:
        """Take a query."""
        self.queries.append(query)
        if query.startswith("INSERT"):
            self.written = values[0]
        self.row = (self.written,)
        for start, answer in self.answers.items():
            if query.startswith(start):
                if isinstance(answer, BaseException):
                    raise answer
                self.row = answer

    @property
    def connection(self) -> Self:
        """Be the connection too."""
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Give its row."""
        return [] if self.row is None else [self.row]

    def close(self) -> None:
        """Take note."""
        self.closed = True


def run(make_context: MakeContext, server: FakePostgres, **given: Any) -> Outcome:
    outcome = PostgresCheck().run(make_context(open_postgres=lambda _: server, **given))
    assert server.closed
    return outcome


def test_pass(make_context: MakeContext) -> None:
    """A query answered and a row written and read back, each timed, is a PASS; nothing lasting is written."""
    server = FakePostgres()
    ticks = itertools.count(0, 0.025)
    outcome = run(make_context, server, clock=lambda: next(ticks))
    assert outcome.status is Status.PASS
    assert outcome.timings == {name: pytest.approx(0.025) for name in ("connect", "select", "write")}
    assert server.written == "20261123T141500Z-1a2b3c4d"
    assert (server.queries[0], server.queries[-1]) == ("BEGIN", "ROLLBACK")
    assert not [query for query in server.queries if query.startswith(("CREATE", "COMMIT", "SET "))]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"SELECT 1": (2,)}, "SELECT 1 gave 2"),
        ({"SELECT 1": ("1",)}, "SELECT 1 gave '1'"),
        ({"SELECT run_id": ("yesterday's",)}, "another value"),
        ({"SELECT run_id": ("",)}, "another value"),
    ],
    ids=str,
)
def test_lies_are_a_fail(answers: dict[str, Any], told: str, make_context: MakeContext) -> None:
    """A server that does not give back what it was given is a FAIL."""
    outcome = run(make_context, FakePostgres(**answers))
    assert (outcome.status, told in outcome.actual, bool(outcome.hint)) == (Status.FAIL, True, True)


@pytest.mark.parametrize(
    ("row", "told"), [((True, "on"), "standby"), ((True, "off"), "standby"), ((False, "on"), "read-only for this role")]
)
def test_read_only_is_a_fail(row: tuple[bool, str], told: str, make_context: MakeContext) -> None:
    """A standby, and a session that may only read, are told apart and take no write."""
    server = FakePostgres(**{"SELECT pg_is_in_recovery": row})
    outcome = run(make_context, server)
    assert (outcome.status, told in outcome.summary, bool(outcome.hint)) == (Status.FAIL, True, True)
    assert not [query for query in server.queries if query.startswith(("CREATE", "INSERT"))]


@pytest.mark.parametrize(("slow", "status"), [(0.4, Status.PASS), (0.6, Status.WARN)])
@pytest.mark.parametrize("index", [1, 2], ids=["select", "write"])
def test_slow_is_a_warn(index: int, slow: float, status: Status, make_context: MakeContext) -> None:
    """A query or a write slower than the limit is a WARN that names it; connecting does not count."""
    took = [1.0, 0.0, 0.0]
    took[index] = slow
    ticks = iter([tick for begun in range(3) for tick in (begun * 10.0, begun * 10.0 + took[begun])])
    outcome = run(make_context, FakePostgres(), clock=lambda: next(ticks))
    assert outcome.status is status
    if status is Status.WARN:
        assert ("select", "write")[index - 1] in outcome.summary
        assert outcome.hint


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        ("connection to server at 1, port 1 failed: Connection refused", Status.FAIL, "refuses connections"),
        ("fe_sendauth: no password supplied", Status.FAIL, "requires a password"),
        ('could not translate host name "x" to address: Name or service not known', Status.FAIL, "does not resolve"),
        ('could not translate host name "x" to address: Temporary failure', Status.ERROR, "cannot be resolved now"),
        ("connection to server failed: timeout expired", Status.ERROR, "not answer in time"),
        ("server closed the connection unexpectedly\n\tThis probably means", Status.ERROR, "could not be asked"),
        ("received invalid response to SSL negotiation: H", Status.ERROR, "is not Postgres' protocol"),
        ("", Status.ERROR, "could not be asked: OperationalError"),
    ],
)
def test_refusals_are_told_apart(text: str, status: Status, told: str, make_context: MakeContext) -> None:
    """Each way in which Postgres refuses a connection has its own status, words and next step."""

    def refuse(_: Any) -> Any:
        raise psycopg2.OperationalError(text)

    outcome = PostgresCheck().run(make_context(open_postgres=refuse))
    assert (outcome.status, told in outcome.summary) == (status, True), outcome.summary
    assert outcome.hint
    assert "\n" not in outcome.summary + outcome.actual


def coded(code: str | None, text: str) -> psycopg2.Error:
    kind = type("Coded", (psycopg2.OperationalError,), {"pgcode": code})
    error: psycopg2.Error = kind(text)
    return error


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (coded("57014", "canceling statement due to statement timeout"), Status.ERROR, "not answer in time"),
        (coded("25006", "cannot execute in a read-only transaction"), Status.FAIL, "read-only"),
        (
            coded("42501", "permission denied for table arbitrage_preflight_probe"),
            Status.FAIL,
            "does not let this role write",
        ),
        (coded("53100", "could not extend file: No space left"), Status.FAIL, "no room"),
        (coded("57P01", "terminating connection due to administrator command"), Status.ERROR, "ended the session"),
        (coded("XX000", "something new\nand more"), Status.ERROR, "something new"),
        (coded(None, "server closed the connection unexpectedly"), Status.ERROR, "could not be asked"),
        (psycopg2.InterfaceError(""), Status.ERROR, "InterfaceError"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("query", ["BEGIN", "SELECT set_config", "SELECT 1", "CREATE", "INSERT", "ROLLBACK"])
def test_failures_are_told_apart(
    query: str, error: Exception, status: Status, told: str, make_context: MakeContext
) -> None:
    """Each failure of a query is judged by its SQLSTATE; one that is not known is ERROR."""
    outcome = run(
        make_context, FakePostgres(**{"SELECT has_any": (None, None if query == "CREATE" else True), query: error})
    )
    assert (outcome.status, told in outcome.summary) == (status, True), outcome.summary
    assert outcome.hint
    assert "\n" not in outcome.summary + outcome.actual


@pytest.mark.parametrize("missing", ["host", "user", "database"])
def test_no_address_is_an_error(missing: str, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """Without a complete address nothing is asked, and that is no PASS."""

    def refuse(_: Any) -> Any:
        raise AssertionError("asked")

    given = {"host": "h", "user": "u", "database": "d"}
    del given[missing]
    outcome = PostgresCheck().run(make_context(settings=make_settings(postgres=given), open_postgres=refuse))
    assert outcome.status is Status.ERROR
    assert "PREFLIGHT_POSTGRES__HOST" in outcome.hint


def test_the_real_client_against_a_closed_port(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """The real library against an address where nobody listens gives FAIL, and no password in any text."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        given = {"host": "127.0.0.1", "port": probe.getsockname()[1], "user": "u", "database": "d", "password": SECRET}
        outcome = PostgresCheck().run(make_context(settings=make_settings(postgres=given)))
    assert (outcome.status, "refuses connections" in outcome.summary) == (Status.FAIL, True)
    assert SECRET not in repr(outcome)


def test_the_real_client_against_a_silent_server(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A server that takes the connection and says nothing is an ERROR within libpq's shortest time, 2 s."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        given = {"host": "127.0.0.1", "port": server.getsockname()[1], "user": "u", "database": "d", "timeout": 0.2}
        outcome = PostgresCheck().run(make_context(settings=make_settings(postgres=given)))
    assert outcome.status is Status.ERROR
    assert outcome.hint
