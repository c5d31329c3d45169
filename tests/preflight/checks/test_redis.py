from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from typing import Any

import pytest
import redis

from preflight.check import Context
from preflight.checks.redis import RedisCheck
from preflight.model import Outcome, Status

MakeContext = Callable[..., Context]
SECRET = "hunter2-Canary"


class FakeRedis:
    """A Redis in memory that answers, lies, or raises at one command."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.kept: dict[str, str] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.closed = False

    def _say(self, name: str, *given: Any, honest: Any) -> Any:
        self.calls.append((name, *given))
        answer = self.answers.get(name, honest)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def ping(self) -> Any:
        """PING."""
        return self._say("ping", honest=True)

    def set(self, key: str, value: str, *, ex: int) -> Any:
        """SET."""
        self.kept[key] = value
        return self._say("set", key, ex, honest=True)

    def get(self, key: str) -> Any:
        """GET."""
        return self._say("get", key, honest=self.kept.get(key))

    def delete(self, *keys: str) -> Any:
        """DEL."""
        if len(keys) > 1:  # whether it is a cluster
            return 0
        return self._say("delete", *keys, honest=sum(self.kept.pop(key, None) is not None for key in keys))

    def role(self) -> Any:
        """ROLE."""
        return ["master", 0, []]

    def info(self, section: str) -> Any:
        """INFO; what the time of the gate's own questions says nothing about."""
        return self._say("info", section, honest={"redis_version": "7.2.4"})

    def close(self) -> None:
        """Take note."""
        self.closed = True


def run(make_context: MakeContext, server: FakeRedis, **given: Any) -> Outcome:
    outcome = RedisCheck().run(make_context(open_redis=lambda _: server, **given))
    assert server.closed
    return outcome


def test_pass(make_context: MakeContext) -> None:
    """PING, SET with a TTL, GET of the same value and DEL of one key of this run, each timed, is a PASS."""
    server = FakeRedis()
    ticks = itertools.count(0, 0.25)
    outcome = run(make_context, server, clock=lambda: next(ticks) * 0.1)
    assert outcome.status is Status.PASS
    key = "arbitrage:preflight:20261123T141500Z-1a2b3c4d"
    last = ("info", "server")  # after all that is timed: some proxies hang up on it
    assert server.calls == [("ping",), ("ping",), ("set", key, 30), ("get", key), ("delete", key), last]
    assert outcome.timings == {name: pytest.approx(0.025) for name in ("connect", "ping", "set", "get", "del")}
    assert server.kept == {}


@pytest.mark.parametrize(
    ("answers", "actual"),
    [
        ({"ping": False}, "PING False"),
        ({"ping": "PONG"}, "PING PONG"),
        ({"set": None}, "SET None"),
        ({"get": None}, "GET another value"),
        ({"get": "yesterday's"}, "GET another value"),
        ({"delete": 0}, "DEL 0"),
        ({"delete": 2}, "DEL 2"),
    ],
    ids=str,
)
def test_lies_are_a_fail(answers: dict[str, Any], actual: str, make_context: MakeContext) -> None:
    """A server that answers anything but what was asked for does not keep what it is given."""
    outcome = run(make_context, FakeRedis(**answers))
    assert outcome.status is Status.FAIL
    assert actual in outcome.actual
    assert outcome.hint


@pytest.mark.parametrize(("slow", "status"), [(0.4, Status.PASS), (0.6, Status.WARN)])
@pytest.mark.parametrize("index", range(4), ids=["ping", "set", "get", "del"])
def test_slow_is_a_warn(index: int, slow: float, status: Status, make_context: MakeContext) -> None:
    """Any one answer slower than the limit is a WARN that names it; connecting does not count."""
    took = [5.0, 0.0, 0.0, 0.0, 0.0]
    took[index + 1] = slow
    ticks = iter([tick for begun in range(5) for tick in (begun * 10.0, begun * 10.0 + took[begun])])
    outcome = run(make_context, FakeRedis(), clock=lambda: next(ticks))
    assert outcome.status is status
    if status is Status.WARN:
        assert ("PING", "SET", "GET", "DEL")[index] in outcome.summary
        assert "600 ms" in outcome.actual
        assert outcome.hint
    assert outcome.timings[("ping", "set", "get", "del")[index]] == pytest.approx(slow)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


