"""The checks that come with the gate, in the order in which they are shown. Nothing registers itself on import."""

from __future__ import annotations

from collections.abc import Iterable

from preflight.check import Check
from preflight.checks.alert_channel import AlertChannelCheck
from preflight.checks.api_key import ApiKeyCheck
from preflight.checks.clock import ClockCheck
from preflight.checks.environment import EnvironmentCheck
from preflight.checks.exchange import ExchangeCheck
from preflight.checks.git import GitCheck
from preflight.checks.live_safety import LiveSafetyCheck
from preflight.checks.open_positions import OpenPositionsCheck
from preflight.checks.postgres import PostgresCheck
from preflight.checks.read_only_guard import ReadOnlyGuardCheck
from preflight.checks.redis import RedisCheck
from preflight.checks.secrets import SecretsCheck
from preflight.checks.storage import StorageCheck

__all__ = ["CHECKS", "checks_for"]

CHECKS: tuple[Check, ...] = (
    EnvironmentCheck(),
    SecretsCheck(),
    ReadOnlyGuardCheck(),
    LiveSafetyCheck(),
    RedisCheck(),
    PostgresCheck(),
    OpenPositionsCheck(),
    GitCheck(),
    StorageCheck(),
    AlertChannelCheck(),
)

_BEFORE_EXCHANGES = "postgres"


def checks_for(exchanges: Iterable[str]) -> tuple[Check, ...]:
    """Return all checks, those of the exchanges (ccxt ids) after the bot's own servers."""
    names = tuple(exchanges)
    of_exchanges = tuple(kind(name) for kind in (ExchangeCheck, ClockCheck, ApiKeyCheck) for name in names)
    at = next(index for index, check in enumerate(CHECKS) if check.id == _BEFORE_EXCHANGES) + 1
    return (*CHECKS[:at], *of_exchanges, *CHECKS[at:])
