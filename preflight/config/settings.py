"""The effective configuration of one run. Its tables: `sections`. Where values come from: `sources`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from preflight.config.pem import is_private
from preflight.config.sections import (
    DEFAULT_EXCHANGES,
    REGIONS,
    AlertsSection,
    BotSection,
    CheckId,
    ClockSection,
    ExchangeId,
    ExchangeSection,
    GitSection,
    LiveSection,
    PositionsSection,
    PostgresSection,
    RedisSection,
    Seconds,
    Section,
    TelegramSection,
    Words,
)
from preflight.errors import UsageError
from preflight.message import message
from preflight.model import Env

TELEGRAM_URL = "https://api.telegram.org"
_ONE_LINE = r"^[^\x00-\x1f\x7f`]{1,200}$"


def _state_dir() -> Path:
    try:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    except RuntimeError as e:
        raise UsageError(
            message(
                "ledger, spool_dir: this user has no home directory to keep them in; set "
                "PREFLIGHT_LEDGER and PREFLIGHT_SPOOL_DIR, or HOME"
            )
        ) from e
    return Path(base) / "arbitrage-preflight"


def _default_ledger() -> Path:
    return _state_dir() / "ledger.sqlite"


def _default_spool() -> Path:
    return _state_dir() / "spool"


class Settings(BaseModel):
    """The effective configuration of one run: built once at the edge, handed down, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    env: Env = Field(description=message("live, paper, dev or test; there is no default"))
    textfile_dir: Path | None = Field(
        None, description=message("node_exporter's textfile directory"), examples=["/var/lib/node_exporter/textfile"]
    )
    ledger: Path = Field(
        default_factory=_default_ledger,
        description=message("SQLite file that holds the counters; one that is named needs its directory"),
    )
    spool_dir: Path = Field(
        default_factory=_default_spool,
        description=message("directory where undelivered alerts wait; one that is named must exist"),
    )
    check_timeout: Seconds | None = Field(
        None, description=message("seconds for any single check, more or less than its own"), examples=[10.0]
    )
    check_timeouts: dict[CheckId, Seconds] = Field(
        {}, description=message("seconds for single checks, by id"), examples=[{"exchange_upbit": 20.0}]
    )
    run_timeout: Seconds = Field(30.0, description=message("seconds for all checks together (--timeout)"))
    ledger_timeout: Seconds = Field(5.0, description=message("seconds to wait for a ledger that another run holds"))
    min_free_mb: Annotated[int, Field(ge=1)] = Field(100, description=message("MB that storage must have free"))
    required_keys: Words = Field(
        (), description=message("variables the bot itself needs, in the environment or in .env.<env>")
    )
    redis: RedisSection = Field(RedisSection(), description=message("the bot's Redis"))
    postgres: PostgresSection = Field(PostgresSection(), description=message("the bot's Postgres"))
    host: Annotated[str, Field(pattern=_ONE_LINE)] | None = Field(
        None, description=message("this machine's name in alerts (default: its host name)"), examples=["trader-1"]
    )
    command: Annotated[str, Field(pattern=_ONE_LINE)] = Field(
        "preflight", description=message("how preflight is called here, for hints that can be typed as they stand")
    )
    bot: BotSection = Field(BotSection(), description=message("what the bot itself was told"))
    live: LiveSection = Field(LiveSection(), description=message("what going live takes"))
    exchanges: dict[ExchangeId, ExchangeSection] = Field(
        {},
        validate_default=True,
        description=message("exchanges by ccxt id: upbit and binance, and what is added to them"),
    )
    clock: ClockSection = Field(ClockSection(), description=message("limits for the clock"))
    positions: PositionsSection = Field(PositionsSection(), description=message("the bot's table of positions"))
    telegram: TelegramSection = Field(TelegramSection(), description=message("where P0 and P1 go"))
    alerts: AlertsSection = Field(AlertsSection(), description=message("what is said to whom, and how often"))
    git: GitSection = Field(GitSection(), description=message("what the bot's checkout is held to"))

    @field_validator("exchanges", mode="before")
    @classmethod
    def _with_default_exchanges(cls, value: Any) -> Any:
        """Lay what is configured over the defaults: leaving an exchange out does not switch it off."""
        if not isinstance(value, Mapping):
            return value
        merged: dict[str, Any] = dict(value)
        for name, table in DEFAULT_EXCHANGES.items():
            given = merged.get(name, {})
            if isinstance(given, Mapping):
                merged[name] = {**table, **given}
        return merged

    @field_validator("textfile_dir", "ledger", "spool_dir", mode="before")
    @classmethod
    def _no_blank_path(cls, value: Any, info: ValidationInfo) -> Any:
        # Path("") is the current directory: `--metrics-output "$UNSET"` must not publish there.
        if isinstance(value, str) and (not value.strip() or "\0" in value):
            raise ValueError(message("{field_name} is not a path", field_name=info.field_name))
        return value

    @field_validator("textfile_dir", "ledger", "spool_dir")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        try:
            return None if value is None else value.expanduser().absolute()
        except RuntimeError as e:
            raise ValueError(message("there is no such user's home directory")) from e

    @model_validator(mode="after")
    def _paths_differ(self) -> Self:
        if self.ledger == self.spool_dir:
            raise ValueError(
                message("ledger and spool_dir are the same path: the ledger is a file, the spool a directory")
            )
        return self

    @model_validator(mode="after")
    def _hosts_are_the_exchanges_own(self) -> Self:
        for name, one in self.exchanges.items():
            known = REGIONS.get(name, frozenset())
            if one.hostname is not None and one.hostname not in known:
                sites = ", ".join(sorted(known)) or message("none is known")
                raise ValueError(
                    message(
                        "exchanges.{name}.hostname is not a site of that exchange ({sites}): use url to try one out",
                        name=name,
                        sites=sites,
                    )
                )
        return self

    @model_validator(mode="after")
    def _live_has_two_exchanges(self) -> Self:
        """Keep a configuration from switching off, in live, the exchanges that the bot trades on."""
        if self.env is not Env.LIVE:
            return self
        enabled = [name for name, one in self.exchanges.items() if one.enabled]
        if len(enabled) < 2:
            left = ", ".join(enabled) or message("none")
            raise ValueError(
                message(
                    "exchanges: live takes two that are enabled, arbitrage being between two; there is {left}",
                    left=left,
                )
            )
        for name, one in self.exchanges.items():
            if not one.enabled and any(one.secret_values()):
                raise ValueError(
                    message(
                        "exchanges.{name}: has an api_key but enabled = false: remove the key, or enable it", name=name
                    )
                )
        return self

    @model_validator(mode="before")
    @classmethod
    def _live_wants_proof(cls, data: Any) -> Any:
        """Have Redis and Postgres prove who they are in live, before they are told a password or believed."""
        if not isinstance(data, Mapping) or data.get("env") != Env.LIVE:
            return data
        proven: dict[str, Any] = {}
        for name in ("redis", "postgres"):
            table = data.get(name, {})
            if isinstance(table, Mapping):
                if str(table.get("require_proof", True)).lower() not in {"true", "1", "yes", "on"}:
                    raise ValueError(message("{name}.require_proof is always true in live: leave it out", name=name))
                proven[name] = {**table, "require_proof": True}
        return {**data, **proven}

    @model_validator(mode="after")
    def _live_keys_are_private(self) -> Self:
        for name, key in (("redis", self.redis.key_file), ("postgres", self.postgres.key_file)):
            if self.env is Env.LIVE and key is not None and not is_private(key):
                raise ValueError(
                    message("{name}.key_file {key} may be read by others: chmod 600 {key}", name=name, key=key)
                )
        return self

    def timeout_of(self, check: str, own: float) -> float:
        """Return the seconds that a check may take: what is set for it, else for any check, else its own."""
        return self.check_timeouts.get(check, own if self.check_timeout is None else self.check_timeout)

    @property
    def overridden(self) -> bool:
        """Whether an exchange or Telegram is asked at another address than its own: never ready for live."""
        return self.telegram.url != TELEGRAM_URL or any(one.url is not None for one in self.exchanges.values())

    def line(self, words: str) -> str:
        """Return a command line of preflight's as it can be typed here, such as for `alerts list`."""
        return f"{self.command} {words} --env {self.env}"

    def secret_values(self) -> tuple[str, ...]:
        """Return every secret this run knows, so that whatever leaves the process can be cleaned of them.

        The longest comes first: where one is the beginning of another, nothing of the longer one stays behind.
        """
        tables = [getattr(self, name) for name in type(self).model_fields]
        sections = [table for table in tables if isinstance(table, Section)] + list(self.exchanges.values())
        values = {value for section in sections for value in section.secret_values()}
        return tuple(sorted(values - {""}, key=lambda value: (-len(value), value)))
