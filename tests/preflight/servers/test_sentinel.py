"""G13: Redis by Sentinel and by Unix socket, on real servers, with a failover while the run goes on."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from acceptance.stack.binaries.resolve import resolve
from acceptance.stack.wait import Observation, wait_until
from preflight.check import Context
from preflight.checks.live_safety import LiveSafetyCheck
from preflight.checks.redis import RedisCheck
from preflight.config.settings import Settings
from preflight.model import Status

HOST = "127.0.0.1"
PASSWORD = "made-up-for-a-minute"
MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Settings]


@dataclass(slots=True)
class Servers:
    """Processes of one Redis program."""

    program: str
    place: Path
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *lines: str, mode: str = "") -> int:
        """Start one with these lines of configuration; gives its port once it answers."""
        with socket.create_server((HOST, 0)) as free:
            port = int(free.getsockname()[1])
        config = self.place / f"{port}.conf"
        config.write_text("\n".join((f"port {port}", f"bind {HOST}", f"dir {self.place}", *lines, "")))
        argv = [self.program, str(config), *([mode] if mode else [])]
        with (self.place / f"{port}.log").open("wb") as log:
            self.running[port] = subprocess.Popen(argv, stdout=log, stderr=log)
        self.until(port, lambda client: client.ping() is True)
        return port

    def until(self, port: int, done: Callable[[Any], bool], seconds: float = 20) -> None:
        """Wait until a server says so."""
        password = self.password(port)
        with contextlib.closing(
            redis.Redis(HOST, port, password=password, decode_responses=True, protocol=2)
        ) as client:

            def probe() -> Observation[None]:
                try:
                    return Observation(done=done(client), said="not yet")
                except redis.RedisError as e:
                    return Observation(done=False, said=str(e))

            wait_until(probe, asked=f"port {port}", timeout=seconds)

    def password(self, port: int) -> str | None:
        """Give what opens it."""
        return PASSWORD if "requirepass" in (self.place / f"{port}.conf").read_text() else None


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Servers]:
    """Where Redis servers are started, and all of them ended."""
    servers = Servers(program=str(resolve("redis").binary), place=tmp_path)
    yield servers
    for process in servers.running.values():
        process.kill()
        process.wait()


@pytest.mark.parametrize("thrown_there", [False, True], ids=["not-thrown", "thrown"])
def test_g13_the_primary_is_asked_anew_after_a_failover(
    thrown_there: bool, started: Servers, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """The primary dies between two checks of a live run: the kill switch is read where the bot now writes."""
    both = (
        *("appendonly yes", 'save ""', f"requirepass {PASSWORD}", f"masterauth {PASSWORD}"),
        "repl-diskless-sync-delay 0",  # or it waits five seconds for another replica
    )
    primary = started.start(*both)
    replica = started.start(*both, f"replicaof {HOST} {primary}")
    started.until(replica, lambda client: client.info("replication")["master_link_status"] == "up")
    sentinel = started.start(
        f"sentinel monitor mymaster {HOST} {primary} 1",
        f"sentinel auth-pass mymaster {PASSWORD}",
        "sentinel down-after-milliseconds mymaster 1500",  # a busy machine must not look down
        "sentinel failover-timeout mymaster 2000",
        mode="--sentinel",
    )
    started.until(sentinel, lambda client: client.sentinel_master("mymaster")["num-slaves"] == 1)
    context = make_context(
        settings=make_settings(
            env="live",
            live={"armed": True, "max_order_krw": 1, "max_daily_loss_krw": 1},
            redis={"sentinels": [f"{HOST}:1", f"{HOST}:{sentinel}"], "master": "mymaster", "password": PASSWORD},
        )
    )

    before = RedisCheck().run(context)
    started.running[primary].kill()
    started.until(replica, lambda client: client.role()[0] == "master")
    started.until(sentinel, lambda client: client.sentinel_master("mymaster")["port"] == replica)
    if thrown_there:
        with contextlib.closing(redis.Redis(HOST, replica, password=PASSWORD)) as client:
            client.set(context.settings.live.kill_switch_key, "1")
    switch = LiveSafetyCheck().run(context)
    after = RedisCheck().run(context)

    assert (before.status, after.status) == (Status.PASS, Status.PASS), (before, after)
    assert "mymaster (by Sentinel)" in before.summary
    assert switch.status is (Status.FAIL if thrown_there else Status.PASS), switch


def test_g13_no_sentinel_that_knows_it_is_a_fail(
    started: Servers, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """Sentinels that answer, but know no such primary, are a FAIL with what to check."""
    sentinel = started.start(f"sentinel monitor other {HOST} 1 1", mode="--sentinel")
    reach = {"sentinels": f"{HOST}:{sentinel}", "master": "mymaster", "password": PASSWORD}
    outcome = RedisCheck().run(make_context(settings=make_settings(redis=reach)))
    assert (outcome.status, "no Sentinel names a primary" in outcome.summary) == (Status.FAIL, True), outcome


@pytest.mark.parametrize("env", ["paper", "live"])
@pytest.mark.parametrize("by", ["socket", "url"])
def test_g13_a_unix_socket(
    by: str, env: str, started: Servers, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """A socket of this user's own Redis is a PASS, in live too."""
    path = started.place / "redis.sock"
    started.start(f"unixsocket {path}", f"requirepass {PASSWORD}")
    reach = {"socket": str(path), "password": PASSWORD}
    if by == "url":
        reach = {"url": f"unix://:{PASSWORD}@{path}"}
    outcome = RedisCheck().run(make_context(settings=make_settings(env=env, redis=reach)))
    assert outcome.status is Status.PASS, outcome
    assert str(path) in outcome.summary


def test_g13_a_socket_that_is_not_there_is_a_fail(
    tmp_path: Path, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """A socket that does not exist is what a refused connection is elsewhere."""
    reach = {"socket": str(tmp_path / "missing.sock"), "password": PASSWORD}
    outcome = RedisCheck().run(make_context(settings=make_settings(redis=reach)))
    assert (outcome.status, "refuses connections" in outcome.summary) == (Status.FAIL, True), outcome


def test_g11_a_server_that_knows_neither_hello_nor_client(
    started: Servers, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """As before Redis 6 and behind proxies: a real server without HELLO, CLIENT and INFO is a PASS that says so."""
    gone = (f'rename-command {name} ""' for name in ("HELLO", "CLIENT", "INFO"))
    port = started.start(f"requirepass {PASSWORD}", *gone)
    reach = {"host": HOST, "port": port, "password": PASSWORD, "db": 3}
    outcome = RedisCheck().run(make_context(settings=make_settings(redis=reach)))
    assert outcome.status is Status.PASS, outcome
    assert outcome.summary.endswith("it does not say which Redis it is: perhaps a proxy")
