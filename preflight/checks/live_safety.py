"""live_safety: going live was meant, is limited, and has not been stopped by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from preflight.check import Context
from preflight.checks.redis_keeping import may_forget
from preflight.checks.redis_server import no_primary
from preflight.config.sections import LiveSection
from preflight.config.settings import Settings
from preflight.memory import bounded_memory
from preflight.message import AND, joined, message
from preflight.model import Env, Outcome, Status
from preflight.servers.postgres_session import said

_NOT_THROWN = frozenset({"0", "off", "false", "no"})  # as the engine reads it: engine/control.py
DEFAULT_KEY: str = LiveSection.model_fields["kill_switch_key"].default
_EXPECTED = "armed, both limits set, kill switch not thrown"


@dataclass(frozen=True, slots=True)
class LiveSafetyCheck:
    """Live needs an explicit arming, limits for one order and for a day's loss, and the kill switch not thrown."""

    id: str = "live_safety"
    proves: str = message(
        "live is armed, has an order and a daily loss limit, and the kill switch is kept and not thrown"
    )
    requires: tuple[str, ...] = ("redis",)
    timeout: float = 5.0
    network: bool = True
    imports: tuple[str, ...] = ()  # the redis library is needed in live only

    def run(self, ctx: Context) -> Outcome:
        """Look at the settings, then at the kill switch in Redis."""
        settings = ctx.settings
        if settings.env is not Env.LIVE:
            return Outcome(status=Status.SKIP, summary=message("applies to live only"))
        missing = _missing(settings)
        with bounded_memory():
            switch = _kill_switch(ctx)
        if missing:
            also = () if switch.status is Status.PASS else (switch.summary,)
            return Outcome(
                status=Status.FAIL,
                summary=joined((joined(missing, ", "), *also)),
                hint=message(
                    "when the operator is sure: PREFLIGHT_LIVE__ARMED=true, PREFLIGHT_LIVE__MAX_ORDER_KRW "
                    "and PREFLIGHT_LIVE__MAX_DAILY_LOSS_KRW in .env.live"
                ),
                expected=_EXPECTED,
                actual=f"{len(missing)} missing",
            )
        too_high = _too_high(settings.live)
        if too_high and switch.status in {Status.PASS, Status.WARN}:
            return Outcome(
                status=Status.FAIL,
                summary=joined(too_high, ", "),
                hint=message(
                    "lower the limit; or, if it is meant, raise the ceiling in the table [live] of preflight.toml"
                ),
                expected=_EXPECTED,
                actual="no limit worth the name",
            )
        return switch


def _missing(settings: Settings) -> list[str]:
    live = settings.live
    checks = {
        message("live is not armed"): live.armed,
        message("max_order_krw is not set"): live.max_order_krw is not None,
        message("max_daily_loss_krw is not set"): live.max_daily_loss_krw is not None,
    }
    return [problem for problem, fine in checks.items() if not fine]


def _too_high(live: LiveSection) -> list[str]:
    limits = {
        "max_order_krw": (live.max_order_krw, "order_ceiling_krw", live.order_ceiling_krw),
        "max_daily_loss_krw": (live.max_daily_loss_krw, "daily_loss_ceiling_krw", live.daily_loss_ceiling_krw),
    }
    return [
        message(
            "{name} {limit:,.0f} is above {ceiling} {most:,.0f}", name=name, limit=limit, ceiling=ceiling, most=most
        )
        for name, (limit, ceiling, most) in limits.items()
        if limit is not None and limit > most
    ]


def _kill_switch(ctx: Context) -> Outcome:
    keys = dict.fromkeys((ctx.settings.live.kill_switch_key, DEFAULT_KEY))  # the default one always, too
    client = ctx.open_redis(ctx.settings)
    try:
        unfit = _unfit(ctx, client, ", ".join(keys))
        # Last: whoever starts a command after this relies on nothing being asked in between.
        found = next((found for key in keys if (found := _at(ctx, client, key)) is not None), unfit)
    finally:
        client.close()
    if found is not None:
        return found
    live = ctx.settings.live
    return Outcome(
        status=Status.PASS,
        summary=message(
            "armed, at most {max_order_krw:,.0f} KRW an order and {max_daily_loss_krw:,.0f} KRW of "
            "loss a day, kill switch {keys} not thrown",
            max_order_krw=live.max_order_krw or 0,
            max_daily_loss_krw=live.max_daily_loss_krw or 0,
            keys=joined(keys, AND),
        ),
        expected=_EXPECTED,
        actual=_EXPECTED,
    )


def _at(ctx: Context, client: Any, key: str) -> Outcome | None:
    """Return that the switch is thrown under a key, or that nobody can tell; None where it is not thrown."""
    import redis as library  # noqa: PLC0415 - only in live

    try:
        value = client.get(key)
    except UnicodeDecodeError:
        value = message("bytes that are not text")  # anything unclear counts as thrown, for the engine too
    except library.RedisError as e:
        return _unknown(ctx, key, e)
    if value is not None and not isinstance(value, str):
        value = message("something that is not text")  # which no Redis answers to GET: as unclear
    if value is None or value.strip().lower() in _NOT_THROWN:
        return None
    return Outcome(
        status=Status.FAIL,
        summary=message("the kill switch is thrown: Redis key {key} is {value!r}", key=key, value=value[:40]),
        hint=message("find out who threw it and why; then: {cli} DEL {key}", cli=ctx.settings.redis.cli, key=key),
        expected=_EXPECTED,
        actual="thrown",
    )


def _unfit(ctx: Context, client: Any, keys: str) -> Outcome | None:
    """Return why a switch that is not found there may be thrown all the same; None where it is not."""
    import redis as library  # noqa: PLC0415 - only in live

    try:
        # The primary of a minute ago may be a replica by now, which need not know what its own primary was told.
        return no_primary(client, ctx, ctx.settings.redis.where) or may_forget(client, ctx)
    except (library.RedisError, UnicodeDecodeError) as e:
        return _unknown(ctx, keys, e)


def _unknown(ctx: Context, keys: str, e: Exception) -> Outcome:
    redis = ctx.settings.redis
    return Outcome(
        status=Status.ERROR,
        summary=message(
            "whether the kill switch is thrown cannot be determined: {keys} at {where}: {kind}: {error}",
            keys=keys,
            where=redis.where,
            kind=type(e).__name__,
            error=said(e, redis.secret_values()),
        ),
        hint=message("see what is there: {cli} TYPE {keys}; it should be a plain string", cli=redis.cli, keys=keys),
        expected=_EXPECTED,
        actual="unknown",
    )
