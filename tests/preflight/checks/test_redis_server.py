"""G5, G6, G8: a Redis that reads back what was written and is still not enough for the bot. Each on real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from acceptance.stack.ports import HOST
from acceptance.stack.wait import Observation, wait_until
from preflight.check import Context
from preflight.checks.redis import RedisCheck
from preflight.model import Status
from tests.preflight.checks.conftest import PASSWORD, Ask, Start

SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))


@contextmanager
def client(port: int, password: str | None = None) -> Iterator[redis.Redis]:
    """A client with which to set a server up."""
    with closing(redis.Redis(host=HOST, port=port, password=password, decode_responses=True)) as opened:
        yield opened


@contextmanager
def unable_to_save(port: int) -> Iterator[None]:
    """Make a server's last snapshot a failed one; with what is in its way it would not end either."""
    with client(port) as opened:
        obstacle = Path(str(opened.config_get("dir")["dir"])) / "dump.rdb"
        obstacle.mkdir()
        opened.bgsave()

        def failed() -> Observation[None]:
            told = opened.info("persistence")["rdb_last_bgsave_status"]
            return Observation(done=told == "err", said=told)

        wait_until(failed, asked="INFO persistence", timeout=10)
        try:
            yield
        finally:
            obstacle.rmdir()


@pytest.mark.parametrize("primary", ["there", "gone"])
def test_g5_a_replica_that_takes_writes(primary: str, start: Start, ask: Ask) -> None:
    """It reads back what was written, and its primary never sees it: FAIL, also where the primary is gone."""
    followed = start() if primary == "there" else 1
    port = start(f"replicaof {HOST} {followed}", "replica-read-only no")
    outcome = ask(port)

    assert (outcome.status, "is a replica" in outcome.summary) == (Status.FAIL, True), outcome
    with client(port) as opened:
        opened.replicaof("NO", "ONE")
    assert ask(port).status is Status.PASS


@pytest.mark.parametrize("denied", ["-role", "-role -info"])
def test_g5_a_role_that_may_not_be_asked(denied: str, start: Start, ask: Ask) -> None:
    """INFO tells it too; a user who may use neither gets no PASS, and what to grant."""
    port = start(f"user bot on >{PASSWORD} ~* +@all {denied}")
    outcome = ask(port, username="bot", password=PASSWORD)

    if denied == "-role":
        assert "lets everybody in" in outcome.summary  # the role was no matter: the next question was asked
    else:
        assert (outcome.status, "ACL SETUSER bot +role" in outcome.hint) == (Status.ERROR, True), outcome


def test_g5_a_server_that_knows_neither(start: Start, ask: Ask) -> None:
    """As some proxies are: it took the write, and whether from a primary nobody can say."""
    port = start("rename-command ROLE ''", "rename-command INFO ''")
    outcome = ask(port)
    assert (outcome.status, "knows neither ROLE nor INFO" in outcome.summary) == (Status.WARN, True), outcome
    worse = ask(port, env="live", username="default", password=PASSWORD)
    assert (worse.status, "lets everybody in" in worse.summary) == (Status.FAIL, True), worse


def _cluster(port: int, *words: str | int) -> Any:
    with client(port) as opened:
        return opened.execute_command("CLUSTER", *words)  # type: ignore[no-untyped-call]


def _wait_for_cluster(port: int, nodes: int) -> None:
    def told() -> Observation[None]:
        said = _cluster(port, "INFO").split()
        return Observation(done={"cluster_state:ok", f"cluster_known_nodes:{nodes}"} <= set(said), said=" ".join(said))

    wait_until(told, asked=f"CLUSTER INFO at {port}", timeout=30)


def _three_nodes(start: Start) -> list[int]:
    ports = [start("cluster-enabled yes") for _ in SLOTS]
    with client(ports[0]) as opened:
        bus = str(opened.config_get("cluster-port")["cluster-port"])
    for number, (port, slots) in enumerate(zip(ports, SLOTS, strict=True), start=1):
        _cluster(port, "ADDSLOTSRANGE", *slots)
        _cluster(port, "SET-CONFIG-EPOCH", number)
        _cluster(port, "MEET", HOST, ports[0], bus)
    for port in ports:
        _wait_for_cluster(port, len(ports))
    return ports


def test_g6_a_cluster_is_named_whatever_the_key(start: Start, ask: Ask) -> None:
    """Each node refuses it by name with each key, also with keys that are its own."""
    ports = _three_nodes(start)
    outcomes = [ask(port, run_id=f"r{number}") for port in ports for number in range(6)]

    assert {outcome.status for outcome in outcomes} == {Status.FAIL}
    assert [outcome for outcome in outcomes if "Redis Cluster" not in outcome.summary] == []


def test_g6_a_cluster_of_one_and_one_that_is_down(start: Start, ask: Ask) -> None:
    """A node that has all the slots is still no single Redis; one without any says CLUSTERDOWN."""
    port = start("cluster-enabled yes")
    assert "Redis Cluster" in ask(port).summary

    _cluster(port, "ADDSLOTSRANGE", 0, 16383)
    _wait_for_cluster(port, 1)
    outcome = ask(port)
    assert (outcome.status, "Redis Cluster" in outcome.summary) == (Status.FAIL, True), outcome


@pytest.mark.parametrize(("env", "status"), [("paper", Status.WARN), ("live", Status.FAIL)])
@pytest.mark.parametrize(
    ("lines", "username"),
    [
        ((), "default"),  # a server that knows users takes any password for one that has none
        ((f"user bot on >{PASSWORD} ~* +@all",), "bot"),
    ],
    ids=["no password", "default user without"],
)
def test_g8_a_redis_that_asks_for_no_password(  # noqa: PLR0917 - a table
    lines: tuple[str, ...], username: str, env: str, status: Status, start: Start, ask: Ask
) -> None:
    """A password is configured and everybody is let in without: said, and no GO in live."""
    outcome = ask(start(*lines), env=env, username=username, password=PASSWORD)
    assert (outcome.status, "lets everybody in" in outcome.summary) == (status, True), outcome


@pytest.mark.parametrize("protocol", [2, 3])
def test_g8_a_login_that_is_refused_for_want_of_a_password(
    protocol: int, start: Start, make_settings: Callable[..., Any], make_context: Callable[..., Context]
) -> None:
    """AUTH in the old protocol is refused where there is no password: the same is said, not that it is wrong."""
    port = start()
    settings = make_settings(redis={"host": HOST, "port": port, "password": PASSWORD, "slow_after": 1.9})

    def open_redis(given: Any) -> redis.Redis:
        password = given.redis.password
        shown = None if password is None else password.get_secret_value()
        return redis.Redis(host=HOST, port=port, password=shown, protocol=protocol, decode_responses=True)

    outcome = RedisCheck().run(make_context(settings=settings, open_redis=open_redis))
    assert (outcome.status, "lets everybody in" in outcome.summary) == (Status.WARN, True), outcome


@pytest.mark.parametrize(
    ("lines", "username"),
    [
        ((f"requirepass {PASSWORD}",), None),
        (("user default off", f"user bot on >{PASSWORD} ~* +@all"), "bot"),
    ],
    ids=["password", "user"],
)
def test_g8_a_redis_that_asks(lines: tuple[str, ...], username: str | None, start: Start, ask: Ask) -> None:
    """One that wants the password, or knows nobody without, is a PASS."""
    assert ask(start(*lines), username=username, password=PASSWORD).status is Status.PASS
