"""G3: a kill switch that the server may forget is no kill switch. Each on a real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from acceptance.stack.ports import HOST
from preflight.check import Context
from preflight.checks.live_safety import LiveSafetyCheck
from preflight.checks.redis import RedisCheck
from preflight.model import Outcome, Status
from tests.preflight.checks.conftest import PASSWORD, Ask, Start
from tests.preflight.checks.test_redis_server import unable_to_save

LIVE = {"armed": True, "max_order_krw": 100_000, "max_daily_loss_krw": 500_000}
KEEPS = "appendonly yes"


@pytest.fixture
def ask(make_settings: Callable[..., Any], make_context: Callable[..., Context]) -> Ask:
    """Run live_safety against a server."""

    def run(port: int, **section: Any) -> Outcome:
        settings = make_settings(env="live", live=LIVE, redis={"host": HOST, "port": port, **section})
        return LiveSafetyCheck().run(make_context(settings=settings))

    return run


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl"])
def test_g3_a_redis_that_may_evict_the_kill_switch(policy: str, start: Start, ask: Ask) -> None:
    """Whatever the switch says now: one that is thrown may be gone a moment later."""
    outcome = ask(start(KEEPS, f"maxmemory-policy {policy}", "maxmemory 64mb"))
    assert (outcome.status, outcome.actual) == (Status.FAIL, f"maxmemory-policy {policy}"), outcome
    assert "CONFIG SET maxmemory-policy noeviction" in outcome.hint


@pytest.mark.parametrize("lines", [(KEEPS,), ("save 3600 1",)], ids=["append-only file", "snapshots"])
def test_g3_a_redis_that_keeps_it(lines: tuple[str, ...], start: Start, ask: Ask) -> None:
    """No eviction, and something on its disk: PASS."""
    assert ask(start(*lines)).status is Status.PASS


def test_g3_a_redis_that_forgets_it_at_a_restart(start: Start, ask: Ask) -> None:
    """Without persistence: WARN."""
    outcome = ask(start())
    assert (outcome.status, "forgets the kill switch when it restarts" in outcome.summary) == (Status.WARN, True)
    assert "CONFIG SET appendonly yes" in outcome.hint


def test_g3_a_redis_whose_disk_takes_nothing(start: Start, ask: Ask) -> None:
    """It is told to keep its data, cannot, and takes writes all the same: WARN, as without persistence."""
    port = start("save 3600 1000", "stop-writes-on-bgsave-error no")
    with unable_to_save(port):
        outcome = ask(port)
    assert (outcome.status, outcome.actual) == (Status.WARN, "rdb_last_bgsave_status err"), outcome
    assert "its disk is full" in outcome.hint


@pytest.mark.parametrize(
    ("denied", "lines", "status", "hint"),
    [
        ("-info", (KEEPS,), Status.PASS, ""),
        ("-config", (KEEPS,), Status.PASS, ""),
        ("-config", (), Status.WARN, "ACL SETUSER bot +config|get"),
        ("-config", ("maxmemory-policy allkeys-lru",), Status.FAIL, "noeviction"),
        ("-info", ("maxmemory-policy allkeys-lru",), Status.FAIL, "noeviction"),
        ("-info -config", (KEEPS,), Status.ERROR, "ACL SETUSER bot +info"),
    ],
)
def test_g3_a_user_who_may_not_ask(  # noqa: PLR0917 - a table
    denied: str, lines: tuple[str, ...], status: Status, hint: str, start: Start, ask: Ask
) -> None:
    """One of the two questions is enough; without an answer it is ERROR, with what to grant."""
    outcome = ask(start(f"user bot on >{PASSWORD} ~* +@all {denied}", *lines), username="bot", password=PASSWORD)
    assert (outcome.status, hint in outcome.hint) == (status, True), outcome


def test_g3_a_server_that_knows_neither_question(start: Start, ask: Ask) -> None:
    """As behind some proxies: nobody can say what becomes of the switch there."""
    outcome = ask(start(KEEPS, "rename-command INFO ''", "rename-command CONFIG ''"))
    assert (outcome.status, "neither INFO nor CONFIG" in outcome.summary) == (Status.ERROR, True), outcome


def test_g3_the_way_out_of_no_memory_is_no_eviction(
    start: Start, make_settings: Callable[..., Any], make_context: Callable[..., Context]
) -> None:
    """The advice where memory is full never is a policy that throws keys away."""
    settings = make_settings(redis={"host": HOST, "port": start("maxmemory 1")})
    outcome = RedisCheck().run(make_context(settings=settings))
    assert (outcome.status, "out of memory" in outcome.summary) == (Status.FAIL, True)
    assert "keep maxmemory-policy noeviction" in outcome.hint
