"""The engine's settings: ``ENGINE_*`` environment variables, read once at the edge and passed down.

Unknown ``ENGINE_*`` variables are refused, since a misspelt limit would otherwise silently stay at its default.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from engine.errors import ConfigError
from engine.metrics import MAX_SYMBOLS
from engine.prices.fx import FX_SOURCES
from engine.risk import KillSwitchPolicy

__all__ = ["PREFIX", "EngineSettings", "Postgres", "Redis", "load", "variables"]

PREFIX: Final = "ENGINE_"
_DELIMITER: Final = "__"
#: Read by docker compose and the local stack, not by the engine, which may be started in the same shell.
_FOREIGN: Final = frozenset({"ENGINE_IMAGE", "ENGINE_PORT", "ENGINE_ENV_FILE", "ENGINE_HEALTH_PATH"})

Port = Annotated[int, Field(ge=1, le=65535)]
Bps = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Krw = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


def _split(value: object) -> object:
    """Split ``BTC, ETH`` at commas; leave anything that is no text alone."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _unique(value: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({item for item in value if value.count(item) > 1})
    if twice:
        message = f"{', '.join(twice)} stands there more than once"
        raise ValueError(message)
    return value


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Server(_Model):
    """What Redis and Postgres have in common: a password given directly or in a file, and files for TLS."""

    password: SecretStr | None = Field(default=None, description="Password; better given as a file.")
    password_file: Path | None = Field(default=None, description="File that holds the password and nothing else.")
    ca_file: Path | None = Field(
        default=None, description="PEM file of the authorities that may have signed its certificate; else the system's."
    )
    cert_file: Path | None = Field(default=None, description="PEM file of our own certificate, where it asks for one.")
    key_file: Path | None = Field(default=None, description="PEM file of that certificate's key.")

    @model_validator(mode="before")
    @classmethod
    def _read_password(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not data.get("password_file"):
            return data
        if data.get("password"):
            message = "PASSWORD and PASSWORD_FILE are both set; keep one"
            raise ValueError(message)
        path = Path(data["password_file"])
        try:
            secret = path.read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            message = f"PASSWORD_FILE {path} cannot be read ({type(error).__name__}); make it readable for the engine"
            raise ValueError(message) from error
        if not secret or "\n" in secret:
            message = f"PASSWORD_FILE {path} must hold exactly one line; write the password into it"
            raise ValueError(message)
        return {**data, "password": secret}


class Redis(_Server):
    """Where heartbeat and kill switch live."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Redis host.")
    port: Port = Field(default=6379, description="Redis port.")
    db: int = Field(default=0, ge=0, description="Redis database number.")
    username: str | None = Field(default=None, description="ACL user, if not the default one.")
    tls: bool = Field(default=False, description="Speak TLS 1.2 or later; certificate and name are checked.")
    socket: Path | None = Field(default=None, description="Unix socket instead of host and port.")

    @property
    def where(self) -> str:
        """Where it is, for messages."""
        return str(self.socket) if self.socket else f"{self.host}:{self.port}"


class Postgres(_Server):
    """Where paper positions live."""

    host: str = Field(
        default="127.0.0.1", min_length=1, description="Postgres host; the directory of its Unix socket begins with /."
    )
    port: Port = Field(default=5432, description="Postgres port.")
    user: str = Field(default="arbitrage", min_length=1, description="Postgres role.")
    database: str = Field(default="arbitrage", min_length=1, description="Postgres database.")
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = Field(
        default="prefer", description="As libpq has it; verify-full checks certificate and name."
    )


class Fees(_Model):
    """Taker fee of each venue."""

    upbit: Bps = Field(default=5.0, description="Upbit's taker fee, basis points.")
    binance: Bps = Field(default=10.0, description="Binance's taker fee, basis points.")


Symbols = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")], ...],
    NoDecode,
    BeforeValidator(_split),
    Field(min_length=1, max_length=MAX_SYMBOLS),
]
FxSources = Annotated[
    tuple[Literal["upbit", "bithumb", "coinone"], ...],
    NoDecode,
    BeforeValidator(_split),
    Field(min_length=1, max_length=len(FX_SOURCES)),
]


class EngineSettings(BaseSettings):
    """Everything the engine can be told."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=_DELIMITER,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    mode: Literal["paper"] = Field(
        default="paper", description="Only paper: this stand-in cannot trade. Written to every position as its env."
    )
    read_only: bool = Field(default=True, description="No order may reach an exchange. Paper fills go on.")
    symbols: Symbols = Field(
        default=("BTC", "ETH", "XRP", "SOL", "DOGE"), description=f"Assets, comma-separated, at most {MAX_SYMBOLS}."
    )
    quotes: Literal["recorded", "ccxt"] = Field(
        default="recorded", description="Quote source: the recorded file, or public tickers through ccxt."
    )
    quotes_file: Path | None = Field(default=None, description="Recorded quotes; default: the packaged file.")
    interval_seconds: float = Field(
        default=0.5, ge=0.05, le=60, allow_inf_nan=False, description="Time from one loop to the next."
    )
    fees_bps: Fees = Fees()
    fx_sources: FxSources = Field(default=FX_SOURCES, description="Sources of USDT/KRW; their median is used.")
    max_quote_age_seconds: Seconds = Field(default=5.0, description="Older quotes are stale.")
    max_fx_age_seconds: Seconds = Field(default=15.0, description="Older FX rates are stale.")
    max_fx_divergence_bps: Bps = Field(default=50.0, description="FX sources further apart block opening.")
    min_spread_bps: Bps = Field(default=10.0, gt=0, description="Net spread from which on a position is opened.")
    order_notional_krw: Krw = Field(
        default=1_000_000, description="Order size at the smallest spread; it grows with the spread, up to 3 times."
    )
    max_order_notional_krw: Krw = Field(default=2_500_000, description="Largest order; a larger one is refused.")
    daily_loss_limit_krw: Krw = Field(default=500_000, description="Loss since 00:00 UTC that stops opening.")
    take_profit_bps: Bps = Field(default=5.0, description="Result at which a position is closed.")
    stop_loss_bps: Bps = Field(default=62.0, gt=0, description="Loss at which a position is closed.")
    max_hold_seconds: Seconds = Field(default=30.0, description="Age at which a position is closed.")
    kill_switch_key: str = Field(
        default="arbitrage:kill_switch", min_length=1, description="Redis key: nothing is opened while it is set."
    )
    kill_switch_policy: KillSwitchPolicy = Field(
        default=KillSwitchPolicy.CLOSE,
        description="Open positions meanwhile: close them, leave them to the usual exits (exit), or hold them.",
    )
    heartbeat_key: str = Field(
        default="arbitrage:engine:heartbeat", min_length=1, description="Redis key for the Unix time of the last loop."
    )
    heartbeat_ttl_seconds: int = Field(default=30, ge=1, le=86_400, description="Life of the heartbeat key.")
    redis: Redis = Redis()
    postgres: Postgres = Postgres()
    dependency_timeout_seconds: float = Field(
        default=1.0, ge=0.05, le=30, allow_inf_nan=False, description="Deadline of one question to Redis or Postgres."
    )
    reconnect_max_seconds: float = Field(
        default=5.0, ge=0.2, le=300, allow_inf_nan=False, description="Longest wait before asking again."
    )
    metrics_host: str = Field(default="127.0.0.1", min_length=1, description="Address of /metrics and /healthz.")
    metrics_port: Port = Field(default=9100, description="Port of /metrics and /healthz.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")

    @model_validator(mode="after")
    def _fit_together(self) -> EngineSettings:
        _unique(self.symbols)
        _unique(self.fx_sources)
        problems = {
            "ENGINE_ORDER_NOTIONAL_KRW is above ENGINE_MAX_ORDER_NOTIONAL_KRW, so nothing could be opened; lower it": (
                self.order_notional_krw > self.max_order_notional_krw
            ),
            "ENGINE_MAX_QUOTE_AGE_SECONDS is not above ENGINE_INTERVAL_SECONDS, so every quote is stale; raise it": (
                self.max_quote_age_seconds <= self.interval_seconds
            ),
            "ENGINE_HEARTBEAT_TTL_SECONDS is not above ENGINE_INTERVAL_SECONDS, so the key would vanish; raise it": (
                self.heartbeat_ttl_seconds <= self.interval_seconds
            ),
            "ENGINE_KILL_SWITCH_KEY and ENGINE_HEARTBEAT_KEY are the same key; name two": (
                self.kill_switch_key == self.heartbeat_key
            ),
        }
        wrong = [sentence for sentence, is_wrong in problems.items() if is_wrong]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for redaction of logs."""
        held = (self.redis.password, self.postgres.password)
        return tuple(secret.get_secret_value() for secret in held if secret and secret.get_secret_value())


def _walk(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _walk(kind, (*path, name))
        else:
            yield PREFIX + _DELIMITER.join((*path, name)).upper(), info


def variables() -> dict[str, FieldInfo]:
    """Return every variable the engine knows, with its field, in order of declaration."""
    return dict(_walk(EngineSettings))


def _sentence(error: Mapping[str, Any]) -> str:
    name = PREFIX + _DELIMITER.join(str(part) for part in error["loc"] if isinstance(part, str)).upper()
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ").rstrip(".")
    if not error["loc"]:
        return f"{text}."
    info = variables().get(name)
    if info is None:  # a rule about a whole group, such as ENGINE_REDIS
        return f"{name}: {text}."
    given = "" if "SecretStr" in str(info.annotation) else f"={os.environ.get(name, '')!r}"
    return f"{name}{given} is refused: {text[:1].lower()}{text[1:]}. It means: {info.description}"


def load(overrides: Mapping[str, Any] | None = None) -> EngineSettings:
    """Read the settings from the environment.

    Args:
        overrides: field values that win over the environment; for tests and embedding.

    Raises:
        ConfigError: with one sentence for each thing that is wrong.
    """
    known = variables()
    unknown = sorted(
        name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in {*known, *_FOREIGN}
    )
    problems = [f"{name}: unknown setting; see python -m engine --help for the names." for name in unknown]
    if not problems:
        try:
            return EngineSettings(**(overrides or {}))
        except ValidationError as error:
            problems = [_sentence(item) for item in error.errors(include_input=False, include_url=False)]
    raise ConfigError("\n".join(problems))