CONNECTION = redis.exceptions.ConnectionError
NO_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
TRY_AGAIN = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (redis.exceptions.AuthenticationError("invalid username-password pair"), Status.FAIL, "refuses the password"),
        (redis.exceptions.AuthenticationError("Authentication required."), Status.FAIL, "refuses the password"),
        (redis.exceptions.ResponseError("NOAUTH Authentication required."), Status.FAIL, "refuses the password"),
        (redis.exceptions.ResponseError("WRONGPASS invalid"), Status.FAIL, "refuses the password"),
        (redis.exceptions.ReadOnlyError("You can't write against a read only replica."), Status.FAIL, "replica"),
        (redis.exceptions.OutOfMemoryError("command not allowed"), Status.FAIL, "out of memory"),
        (redis.exceptions.ResponseError("OOM command not allowed"), Status.FAIL, "out of memory"),
        (redis.exceptions.NoPermissionError("this user has no permissions"), Status.FAIL, "does not let this user"),
        (caused(CONNECTION("Error 111"), ConnectionRefusedError(111, "refused")), Status.FAIL, "refuses connections"),
        (caused(CONNECTION("Error -2"), NO_NAME), Status.FAIL, "does not resolve"),
        (caused(CONNECTION("Error -3"), TRY_AGAIN), Status.ERROR, "does not resolve"),
        (redis.exceptions.BusyLoadingError("loading the dataset in memory"), Status.ERROR, "still loading"),
        (redis.exceptions.TimeoutError("Timeout reading from socket"), Status.ERROR, "not answer within 2 s"),
        (CONNECTION("Connection closed by server."), Status.ERROR, "dropped the connection"),
        (caused(CONNECTION("Error 104"), ConnectionResetError(104, "reset")), Status.ERROR, "dropped the connection"),
        (redis.exceptions.InvalidResponse("Protocol Error: b'HTTP'"), Status.ERROR, "is not Redis' protocol"),
        (redis.exceptions.ResponseError("ERR something new"), Status.ERROR, "something new"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value)[:60],
)
@pytest.mark.parametrize("command", ["ping", "set", "get", "delete"])
def test_failures_are_told_apart(
    command: str, error: Exception, status: Status, told: str, make_context: MakeContext
) -> None:
    """Each way in which Redis says no has its own status, words and next step; what is not known is ERROR."""
    outcome = run(make_context, FakeRedis(**{command: error}))
    assert (outcome.status, told in outcome.summary) == (status, True), outcome.summary
    assert outcome.hint
    assert outcome.expected


def test_other_exceptions_are_not_swallowed(make_context: MakeContext) -> None:
    """What is no error of Redis goes up to the runner, and the connection is closed."""
    server = FakeRedis(get=ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        RedisCheck().run(make_context(open_redis=lambda _: server))
    assert server.closed


def test_no_address_is_an_error(make_context: MakeContext, make_settings: Callable[..., Any]) -> None:
    """Without an address nothing is asked, and that is no PASS."""

    def refuse(_: Any) -> Any:
        raise AssertionError("asked")

    outcome = RedisCheck().run(make_context(settings=make_settings(redis={}), open_redis=refuse))
    assert outcome.status is Status.ERROR
    assert "PREFLIGHT_REDIS__HOST" in outcome.hint


def test_the_real_client_against_a_closed_port(make_context: MakeContext, make_settings: Callable[..., Any]) -> None:
    """The real library against an address where nobody listens gives FAIL, fast, and no password in any text."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        settings = make_settings(redis={"host": "127.0.0.1", "port": port, "password": SECRET})
        outcome = RedisCheck().run(make_context(settings=settings))
    assert (outcome.status, outcome.summary) == (Status.FAIL, f"Redis at 127.0.0.1:{port} refuses connections")
    assert SECRET not in repr(outcome)


def test_the_real_client_against_a_silent_server(make_context: MakeContext, make_settings: Callable[..., Any]) -> None:
    """A server that takes the connection and says nothing is an ERROR after the configured time, not after more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        given = {"host": "127.0.0.1", "port": server.getsockname()[1], "timeout": 0.2}
        outcome = RedisCheck().run(make_context(settings=make_settings(redis=given)))
    assert (outcome.status, "not answer within 0.2 s" in outcome.summary) == (Status.ERROR, True)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"redis_version": "5.0.14"}, "; it is Redis 5.0.14, asked in RESP2"),
        (redis.ResponseError("unknown command"), "; it does not say which Redis it is: perhaps a proxy"),
        (redis.ConnectionError("closed"), "; it does not say which Redis it is: perhaps a proxy"),
        ({"redis_version": "6.0.0"}, ""),
    ],
)
def test_g11_what_was_found_is_said(told: Any, says: str, make_context: MakeContext) -> None:
    """A server before Redis 6, or a proxy, is spoken to all the same, and the summary says so."""
    outcome = run(make_context, FakeRedis(info=told))
    assert outcome.status is Status.PASS
    assert outcome.summary.partition(" ms)")[2] == says
