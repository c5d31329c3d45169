"""Whether it is the bot's own Redis that answers: how it proved itself, its certificate, its Sentinels, its age."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from redis.exceptions import RedisError
from redis.sentinel import MasterNotFoundError

from preflight.check import Context
from preflight.checks.certificates import client_certificate
from preflight.checks.certificates import judged as judged_by_certificates
from preflight.config.sections import RedisSection
from preflight.message import joined, message
from preflight.model import Outcome, Status
from preflight.servers.certificates import Refusal, refusal_of
from preflight.servers.redis import UnprovenRedisError, end_of_certificate

_RESP3_SINCE = 6  # major version of Redis

_STRANGER = Refusal(
    meaning=message("cannot prove to be the bot's"),
    hint=message(
        "use TLS (PREFLIGHT_REDIS__TLS) or a Unix socket (PREFLIGHT_REDIS__SOCKET); a Redis on "
        "this machine may run as root, as this user or as an account of "
        "PREFLIGHT_REDIS__OWNERS: find out who listens there"
    ),
)
_NO_PRIMARY = Refusal(
    meaning=message("cannot be found: no Sentinel names a primary"),
    hint=message("check PREFLIGHT_REDIS__SENTINELS, __MASTER and __SENTINEL_PASSWORD against `SENTINEL MASTERS` there"),
)


def refusal(error: Exception, where: str, settings: RedisSection) -> Outcome | None:
    """Return why the server could not be trusted or found; None where the error is about something else."""
    if isinstance(error, UnprovenRedisError):
        why: Refusal | None = _STRANGER
    elif isinstance(error, MasterNotFoundError):
        why = _NO_PRIMARY
    else:
        why = refusal_of(_cause(error), "REDIS")
    if why is None:
        return None
    proof = "TLS" if settings.tls else "the owner of its end of the connection"
    return Outcome(
        status=Status.FAIL,
        summary=message("Redis at {where} {meaning}", where=where, meaning=why.meaning),
        hint=why.hint,
        expected=f"a Redis that proves to be the bot's, by {proof}",
        actual=str(error),
    )


def _cause(error: BaseException) -> BaseException:
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    return error


def judged(outcome: Outcome, client: Any, ctx: Context) -> Outcome:
    """Let a certificate that ends soon spoil a PASS, and tell of a server that is older than RESP3, or none."""
    settings = ctx.settings.redis
    if outcome.status is not Status.PASS:
        return outcome
    if settings.tls:
        ends: dict[str, datetime] = {message("Redis at {where}: its", where=settings.where): end_of_certificate(client)}
        outcome = judged_by_certificates(outcome, {**ends, **client_certificate(settings)}, ctx)
    found = _found(client)
    return replace(outcome, summary=joined((outcome.summary, found))) if found else outcome


def _found(client: Any) -> str:
    """Return what answers where it is not a Redis of these days; asked last, for some proxies hang up on it."""
    try:
        version = str(client.info("server").get("redis_version", ""))
    except RedisError:
        return message("it does not say which Redis it is: perhaps a proxy")
    major = version.partition(".")[0]
    return (
        message("it is Redis {version}, asked in RESP2", version=version)
        if major.isdecimal() and int(major) < _RESP3_SINCE
        else ""
    )
