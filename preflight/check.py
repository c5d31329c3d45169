"""The seam between the gate and its checks: what a check is, and all that it may touch.

A check is a frozen value whose fields are its inputs; its one verb is `run`. Whatever it needs from outside comes
through the `Context`, so a test hands in a fake and patches nothing.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from preflight.model import Mode, Outcome
from preflight.system.io import ProgramResult, fetch_text, read_text, run_command

if TYPE_CHECKING:
    from preflight.alerts.telegram import Telegram
    from preflight.config.settings import Settings
    from preflight.exchange.client import ExchangeClient


class DiskRoom(NamedTuple):
    """Room on the file system that holds a path, in bytes."""

    total: int
    used: int
    free: int


def _disk_room(path: Path) -> DiskRoom:
    return DiskRoom(*shutil.disk_usage(path))


def _open_redis(settings: Settings) -> Any:
    from preflight.servers.clients import open_redis  # noqa: PLC0415 - 146 ms that only the redis check should pay

    return open_redis(settings.redis)


def _open_postgres(settings: Settings) -> Any:
    from preflight.servers.clients import open_postgres  # noqa: PLC0415 - 44 ms that only Postgres checks should pay

    return open_postgres(settings.postgres)


def _open_exchange(settings: Settings, exchange: str) -> ExchangeClient:
    from preflight.exchange.client import open_exchange  # noqa: PLC0415 - ccxt: 409 ms, only for exchange checks

    return open_exchange(exchange, settings.exchanges[exchange])


def _open_telegram(settings: Settings) -> Telegram:
    from preflight.alerts.telegram import Telegram  # noqa: PLC0415 - only for the check that asks it

    return Telegram(settings.telegram)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything a check may touch. Every field but the first three has the real thing as its default."""

    settings: Settings
    mode: Mode
    run_id: str
    environ: Mapping[str, str]  # the variables the gate was started with
    cwd: Path  # where the project's own files are looked for
    metrics: bool = True  # False under --no-metrics
    open_redis: Callable[[Settings], Any] = _open_redis
    open_postgres: Callable[[Settings], Any] = _open_postgres
    open_exchange: Callable[[Settings, str], ExchangeClient] = _open_exchange  # by ccxt id
    open_telegram: Callable[[Settings], Telegram] = _open_telegram
    disk_room: Callable[[Path], DiskRoom] = _disk_room
    read_text: Callable[[Path], str] = read_text
    fetch_text: Callable[[str, float], str] = fetch_text
    run_command: Callable[[Sequence[str], Path, Mapping[str, str], float], ProgramResult] = run_command
    clock: Callable[[], float] = time.perf_counter  # seconds, for measuring
    now: Callable[[], float] = time.time  # Unix seconds: the clock that is compared with an exchange's


@runtime_checkable
class Check(Protocol):
    """What the runner needs of a check. Nobody inherits from this.

    `imports` names the modules that `run` will need: the runner has them loaded in the check's own process while
    the start of the run is still being written down.
    """

    @property
    def id(self) -> str:
        """Stable id: waivers, labels, docs and tests use it. Lower case letters, digits and underscores."""
        ...

    @property
    def proves(self) -> str:
        """One sentence: what is true when this check passes."""
        ...

    @property
    def requires(self) -> tuple[str, ...]:
        """Ids of the checks that must not have failed before this one is started."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds after which the check counts as ERROR."""
        ...

    @property
    def network(self) -> bool:
        """Whether it asks anything over the network; such checks are skipped in a dry run."""
        ...

    @property
    def imports(self) -> tuple[str, ...]:
        """Names of modules to load before the clock of the check starts."""
        ...

    def run(self, ctx: Context) -> Outcome:
        """Find out. May raise: whatever comes out is turned into an ERROR with its type and text."""
        ...
