"""Faults of Redis."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from tests.preflight.faults.proxy import Trouble
from tests.preflight.faults.rig import Rig
from tests.preflight.faults.row import Change, FaultRow, error, fail, warn


@contextlib.contextmanager
def as_it_is(_: Rig) -> Iterator[Change]:
    """Nothing wrong."""
    yield Change()


@contextlib.contextmanager
def replica(rig: Rig) -> Iterator[Change]:
    """The real Redis, told to follow a primary that is not there."""
    with rig.redis() as client:
        client.replicaof("127.0.0.1", "1")
        try:
            yield Change()
        finally:
            client.replicaof("NO", "ONE")


@contextlib.contextmanager
def writable_replica(rig: Rig) -> Iterator[Change]:
    """The same, and told to take writes all the while."""
    with rig.redis() as client:
        client.config_set("replica-read-only", "no")
        try:
            with replica(rig) as change:
                yield change
        finally:
            client.config_set("replica-read-only", "yes")


@contextlib.contextmanager
def no_password(rig: Rig) -> Iterator[Change]:
    """The real Redis, letting everybody in."""
    with rig.redis() as client:
        guarded = client.config_get("protected-mode")["protected-mode"] or "yes"
        client.config_set("protected-mode", "no")  # it would turn away whoever comes from another machine
        client.config_set("requirepass", "")
        try:
            yield Change()
        finally:
            client.config_set("requirepass", rig.setting("redis", "password"))
            client.config_set("protected-mode", guarded)


@contextlib.contextmanager
def out_of_memory(rig: Rig) -> Iterator[Change]:
    """The real Redis, allowed one byte."""
    with rig.redis() as client:
        allowed = client.config_get("maxmemory")["maxmemory"] or "0"
        client.config_set("maxmemory", 1)
        try:
            yield Change()
        finally:
            client.config_set("maxmemory", allowed)


@contextlib.contextmanager
def key_set(rig: Rig, key: str, value: str) -> Iterator[Change]:
    """A key in the real Redis."""
    with rig.redis() as client:
        client.set(key, value)
        try:
            yield Change()
        finally:
            client.delete(key)


@contextlib.contextmanager
def configured(rig: Rig, name: str, value: str) -> Iterator[Change]:
    """The real Redis with another value in its configuration."""
    with rig.redis() as client:
        before = client.config_get(name)[name] or ""
        client.config_set(name, value)
        try:
            yield Change()
        finally:
            client.config_set(name, before)


def unknown_name(service: str, *, also: str) -> AbstractContextManager[Change]:
    """A host name that no name server knows; RFC 6761 keeps `.invalid` free of hosts.

    A machine whose name server is silent cannot know that, and must say so: there the row is an ERROR.
    """
    name = f"{service}.invalid"
    instead: dict[str, Any] = {}
    try:
        socket.getaddrinfo(name, 1)
    except socket.gaierror as e:
        if e.errno != socket.EAI_NONAME:
            instead = {**error(), "words": (also,)}
    return contextlib.nullcontext(Change(env={f"PREFLIGHT_{service.upper()}__HOST": name}, instead=instead))


ROWS = (
    FaultRow(
        id="none",
        fault="none: what the other rows are measured against",
        made="the servers as they are",
        check="redis",
        status="pass",
        exit_code=0,
        last_success=1.0,
        words=("reads back what was written",),
        make=as_it_is,
    ),
    FaultRow(
        id="none-live",
        fault="none in env live: what the rows in env live are measured against",
        made="the servers as they are, the exchanges and Telegram on a good day",
        check="redis",
        env="live",
        status="pass",
        exit_code=0,
        last_success=1.0,
        ready_for_live=1.0,
        words=("reads back what was written",),
        make=as_it_is,
    ),
    FaultRow(
        id="redis-down",
        fault="Redis is down",
        made="the server is stopped",
        check="redis",
        **fail(),
        words=("refuses connections",),
        alone=True,
        make=lambda rig: rig.stopped("redis"),
    ),
    FaultRow(
        id="redis-password",
        fault="wrong Redis password",
        made="another password in the settings",
        check="redis",
        **fail(),
        words=("refuses the password",),
        make=lambda _: contextlib.nullcontext(Change(env={"PREFLIGHT_REDIS__PASSWORD": secrets.token_hex(20)})),
    ),
    FaultRow(
        id="redis-replica",
        fault="Redis is a read-only replica",
        made="REPLICAOF on the server",
        check="redis",
        **fail(),
        words=("is a read-only replica",),
        alone=True,
        make=replica,
    ),
    FaultRow(
        id="redis-replica-writable",
        fault="Redis is a replica that takes writes",
        made="REPLICAOF and CONFIG SET replica-read-only no on the server",
        check="redis",
        **fail(),
        words=("is a replica that takes writes",),
        alone=True,
        make=writable_replica,
    ),
    FaultRow(
        id="redis-open",
        fault="a Redis password is configured, and the server asks for none",
        made="CONFIG SET requirepass '' and protected-mode no on the server",
        check="redis",
        **warn(),
        words=("lets everybody in",),
        alone=True,
        make=no_password,
    ),
    FaultRow(
        id="redis-open-live",
        fault="the same, and the bot would go live",
        made="CONFIG SET requirepass '' and protected-mode no on the server, env live",
        check="redis",
        env="live",
        **fail(),
        words=("lets everybody in",),
        alone=True,
        make=no_password,
    ),
    FaultRow(
        id="redis-oom",
        fault="Redis is out of memory",
        made="CONFIG SET maxmemory 1 on the server",
        check="redis",
        **fail(),
        words=("out of memory",),
        alone=True,
        make=out_of_memory,
    ),
    FaultRow(
        id="redis-slow",
        fault="Redis answers, but slowly",
        made="a proxy delays each answer by 0.1 s; slow_after is 0.05 s",
        check="redis",
        **warn(),
        words=("is slow",),
        make=lambda rig: rig.troubled("redis", Trouble(delay=0.1), PREFLIGHT_REDIS__SLOW_AFTER="0.05"),
    ),
    FaultRow(
        id="redis-late",
        fault="Redis takes 2 s for each answer",
        made="a proxy delays each answer by 2 s; timeout is 1 s",
        check="redis",
        **error(),
        words=("did not answer within 1 s",),
        make=lambda rig: rig.troubled("redis", Trouble(delay=2.0), PREFLIGHT_REDIS__TIMEOUT="1"),
    ),
    FaultRow(
        id="redis-dropped",
        fault="the connection to Redis breaks in the middle of an answer",
        made="a proxy hands on 3 bytes of the answer to GET, then resets the connection",
        check="redis",
        **error(),
        words=("dropped the connection",),
        make=lambda rig: rig.troubled("redis", Trouble(cut_on=b"\r\nGET\r\n")),
    ),
    FaultRow(
        id="redis-frozen",
        fault="Redis takes connections and answers nothing",
        made="the server is frozen (SIGSTOP); timeout is 0.5 s",
        check="redis",
        **error(),
        words=("did not answer within 0.5 s",),
        alone=True,
        make=lambda rig: rig.frozen("redis", PREFLIGHT_REDIS__TIMEOUT="0.5"),
    ),
    FaultRow(
        id="redis-black-hole",
        fault="something between takes everything and answers nothing",
        made="a proxy that swallows all; timeout is 0.5 s",
        check="redis",
        **error(),
        words=("did not answer within 0.5 s",),
        make=lambda rig: rig.troubled("redis", Trouble(silent=True), PREFLIGHT_REDIS__TIMEOUT="0.5"),
    ),
    FaultRow(
        id="redis-other",
        fault="what answers is no Redis",
        made="a proxy that speaks HTTP",
        check="redis",
        **error(),
        words=("answers something that is not Redis' protocol",),
        make=lambda rig: rig.troubled("redis", Trouble(answer=b"HTTP/1.1 400 Bad Request\r\n\r\n")),
    ),
    FaultRow(
        id="redis-name",
        fault="the name of the Redis host does not resolve (error where the name server itself is silent)",
        made="redis.invalid in the settings",
        check="redis",
        **fail(),
        words=("redis.invalid", "does not resolve"),
        make=lambda _: unknown_name("redis", also="redis"),
    ),
    FaultRow(
        id="kill-switch",
        fault="the kill switch is thrown",
        made="SET arbitrage:kill_switch 1 on the server, env live",
        check="live_safety",
        env="live",
        **fail(),
        words=("the kill switch is thrown", "arbitrage:kill_switch"),
        alone=True,
        make=lambda rig: key_set(rig, "arbitrage:kill_switch", "1"),
    ),
    FaultRow(
        id="kill-switch-evicted",
        fault="the Redis of the kill switch may evict it",
        made="CONFIG SET maxmemory-policy allkeys-lru on the server, env live",
        check="live_safety",
        env="live",
        **fail(),
        words=("may evict the kill switch", "allkeys-lru"),
        alone=True,
        make=lambda rig: configured(rig, "maxmemory-policy", "allkeys-lru"),
    ),
    FaultRow(
        id="kill-switch-forgotten",
        fault="the Redis of the kill switch forgets it at a restart",
        made="CONFIG SET appendonly no on the server, env live",
        check="live_safety",
        env="live",
        status="warn",
        exit_code=0,
        last_success=1.0,
        ready_for_live=1.0,
        words=("forgets the kill switch",),
        alone=True,
        make=lambda rig: configured(rig, "appendonly", "no"),
    ),
)
