"""Whether a Redis keeps the kill switch: one that evicts keys or forgets them at a restart lets a stopped bot go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from preflight.check import Context
from preflight.message import message
from preflight.model import Outcome, Status

_EXPECTED = "maxmemory-policy noeviction, and an append-only file or snapshots on its disk"
_KEEPS_ALL = "noeviction"


def may_forget(client: Any, ctx: Context) -> Outcome | None:
    """Return why the server may lose a key that was set; None where it keeps it.

    INFO tells the policy and the append-only file, CONFIG GET all of it. Some users and servers have one of them.

    Raises:
        redis.exceptions.RedisError: It cannot be asked now.
    """
    settings = ctx.settings.redis
    where, cli, user = settings.where, settings.cli, settings.username or "default"
    info = _asked(lambda: {**client.info("memory"), **client.info("persistence")})
    names = ("maxmemory-policy", "appendonly", "save")  # one by one: before Redis 7 it takes no more
    config = _asked(lambda: {name: _setting(client, name) for name in names})
    policy = info.get("maxmemory_policy") or config.get("maxmemory-policy")
    if policy is None:
        return Outcome(
            status=Status.ERROR,
            summary=message(
                "Redis at {where} answers neither INFO nor CONFIG GET: whether it may evict the kill "
                "switch cannot be determined",
                where=where,
            ),
            hint=message(
                "let it ask: ACL SETUSER {user} +info +config|get; if it is a proxy, name the Redis behind it",
                user=user,
            ),
            expected=_EXPECTED,
            actual="unknown",
        )
    if policy != _KEEPS_ALL:
        return Outcome(
            status=Status.FAIL,
            summary=message(
                "Redis at {where} may evict the kill switch: its maxmemory-policy is {policy}",
                where=where,
                policy=policy,
            ),
            hint=message(
                "{cli} CONFIG SET maxmemory-policy noeviction, and the same in its configuration; a "
                "cache belongs into a Redis of its own",
                cli=cli,
            ),
            expected=_EXPECTED,
            actual=f"maxmemory-policy {policy}",
        )
    if (broken := _failing(info)) is not None:
        return Outcome(
            status=Status.WARN,
            summary=message(
                "Redis at {where} could not write its data to its disk: it forgets the kill switch when it restarts",
                where=where,
            ),
            hint=message("see its log, and whether its disk is full or its directory not writable"),
            expected=_EXPECTED,
            actual=broken,
        )
    if str(info.get("aof_enabled")) == "1" or config.get("appendonly") == "yes" or config.get("save"):
        return None
    if config.get("save") is None:
        return Outcome(
            status=Status.WARN,
            summary=message(
                "Redis at {where} does not tell whether it keeps the kill switch over a restart", where=where
            ),
            hint=message(
                "let it ask: ACL SETUSER {user} +config|get; or see that it has an append-only file or snapshots",
                user=user,
            ),
            expected=_EXPECTED,
            actual="no append-only file, snapshots unknown",
        )
    return Outcome(
        status=Status.WARN,
        summary=message(
            "Redis at {where} has no persistence: it forgets the kill switch when it restarts", where=where
        ),
        hint=message("{cli} CONFIG SET appendonly yes, and the same in its configuration", cli=cli),
        expected=_EXPECTED,
        actual="no append-only file, no snapshots",
    )


def _failing(info: dict[str, Any]) -> str | None:
    """Return what of the server's keeping fails: it may go on taking writes (stop-writes-on-bgsave-error no).

    After a restart an append-only file is read where there is one, and the snapshot is not.
    """
    kept = "aof_last_write_status" if str(info.get("aof_enabled")) == "1" else "rdb_last_bgsave_status"
    told = info.get(kept, "ok")  # some servers do not tell
    return None if told == "ok" else f"{kept} {told}"


def _setting(client: Any, name: str) -> Any:
    from redis.exceptions import InvalidResponse  # noqa: PLC0415 - heavy

    told = client.config_get(name)
    if not isinstance(told, dict):
        raise InvalidResponse(f"CONFIG GET answered {told!r}")
    return told.get(name)


def _asked(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Ask; nothing where the server does not know the question, or does not answer it to this user."""
    from redis import exceptions  # noqa: PLC0415 - heavy

    try:
        return ask()
    except exceptions.TimeoutError:
        raise
    except (exceptions.ResponseError, exceptions.ConnectionError):  # some proxies hang up on what they do not know
        return {}
