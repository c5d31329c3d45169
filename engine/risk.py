"""What may be opened, and what must be closed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["ExitRules", "KillSwitchPolicy", "Limits", "Reason", "Situation", "may_close", "opening_blocks"]


class Reason(StrEnum):
    """Why an order was held back: the closed label set of ``arbitrage_risk_blocks_total``."""

    KILL_SWITCH = "kill_switch"  # the Redis key is set
    DAILY_LOSS_LIMIT = "daily_loss_limit"  # today's loss has reached the limit
    ORDER_NOTIONAL_LIMIT = "order_notional_limit"  # the order would be larger than one order may be
    STALE_QUOTE = "stale_quote"  # a venue's quote is older than allowed, or never came
    STALE_FX = "stale_fx"  # no FX source is fresh
    FX_DIVERGENCE = "fx_divergence"  # the FX sources disagree too much to trust any
    DEPENDENCY_DOWN = "dependency_down"  # Redis or Postgres did not answer: kill switch or positions unknown
    READ_ONLY = "read_only"  # the exchange leg of a paper fill, held back by READ_ONLY


class KillSwitchPolicy(StrEnum):
    """What becomes of open positions while the kill switch is thrown. None is ever opened."""

    CLOSE = "close"  # close at the current spread, at once
    EXIT = "exit"  # leave them to the usual exit rules
    HOLD = "hold"  # touch nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on opening."""

    order_notional_krw: float  # largest order
    daily_loss_krw: float  # loss from which on nothing is opened
    fx_divergence_bps: float  # largest tolerated disagreement of FX sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything an opening is judged by."""

    kill_switch: bool
    dependencies_up: bool
    daily_loss_krw: float
    quotes_fresh: bool
    fx_fresh: bool
    fx_divergence_bps: float


def opening_blocks(notional_krw: float, situation: Situation, limits: Limits) -> tuple[Reason, ...]:
    """Return every reason against opening an order of ``notional_krw``; empty means it may be opened.

    Comparisons are written so that a NaN blocks: what cannot be compared is not within a limit.
    """
    verdicts: Mapping[Reason, bool] = {
        Reason.KILL_SWITCH: not situation.kill_switch,
        Reason.DAILY_LOSS_LIMIT: situation.daily_loss_krw < limits.daily_loss_krw,
        Reason.ORDER_NOTIONAL_LIMIT: 0 < notional_krw <= limits.order_notional_krw,
        Reason.STALE_QUOTE: situation.quotes_fresh,
        Reason.STALE_FX: situation.fx_fresh,
        Reason.FX_DIVERGENCE: situation.fx_divergence_bps <= limits.fx_divergence_bps,
        Reason.DEPENDENCY_DOWN: situation.dependencies_up,
    }
    return tuple(reason for reason, passed in verdicts.items() if not passed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRules:
    """When an open position is closed."""

    take_profit_bps: float  # of the notional, entry and exit spread together
    stop_loss_bps: float  # positive number
    max_hold_seconds: float
    on_kill_switch: KillSwitchPolicy


def may_close(*, result_bps: float, age_seconds: float, kill_switch: bool, rules: ExitRules) -> bool:
    """Return whether a position is to be closed now.

    Args:
        result_bps: entry plus exit net spread if closed now.
        age_seconds: time since it was opened.
        kill_switch: whether the kill switch is thrown.
        rules: the configured exits.
    """
    if kill_switch and rules.on_kill_switch is not KillSwitchPolicy.EXIT:
        return rules.on_kill_switch is KillSwitchPolicy.CLOSE
    return (
        result_bps >= rules.take_profit_bps
        or result_bps <= -rules.stop_loss_bps
        or age_seconds >= rules.max_hold_seconds
    )
