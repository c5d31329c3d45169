"""live_safety: going live was meant, is limited, and has not been stopped by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from preflight.check import Context
from preflight.checks.redis_keeping import may_forget
from preflight.model import Env, Outcome, Status
from preflight.settings import Settings

_NOT_THROWN = frozenset({"0", "off", "false", "no"})  # as the engine reads it: engine/control.py
_EXPECTED = "armed, both limits set, kill switch not thrown"


@dataclass(frozen=True, slots=True)
class LiveSafetyCheck:
    """Live needs an explicit arming, limits for one order and for a day's loss, and the kill switch not thrown."""

    id: str = "live_safety"
    proves: str = "live is armed, has an order and a daily loss limit, and the kill switch is kept and not thrown"
    requires: tuple[str, ...] = ("redis",)
    timeout: float = 5.0
    network: bool = True
    imports: tuple[str, ...] = ()  # the redis library is needed in live only

    def run(self, ctx: Context) -> Outcome:
        """Look at the settings, then at the kill switch in Redis."""
        settings = ctx.settings
        if settings.env is not Env.LIVE:
            return Outcome(status=Status.SKIP, summary="applies to live only")
        missing = _missing(settings)
        switch = _kill_switch(ctx)
        if missing:
            also = "" if switch.status is Status.PASS else f"; {switch.summary}"
            return Outcome(
                status=Status.FAIL,
                summary=f"{', '.join(missing)}{also}",
                hint="when the operator is sure: PREFLIGHT_LIVE__ARMED=true, PREFLIGHT_LIVE__MAX_ORDER_KRW and "
                "PREFLIGHT_LIVE__MAX_DAILY_LOSS_KRW in .env.live",
                expected=_EXPECTED,
                actual=f"{len(missing)} missing",
            )
        return switch


def _missing(settings: Settings) -> list[str]:
    live = settings.live
    checks = {
        "live is not armed": live.armed,
        "max_order_krw is not set": live.max_order_krw is not None,
        "max_daily_loss_krw is not set": live.max_daily_loss_krw is not None,
    }
    return [problem for problem, fine in checks.items() if not fine]


def _value(client: Any, key: str) -> str | None:
    try:
        value = client.get(key)
        return None if value is None else str(value)
    except UnicodeDecodeError:
        return "bytes that are no text"  # anything unclear counts as thrown, for the engine too


def _kill_switch(ctx: Context) -> Outcome:
    import redis as library  # noqa: PLC0415 - only in live

    key = ctx.settings.live.kill_switch_key
    where, cli = ctx.settings.redis.where, ctx.settings.redis.cli
    client = ctx.open_redis(ctx.settings)
    try:
        value = _value(client, key)
        thrown = None if value is None or value.strip().lower() in _NOT_THROWN else value
        forgetful = may_forget(client, ctx) if thrown is None else None
    except (library.RedisError, UnicodeDecodeError) as e:
        return Outcome(
            status=Status.ERROR,
            summary=f"whether the kill switch is thrown cannot be told: {key} at {where}: {type(e).__name__}: {e}",
            hint=f"see what is there: {cli} TYPE {key}; it should be a plain string",
            expected=_EXPECTED,
            actual="unknown",
        )
    finally:
        client.close()
    if thrown is not None:
        return Outcome(
            status=Status.FAIL,
            summary=f"the kill switch is thrown: Redis key {key} is {thrown[:40]!r}",
            hint=f"find out who threw it and why; then: {cli} DEL {key}",
            expected=_EXPECTED,
            actual="thrown",
        )
    if forgetful is not None:
        return forgetful
    live = ctx.settings.live
    return Outcome(
        status=Status.PASS,
        summary=f"armed, at most {live.max_order_krw or 0:,.0f} KRW an order and "
        f"{live.max_daily_loss_krw or 0:,.0f} KRW of loss a day, kill switch {key} not thrown",
        expected=_EXPECTED,
        actual=_EXPECTED,
    )
