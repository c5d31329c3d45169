"""What kind of server a Redis is: one of a cluster, a replica, open to everybody. None of these is the bot's one store.

Each is told by how it answers, whatever key this run happens to use.
"""

from __future__ import annotations

from typing import Any

from preflight.check import Context
from preflight.message import message
from preflight.model import Env, Outcome, Status

_TELLS_KIND = "a primary that stands for itself and asks for the password"
# Two keys of different hash slots (15495 and 3300): every node of every cluster refuses to take them together.
_TWO_SLOTS = ("arbitrage:preflight:{a}", "arbitrage:preflight:{b}")
# How AUTH with a password alone is refused where there is none, from Redis 6 on and before.
_NO_PASSWORD_THERE = ("without any password configured", "no password is set")
_PRIMARY = "master"  # as ROLE and INFO call it


def refuse_cluster(client: Any) -> None:
    """Return where the server is no part of a Redis Cluster; nothing is deleted, for these keys are never set.

    Raises:
        redis.exceptions.ResponseError: It is: see `told_by`. Or it refuses DEL.
    """
    client.delete(*_TWO_SLOTS)


def told_by(error: Exception, ctx: Context, where: str) -> Outcome | None:
    """Return what kind of server answers with such an error; None where the error does not tell."""
    from redis import exceptions  # noqa: PLC0415 - heavy

    if isinstance(error, exceptions.AuthenticationError) and any(part in str(error) for part in _NO_PASSWORD_THERE):
        return _asks_for_none(ctx, where, str(error))
    cluster = (
        exceptions.ClusterCrossSlotError,
        exceptions.AskError,
        exceptions.MovedError,
        exceptions.ClusterDownError,
    )
    # A replica whose primary is gone says MASTERDOWN, which the library takes for a kind of CLUSTERDOWN.
    if not isinstance(error, cluster) or isinstance(error, exceptions.MasterDownError):
        return None
    return Outcome(
        status=Status.FAIL,
        summary=message(
            "Redis at {where} is a node of a Redis Cluster, which holds only a part of the keys", where=where
        ),
        hint=message(
            "point PREFLIGHT_REDIS__HOST at a Redis that is not a cluster: neither this gate nor the engine follows one"
        ),
        expected=_TELLS_KIND,
        actual=str(error),
    )


def unfit(client: Any, ctx: Context, where: str) -> Outcome | None:
    """Return why what was written there proves nothing; None for a primary that wants the password that is configured.

    Raises:
        redis.exceptions.RedisError: It cannot be asked.
    """
    found = no_primary(client, ctx, where)
    if found is None or found.status is Status.WARN:  # which may hide nothing worse
        return _open_to_everybody(ctx, where) or found
    return found


def no_primary(client: Any, ctx: Context, where: str) -> Outcome | None:
    """Return that the server is a replica, or does not tell; None for a primary.

    Raises:
        redis.exceptions.RedisError: It cannot be asked.
    """
    from redis import exceptions  # noqa: PLC0415 - heavy

    does_not_know = (exceptions.ResponseError, exceptions.ConnectionError)  # some proxies hang up on what they do not
    try:
        role = _role(client, does_not_know)
    except exceptions.NoPermissionError as e:
        return Outcome(
            status=Status.ERROR,
            summary=message(
                "Redis at {where} does not tell this user whether it is a primary or a replica", where=where
            ),
            hint=message("let it ask: ACL SETUSER {username} +role", username=ctx.settings.redis.username or "default"),
            expected=_TELLS_KIND,
            actual=str(e),
        )
    except does_not_know:
        role = ""
    if role == _PRIMARY:
        return None
    if not role:  # a proxy: what is behind it took the write, and nobody knows what that is
        return Outcome(
            status=Status.WARN,
            summary=message(
                "Redis at {where} knows neither ROLE nor INFO: whether it is a primary cannot be determined",
                where=where,
            ),
            hint=message("see that the proxy there hands writes to a primary only"),
            expected=_TELLS_KIND,
            actual="no role",
        )
    return Outcome(
        status=Status.FAIL,
        summary=message("Redis at {where} is a replica that takes writes: its primary never sees them", where=where),
        hint=message("point PREFLIGHT_REDIS__HOST at the primary"),
        expected=_TELLS_KIND,
        actual=f"ROLE {role}",
    )


def _role(client: Any, does_not_know: tuple[type[Exception], ...]) -> Any:
    """Ask ROLE, which some hosted servers do not have and some users may not, or else INFO."""
    from redis.exceptions import InvalidResponse  # noqa: PLC0415 - heavy

    try:
        told = client.role()
        if not isinstance(told, list) or not told:
            raise InvalidResponse(f"ROLE answered {told!r}")
        return told[0]
    except does_not_know:
        return client.info("replication").get("role")


def _open_to_everybody(ctx: Context, where: str) -> Outcome | None:
    from redis import exceptions  # noqa: PLC0415 - heavy

    section = ctx.settings.redis
    if section.password is None:
        return None
    without = section.model_copy(update={"password": None, "username": None})
    stranger = ctx.open_redis(ctx.settings.model_copy(update={"redis": without}))
    try:
        stranger.ping()
    except (exceptions.AuthenticationError, exceptions.NoPermissionError):
        return None
    finally:
        stranger.close()
    return _asks_for_none(ctx, where, "PING answered without a password")


def _asks_for_none(ctx: Context, where: str, actual: str) -> Outcome:
    return Outcome(
        status=Status.FAIL if ctx.settings.env is Env.LIVE else Status.WARN,
        summary=message(
            "Redis at {where} lets everybody in: a password is configured, and it asks for none", where=where
        ),
        hint=message(
            "set requirepass on the server (or a password for its ACL user default), as in PREFLIGHT_REDIS__PASSWORD"
        ),
        expected=_TELLS_KIND,
        actual=actual,
    )
