"""G14, G21: why a real Redis refuses, and what answers and is none."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from acceptance.stack.ports import HOST
from acceptance.stack.wait import Observation, wait_until
from preflight.check import Context
from preflight.checks.live_safety import LiveSafetyCheck
from preflight.checks.redis import RedisCheck
from preflight.model import Outcome, Status
from tests.preflight.checks.conftest import Ask, Start
from tests.preflight.checks.test_redis_server import client, unable_to_save
from tests.preflight.servers import rogue


def test_g14_it_cannot_save(start: Start, ask: Ask) -> None:
    """MISCONF: a snapshot failed, and the server takes no writes."""
    port = start("save 3600 1000")
    with unable_to_save(port):
        outcome = ask(port)
    assert (outcome.status, "cannot save to its disk" in outcome.summary) == (Status.FAIL, True), outcome
    assert outcome.said.startswith("MISCONF")


@pytest.mark.parametrize(
    ("lines", "section", "meaning"),
    [
        (("databases 4",), {"db": 9}, "has no such database"),
        (("min-replicas-to-write 1",), {}, "too few replicas follow it"),
        (
            (f"replicaof {HOST} 1", "replica-serve-stale-data no", "replica-read-only no"),
            {},
            "is a replica that has lost its primary",
        ),
    ],
    ids=["database", "NOREPLICAS", "MASTERDOWN"],
)
def test_g14_a_refusal(
    lines: tuple[str, ...],
    section: dict[str, Any],
    meaning: str,
    start: Start,
    ask: Ask,
) -> None:
    """Each is a FAIL with words of its own, and the server's below."""
    outcome = ask(start(*lines), **section)
    assert (outcome.status, meaning in outcome.summary) == (Status.FAIL, True), outcome
    assert outcome.said


def test_g14_no_connection_left(start: Start, ask: Ask) -> None:
    """maxclients, reached for real."""
    port = start("maxclients 1")
    with client(port) as opened:
        opened.ping()
        outcome = ask(port)
    assert (outcome.status, "has no connection left" in outcome.summary) == (Status.FAIL, True), outcome


def test_g14_a_refusal_a_moment_later(start: Start, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server takes a connection when it comes to it: its refusal is heard also after the first look at it."""
    looks: list[Any] = []
    library = redis.Connection.can_read

    def late(connection: redis.Connection, timeout: float = 0) -> bool:
        looks.append(connection._sock)
        return looks.count(connection._sock) > 1 and library(connection, max(timeout, 5))

    port = start("maxclients 1")
    with client(port) as opened:
        opened.ping()
        monkeypatch.setattr(redis.Connection, "can_read", late)
        outcome = ask(port)
    assert len(looks) > len(set(looks)), looks  # it was looked at twice
    assert (outcome.status, "has no connection left" in outcome.summary) == (Status.FAIL, True), outcome


def test_g14_protected_mode(start: Start, ask: Ask) -> None:
    """A server without a password that turns away whoever does not come from its own machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # nothing is sent: it tells by which address others reach this machine
        outer = str(probe.getsockname()[0])
    outcome = ask(start(f"bind {HOST} {outer}", "protected-mode yes"), host=outer)
    assert (outcome.status, "is in protected mode" in outcome.summary) == (Status.FAIL, True), outcome
    assert outcome.said.startswith("DENIED")


NONSENSE = (
    *(b":abc\r\n", b"$x\r\n", b"*1\r\n" * 3000, b"$2\r\n\xff\xfe\r\n", b"HTTP/1.1 400\r\n\r\n", b"_\r\n"),
    b"SSH-2.0-OpenSSH_9.2\r\n",
)


@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda data: repr(data[:12]))
@pytest.mark.parametrize("after", ["at once", "INFO", "ROLE", "GET"])
@pytest.mark.parametrize("check", [RedisCheck(), LiveSafetyCheck()], ids=lambda check: check.id)
def test_g21_no_redis(  # noqa: PLR0917 - a table
    check: RedisCheck | LiveSafetyCheck,
    after: str,
    nonsense: bytes,
    tmp_path: Path,
    make_settings: Callable[..., Any],
    make_context: Callable[..., Context],
) -> None:
    """Whatever it answers, and to which question: ERROR, no exception; said by name where nothing else was."""

    def serve(connection: socket.socket, note: Callable[[bytes], None]) -> None:
        while data := connection.recv(65536):
            note(data)
            good = b"$%d\r\n%s\r\n" % (len(b"role:master"), b"role:master") if b"INFO" in data else b"+PONG\r\n"
            connection.sendall(nonsense if after == "at once" or after.encode() in data else good)

    live = {"armed": True, "max_order_krw": 1, "max_daily_loss_krw": 1}
    with rogue.thread(serve, tmp_path / "heard") as server:
        section = {"host": HOST, "port": server.port, "timeout": 0.5}
        settings = make_settings(env="live", live=live, redis=section)
        outcome: Outcome = check.run(make_context(settings=settings))
    assert outcome.status in {Status.ERROR, Status.FAIL}, outcome
    assert outcome.hint
    if after == "at once" and check.id == "redis":
        assert (outcome.status, "is not Redis' protocol" in outcome.summary) == (Status.ERROR, True), outcome


@pytest.mark.parametrize("command", ["SET", "DEL"])
def test_g14_a_command_that_it_does_not_know(command: str, start: Start, ask: Ask) -> None:
    """Renamed, or a Sentinel, or a proxy: FAIL, and not `see the log`."""
    outcome = ask(start(f"rename-command {command} ''"))
    assert (outcome.status, "does not know a command" in outcome.summary) == (Status.FAIL, True), outcome
    assert "PREFLIGHT_REDIS__SENTINELS" in outcome.hint


def test_g14_a_script_that_does_not_end(start: Start, ask: Ask) -> None:
    """BUSY: it cannot be told, and what to do is said."""
    port = start("lua-time-limit 50")
    with client(port) as opened, socket.create_connection((HOST, port)) as other:
        other.sendall(b"EVAL 'while true do end' 0\r\n")

        def busy() -> Observation[None]:
            try:
                return Observation(done=not opened.ping(), said="PONG")
            except redis.ResponseError as error:
                return Observation(done=str(error).startswith("BUSY"), said=str(error))

        wait_until(busy, asked="PING", timeout=10)
        outcome = ask(port)
        opened.script_kill()
    assert (outcome.status, "SCRIPT KILL" in outcome.hint) == (Status.ERROR, True), outcome
