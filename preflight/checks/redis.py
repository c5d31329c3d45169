"""redis: Redis answers, and reads back what was written."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from preflight.check import Context
from preflight.checks import redis_server
from preflight.config.sections import RedisSection
from preflight.memory import bounded_memory
from preflight.message import message
from preflight.model import Env, Outcome, Status
from preflight.servers.postgres_session import said

_TTL_SECONDS = 30  # what a run that dies half way leaves behind is gone after this


@dataclass(frozen=True, slots=True)
class RedisCheck:
    """PING, SET with a TTL, GET of the same value, DEL, each timed."""

    id: str = "redis"
    proves: str = message("Redis answers and reads back what was written")
    requires: tuple[str, ...] = ()
    timeout: float = 5.0
    network: bool = True
    imports: tuple[str, ...] = ("redis",)

    def run(self, ctx: Context) -> Outcome:
        """Ask the server; see docs/fault-matrix.md for what each fault gives."""
        settings = ctx.settings.redis
        if not settings.where:
            local = (
                "" if ctx.settings.env is Env.LIVE else message(", or run `make up` for a local stack")
            )  # which never serves live
            return Outcome(
                status=Status.ERROR,
                summary=message("no Redis address is configured, so there is nothing to ask"),
                hint=message("set PREFLIGHT_REDIS__HOST{local}", local=local),
            )
        import redis as library  # noqa: PLC0415 - 146 ms that only this check's process should pay

        from preflight.checks import redis_trust as trust  # noqa: PLC0415 - as above

        where = settings.where
        client = ctx.open_redis(ctx.settings)
        try:
            with bounded_memory():
                outcome = _exercise(client, ctx, where)
            return trust.judged(outcome, client, ctx)
        except (library.RedisError, UnicodeDecodeError) as e:
            known = trust.refusal(e, where, settings) or redis_server.told_by(e, ctx, where)
            return known or _explain(e, where, settings)
        finally:
            client.close()


def _exercise(client: Any, ctx: Context, where: str) -> Outcome:
    key, value = f"arbitrage:preflight:{ctx.run_id}", secrets.token_hex(16)
    timings: dict[str, float] = {}

    def timed(name: str, call: Callable[[], Any]) -> Any:
        begun = ctx.clock()
        answer = call()
        timings[name] = ctx.clock() - begun
        return answer

    timed("connect", client.ping)  # the first command pays for connecting and logging in
    redis_server.refuse_cluster(client)
    pong = timed("ping", client.ping)
    stored = timed("set", lambda: client.set(key, value, ex=_TTL_SECONDS))
    kept = timed("get", lambda: client.get(key))
    deleted = timed("del", lambda: client.delete(key))

    expected = "PONG, OK, the same value back, 1 key deleted"
    if pong is not True or stored is not True or kept != value or deleted != 1:
        return Outcome(
            status=Status.FAIL,
            summary=message("Redis at {where} did not read back what was written", where=where),
            hint=message("check maxmemory-policy and whether a proxy or another client removes keys"),
            expected=expected,
            actual=f"PING {pong}, SET {stored}, GET {'same' if kept == value else 'another value'}, DEL {deleted}",
            timings=timings,
        )
    if (unfit := redis_server.unfit(client, ctx, where)) is not None:
        return replace(unfit, timings=timings)
    slowest = max(("ping", "set", "get", "del"), key=lambda name: timings[name])
    limit = ctx.settings.redis.slow_after
    if timings[slowest] > limit:
        return Outcome(
            status=Status.WARN,
            summary=message(
                "Redis at {where} is slow: {slowest} took {ms:.0f} ms",
                where=where,
                slowest=slowest.upper(),
                ms=timings[slowest] * 1000,
            ),
            hint=message("look at `redis-cli --latency` and SLOWLOG on the server"),
            expected=f"each answer within {limit * 1000:.0f} ms",
            actual=f"{timings[slowest] * 1000:.0f} ms",
            timings=timings,
        )
    return Outcome(
        status=Status.PASS,
        summary=message(
            "Redis at {where} reads back what was written (GET {ms:.2f} ms)", where=where, ms=timings["get"] * 1000
        ),
        expected=expected,
        actual=expected,
        timings=timings,
    )


def _explain(error: Exception, where: str, settings: RedisSection) -> Outcome:
    """Tell the ways apart in which Redis says no. What is not known here is a could-not-tell."""
    import redis as library  # noqa: PLC0415

    from preflight.servers.redis_refusals import meaning_of  # noqa: PLC0415 - loads redis

    text = said(error, () if settings.password is None else (settings.password.get_secret_value(),))
    root = _root_cause(error)
    known = meaning_of(error)
    status, summary, hint = (
        Status.ERROR,
        message("Redis at {where}: {kind}: {text}", where=where, kind=type(error).__name__, text=text),
        message("see the server's log"),
    )
    if known is not None:
        status, meaning, hint = known
        summary = message("Redis at {where} {meaning}", where=where, meaning=meaning)
    elif isinstance(error, library.TimeoutError):
        summary = message("Redis at {where} did not answer within {timeout:g} s", where=where, timeout=settings.timeout)
        hint = message("check the network path and the server's load; nothing can be said about its data")
    elif isinstance(root, socket.gaierror):
        unknown = root.errno == socket.EAI_NONAME
        status = Status.FAIL if unknown else Status.ERROR
        summary = message(
            "the name of the Redis host {host!r} does not resolve: {strerror}",
            host=settings.host,
            strerror=root.strerror,
        )
        hint = message("start it (a stopped container has no name), or check PREFLIGHT_REDIS__HOST and the name server")
    elif isinstance(root, ConnectionRefusedError | FileNotFoundError):
        status = Status.FAIL
        summary = message("Redis at {where} refuses connections", where=where)
        hint = message("start it, or correct PREFLIGHT_REDIS__HOST and __PORT")
    elif isinstance(error, library.ConnectionError):
        summary = message("Redis at {where} dropped the connection: {text}", where=where, text=text)
        hint = message("check the server's log and `maxclients`, and whether this is a Redis at all")
    return Outcome(
        status=status,
        summary=summary,
        hint=hint,
        expected="answers to PING, SET, GET and DEL",
        actual=text,
        said="" if known is None else text,
    )


def _root_cause(error: BaseException) -> BaseException:
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    return error
