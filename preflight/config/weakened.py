"""What weakens a check in live: such a run may be GO, but is never ready for live, and its report says why.

Limits of the checks may be tightened freely. What the bot is (its Redis database, its kill switch, its table) only
the operator knows; in live that has to stand in a file, whose owner and mode were looked at, and not in a variable,
which whoever starts the gate can set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from preflight.config.sections import ExchangeSection, PositionPolicy, PositionsSection
from preflight.config.settings import Settings
from preflight.message import message
from preflight.model import Env

Loc = tuple[str, ...]

_NO_FILE = ("variable ", "flag ")  # how a source begins that is none
_FACTS: tuple[Loc, ...] = (
    ("redis", "db"),
    ("live", "kill_switch_key"),
    ("live", "order_ceiling_krw"),
    ("live", "daily_loss_ceiling_krw"),
    *(("positions", name) for name in PositionsSection.model_fields if name != "policy"),
)
_AT_MOST: tuple[Loc, ...] = (("clock", "fail_ms"), ("git", "max_file_mb"))
_AT_LEAST: tuple[Loc, ...] = (("min_free_mb",), ("clock", "samples"))


def overrides_of(settings: Settings, source: Callable[[Loc], str]) -> tuple[str, ...]:
    """Return what keeps a GO from being ready for live, one sentence each; nothing outside live.

    Args:
        settings: Of the run.
        source: Gives where the value of a key comes from; `variable ...` and `flag ...` are no file.
    """
    return tuple(_overrides(settings, source)) if settings.env is Env.LIVE else ()


def _overrides(settings: Settings, source: Callable[[Loc], str]) -> Iterator[str]:
    for loc in _FACTS:
        where = source(loc)
        if _value(settings, loc) != _default(loc) and where.startswith(_NO_FILE):
            yield message(
                "{key} comes from a {where}: in live it counts only from a file", key=".".join(loc), where=where
            )
    for name, one in settings.exchanges.items():
        where = source(("exchanges", name, "enabled"))
        if not one.enabled and where.startswith(_NO_FILE):
            yield message(
                "{key} comes from a {where}: in live it counts only from a file",
                key=f"exchanges.{name}.enabled",
                where=where,
            )
    yield from _limits(settings)


def _limits(settings: Settings) -> Iterator[str]:
    if settings.positions.policy is not PositionPolicy.FAIL:
        yield message("positions.policy is {policy}, not fail", policy=settings.positions.policy)
    for loc in _AT_MOST:
        if _value(settings, loc) > _default(loc):
            yield message("{key} is above its default {default:g}", key=".".join(loc), default=_default(loc))
    for loc in _AT_LEAST:
        if _value(settings, loc) < _default(loc):
            yield message("{key} is below its default {default:g}", key=".".join(loc), default=_default(loc))
    longest = ExchangeSection.model_fields["halted_after"].default
    for name, one in settings.exchanges.items():
        if one.halted_after > longest:
            yield message(
                "{key} is above its default {default:g}", key=f"exchanges.{name}.halted_after", default=longest
            )


def _value(node: Any, loc: Loc) -> Any:
    for name in loc:
        node = getattr(node, name)
    return node


def _default(loc: Loc) -> Any:
    *tables, name = loc
    fields: Any = Settings.model_fields
    for table in tables:
        fields = type(fields[table].default).model_fields
    return fields[name].default
