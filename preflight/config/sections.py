"""The tables of the settings: what reaching each thing takes, and the limits it is held to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from preflight.config.pem import must_be_pem
from preflight.config.urls import has_login, plain_host, postgres_parts, redis_parts, with_url
from preflight.message import AND, joined, message

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)]
TradeAge = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]  # seconds
Money = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Skew = Annotated[float, Field(gt=0, le=5000, allow_inf_nan=False)]  # ms; no exchange takes requests that are older
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]  # a blank one would match nothing
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,62}(\.[A-Za-z_][A-Za-z0-9_-]{0,62})?$")]
CheckId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
ExchangeId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,50}$")]  # part of check ids, which are labels

# What an arbitrage bot between Korea and the world trades at least. Merged below whatever is configured.
DEFAULT_EXCHANGES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"upbit": {"symbols": ("BTC/KRW",)}, "binance": {"symbols": ("BTC/USDT",)}}
)

# Sites of an exchange itself beside its main one: to ask there is to ask the exchange. https://global-docs.upbit.com
REGIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"upbit": frozenset({"api.upbit.com", "sg-api.upbit.com", "id-api.upbit.com", "th-api.upbit.com"})}
)

_FILE = "_file"


def split_commas(value: Any) -> Any:
    """Return what a variable, which can hold no list, holds between commas; anything else as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


# Said twice is said once: Binance refuses a question that names a symbol twice.
Words = Annotated[
    tuple[Word, ...], BeforeValidator(split_commas), AfterValidator(lambda words: tuple(dict.fromkeys(words)))
]


class Section(BaseModel):
    """A table of settings. A key `x_file` beside a secret `x` names the file that holds it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        read: dict[str, str] = {}
        for key, value in data.items():
            name = key.removesuffix(_FILE)
            if name == key or name not in cls.model_fields or value is None:
                continue
            if data.get(name) is not None:
                raise ValueError(message("{name} and {key} are both set: keep one", name=name, key=key))
            if not isinstance(value, str | Path):
                raise ValueError(message("{key} should be a path", key=key))
            read[name] = _read_secret(key, Path(value))
        return cls._completed({**data, **read})

    @classmethod
    def _completed(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Return the table with what follows from it."""
        return data

    def secret_values(self) -> tuple[str, ...]:
        """Return the value of every secret that is set in this table."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))


def _read_secret(key: str, path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else message("not UTF-8 text")
        raise ValueError(message("{key} {path} cannot be read: {reason}", key=key, path=path, reason=reason)) from e
    if secret.startswith("\N{BOM}"):
        raise ValueError(
            message(
                "{key} {path} begins with a byte order mark (BOM): save it as UTF-8 without one", key=key, path=path
            )
        )
    if not secret:
        raise ValueError(message("{key} {path} is empty", key=key, path=path))
    return secret


class ServerSection(Section):
    """What reaching a server with a password takes."""

    url: SecretStr | None = Field(None, description=message("the whole address as one URL, instead of its parts"))
    url_file: Path | None = Field(
        None,
        description=message("file that holds the URL"),
        json_schema_extra={"aside": message("instead of host and all that says the same")},
    )
    host: str | None = Field(None, description=message("host name or address"), examples=["127.0.0.1"])
    password: SecretStr | None = Field(None, description=message("password; better given by file"))
    password_file: Path | None = Field(None, description=message("file that holds the password and nothing else"))
    ca_file: Path | None = Field(
        None,
        description=message("PEM file of the authorities that may have signed its certificate; else the system's"),
        json_schema_extra={"aside": message("with TLS")},
    )
    cert_file: Path | None = Field(
        None,
        description=message("PEM file of our own certificate, where it asks for one"),
        json_schema_extra={"aside": message("with TLS")},
    )
    key_file: Path | None = Field(
        None,
        description=message("PEM file of that certificate's key; others may not read it"),
        json_schema_extra={"aside": message("with TLS")},
    )
    socket: Path | None = Field(
        None,
        description=message("Unix socket, instead of host and port"),
        examples=["/run/redis/redis-server.sock"],
        json_schema_extra={"aside": message("instead of host and port")},
    )
    require_proof: bool | None = Field(
        None,
        description=message("whether to talk only to a server that proves who it is; always true in live, else false"),
        examples=[True],
    )
    timeout: Seconds = Field(2.0, description=message("seconds for connecting and for each answer"))
    slow_after: Seconds = Field(0.5, description=message("seconds; an answer slower than this is a WARN"))

    @model_validator(mode="after")
    def _readable_tls_files(self) -> Self:
        for name in ("ca_file", "cert_file", "key_file"):
            path: Path | None = getattr(self, name)
            if path is not None:
                must_be_pem(name, path)
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError(message("cert_file and key_file go together: set both or none"))
        return self


class RedisSection(ServerSection):
    """The bot's Redis."""

    port: Port = Field(6379, description=message("port"))
    db: Annotated[int, Field(ge=0)] = Field(0, description=message("database number"))
    username: str | None = Field(None, description=message("ACL user, if not the default one"), examples=["preflight"])
    tls: bool = Field(False, description=message("speak TLS, as a rediss:// URL says"))  # noqa: FBT003 - as above
    sentinels: Words = Field(
        (),
        description=message("host:port of each Sentinel, which then say where the primary is"),
        examples=["10.0.0.1:26379"],
        json_schema_extra={"aside": message("instead of host and port")},
    )
    master: str | None = Field(
        None,
        description=message("the name by which the Sentinels know the primary"),
        examples=["mymaster"],
        json_schema_extra={"aside": message("instead of host and port")},
    )
    sentinel_password: SecretStr | None = Field(None, description=message("the Sentinels' own password"))
    sentinel_password_file: Path | None = Field(
        None,
        description=message("file that holds the Sentinels' own password"),
        json_schema_extra={"aside": message("instead of host and port")},
    )
    owners: Words = Field(
        ("redis", "valkey"),
        description=message("accounts, beside root and our own, that a Redis on this machine may run as"),
    )

    @classmethod
    def _completed(cls, data: dict[str, Any]) -> dict[str, Any]:
        return with_url(data, redis_parts, ("host", "port", "db", "username", "tls", "socket", "sentinels", "master"))

    @field_validator("host")
    @classmethod
    def _plain_host(cls, value: str | None) -> str | None:
        if value is not None and value.startswith("/"):
            raise ValueError(message("host is a name or an address; for a Unix socket use redis.socket"))
        return plain_host(value, "redis")

    @field_validator("sentinels")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            host, colon, port = each.rpartition(":")
            if not colon or not port.isdecimal() or not 0 < int(port) < 65536:
                raise ValueError(message("sentinels are given as host:port, with commas between them"))
            plain_host(host.strip("[]"), "redis")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = {"host": self.host, "socket": self.socket, "sentinels": self.sentinels}
        given = [name for name, value in ways.items() if value]
        if len(given) > 1:
            raise ValueError(message("{names} are both set: keep one", names=joined(given, AND)))
        if bool(self.sentinels) != bool(self.master):
            raise ValueError(message("sentinels and master go together: set both or none"))
        if self.url is not None and self.username and self.password is None and self.password_file is None:
            # What stands there is likely to be the password, and a user's name is shown.
            raise ValueError(
                message(
                    "url has a user and no password: a password alone stands behind a colon, as in {example}",
                    example="redis://:password@host:6379/0",
                )
            )
        if self.tls and self.socket:
            raise ValueError(message("tls and socket are both set: a Unix socket has no TLS"))
        if not self.tls and (self.ca_file or self.cert_file):
            raise ValueError(
                message("a certificate file is set, but TLS is off: set tls = true, or use a rediss:// url")
            )
        return self

    @property
    def where(self) -> str:
        """The address, for messages; empty where none is configured."""
        if self.sentinels:
            return f"{self.master} (by Sentinel)"
        return str(self.socket or "") or (f"{self.host}:{self.port}" if self.host else "")

    @property
    def cli(self) -> str:
        """How `redis-cli` is called to reach it."""
        return f"redis-cli -s {self.socket}" if self.socket else f"redis-cli -h {self.host or self.master}"


class SslMode(StrEnum):
    """How Postgres is spoken to: https://www.postgresql.org/docs/current/libpq-ssl.html."""

    DISABLE = "disable"
    ALLOW = "allow"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class ChannelBinding(StrEnum):
    """Whether a password is bound to the TLS connection it is used on."""

    DISABLE = "disable"
    PREFER = "prefer"
    REQUIRE = "require"


class PostgresSection(ServerSection):
    """The bot's Postgres."""

    socket: Path | None = Field(
        None,
        description=message("directory of its Unix socket, instead of host and port"),
        examples=["/run/postgresql"],
        json_schema_extra={"aside": message("instead of host and port")},
    )
    port: Port = Field(5432, description=message("port"))
    user: str | None = Field(None, description=message("role to connect as"), examples=["arbitrage"])
    database: str | None = Field(None, description=message("database name"), examples=["arbitrage"])
    sslmode: SslMode = Field(
        SslMode.PREFER,
        description=message("disable, allow, prefer, require, verify-ca or verify-full, as libpq has them"),
    )
    channel_binding: ChannelBinding = Field(
        ChannelBinding.PREFER, description=message("disable, prefer or require, as libpq has them")
    )
    owners: Words = Field(
        ("postgres",),
        description=message("accounts, beside root and our own, that a Postgres behind a Unix socket may run as"),
    )

    @classmethod
    def _completed(cls, data: dict[str, Any]) -> dict[str, Any]:
        data = with_url(data, postgres_parts, ("host", "port", "user", "database", "sslmode", "socket"))
        if data.get("socket") is not None and data.get("host") is not None:
            raise ValueError(message("host and socket are both set: keep one"))
        host = str(data.get("host") or data.get("socket") or "")
        return {**data, "host": host, "socket": host} if host.startswith("/") else data

    @field_validator("host")
    @classmethod
    def _plain_host(cls, value: str | None) -> str | None:
        return plain_host(value, "postgres")

    @property
    def where(self) -> str:
        """The address and the database, for messages."""
        return f"{self.socket or f'{self.host}:{self.port}'}/{self.database}"


class BotSection(Section):
    """What the bot itself was told."""

    read_only: bool | None = Field(
        None, description=message("whether the engine may not place orders; else READ_ONLY"), examples=[True]
    )
    metrics_url: Annotated[str, Field(pattern=r"^https?://[^/\s]")] | None = Field(
        None,
        description=message("the running engine's metrics page, asked what it really does"),
        examples=["http://127.0.0.1:9100/metrics"],
    )

    @field_validator("metrics_url")
    @classmethod
    def _no_login(cls, value: str | None) -> str | None:
        if value is not None and has_login(value):
            raise ValueError(message("metrics_url is an address without a login: http://127.0.0.1:9100/metrics"))
        return value


class LiveSection(Section):
    """What going live takes."""

    armed: bool = Field(False, description=message("explicit arming by the operator"))  # noqa: FBT003 - pydantic's own form
    max_order_krw: Money | None = Field(None, description=message("largest single order, KRW"), examples=[1_000_000])
    max_daily_loss_krw: Money | None = Field(
        None, description=message("loss after which trading stops for the day, KRW"), examples=[300_000]
    )
    order_ceiling_krw: Money = Field(
        100_000_000, description=message("largest max_order_krw that is a limit at all; in live a file has to say so")
    )
    daily_loss_ceiling_krw: Money = Field(
        100_000_000, description=message("largest max_daily_loss_krw that is one; in live a file has to say so")
    )
    kill_switch_key: Annotated[str, Field(min_length=1)] = Field(
        "arbitrage:kill_switch", description=message("Redis key; there and neither 0, off, false nor no: thrown")
    )


class ExchangeSection(Section):
    """One exchange, by its ccxt id."""

    enabled: bool = Field(True, description=message("false where the bot does not trade there"))  # noqa: FBT003 - as above
    symbols: Words = Field((), description=message("symbols that must trade, as ccxt spells them: BTC/KRW"))
    api_key: SecretStr | None = Field(None, description=message("API key"))
    api_key_file: Path | None = Field(None, description=message("file that holds the API key"))
    secret: SecretStr | None = Field(None, description=message("API secret"))
    secret_file: Path | None = Field(None, description=message("file that holds the API secret"))
    password: SecretStr | None = Field(
        None, description=message("API passphrase, where there is one: OKX, KuCoin, Bitget")
    )
    password_file: Path | None = Field(None, description=message("file that holds the passphrase"))
    uid: SecretStr | None = Field(None, description=message("user id, where ccxt asks for one"))
    uid_file: Path | None = Field(None, description=message("file that holds the user id"))
    account_id: SecretStr | None = Field(None, description=message("account id, where ccxt asks for one"))
    account_id_file: Path | None = Field(None, description=message("file that holds the account id"))
    login: SecretStr | None = Field(None, description=message("login, where ccxt asks for one"))
    login_file: Path | None = Field(None, description=message("file that holds the login"))
    wallet_address: SecretStr | None = Field(
        None, description=message("wallet instead of an API key, where ccxt signs with one")
    )
    wallet_address_file: Path | None = Field(None, description=message("file that holds the wallet's address"))
    private_key: SecretStr | None = Field(None, description=message("the wallet's or the agent's private key"))
    private_key_file: Path | None = Field(None, description=message("file that holds the private key"))
    url: str | None = Field(
        None, description=message("another endpoint instead of the exchange's own; never ready for live")
    )
    hostname: str | None = Field(
        None, description=message("the exchange's own site of another region: upbit"), examples=["sg-api.upbit.com"]
    )
    plain_http: bool = Field(False, description=message("let secrets travel to an http address; refused in live"))  # noqa: FBT003
    timeout: Seconds = Field(3.0, description=message("seconds for each answer"))
    slow_after: Seconds = Field(1.0, description=message("seconds; an answer slower than this is a WARN"))
    stale_after: TradeAge = Field(
        600.0, description=message("seconds since a symbol's last trade after which it is a WARN; at most a day")
    )
    halted_after: TradeAge = Field(
        3600.0, description=message("likewise, after which it is a FAIL in live; at most a day")
    )
    needs: Words = Field(
        (),
        description=message(
            "rights beyond spot trading that the bot needs, as the exchange calls them: futures, margin"
        ),
        examples=[["futures"]],
    )
    no_withdraw_attested_on: date | None = Field(
        None,
        description=message("day on which the operator saw that the key cannot withdraw, where no API tells"),
        examples=["2026-11-20"],
    )
    no_withdraw_attested_for: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")] | None = Field(
        None,
        description=message("the key that was seen then: `api_key_<id>` says what to write"),
        examples=["3f2a9c01d4e7"],
    )

    @field_validator("url")
    @classmethod
    def _plain_base(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^/?#@\s]+/?", value):
            raise ValueError(message("url is an address without path or login: https://host or http://127.0.0.1:8080"))
        return None if value is None else value.rstrip("/")

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if self.url is not None and self.hostname is not None:
            raise ValueError(message("url and hostname are both set: keep one"))
        return self

    @model_validator(mode="after")
    def _stale_first(self) -> Self:
        if self.stale_after > self.halted_after:
            raise ValueError(
                message(
                    "stale_after {stale_after:g} is above halted_after {halted_after:g}",
                    stale_after=self.stale_after,
                    halted_after=self.halted_after,
                )
            )
        return self

    @property
    def has_key(self) -> bool:
        """Whether there is an API key with its secret."""
        return all(value is not None and bool(value.get_secret_value()) for value in (self.api_key, self.secret))

    @property
    def by_wallet(self) -> bool:
        """Whether a wallet stands in for API key and secret."""
        return self.wallet_address is not None or self.private_key is not None

    @property
    def fingerprint(self) -> str:
        """Name the key without giving it away: the beginning of its SHA-256."""
        key = self.private_key if self.api_key is None else self.api_key
        return "" if key is None else sha256(key.get_secret_value().encode()).hexdigest()[:12]


class ClockSection(Section):
    """How far this machine's clock may be off an exchange's."""

    warn_ms: Skew = Field(250.0, description=message("skew that is a WARN, ms"))
    fail_ms: Skew = Field(1000.0, description=message("skew that is a FAIL, ms; at most 5000"))
    samples: Annotated[int, Field(ge=1, le=15)] = Field(5, description=message("questions; the median counts"))

    @model_validator(mode="after")
    def _warn_first(self) -> Self:
        if self.warn_ms > self.fail_ms:
            raise ValueError(
                message("warn_ms {warn_ms:g} is above fail_ms {fail_ms:g}", warn_ms=self.warn_ms, fail_ms=self.fail_ms)
            )
        return self


class PositionPolicy(StrEnum):
    """What an open position means."""

    FAIL = "fail"
    WARN = "warn"
    ALLOW = "allow"


class PositionsSection(Section):
    """The bot's table of positions."""

    table: Identifier = Field("paper_positions", description=message("table, with its schema if need be"))
    status_column: Identifier = Field("status", description=message("column that says whether a position is open"))
    open_values: Annotated[Words, Field(min_length=1)] = Field(
        ("open",), description=message("values of that column which mean open, in any case")
    )
    closed_values: Words = Field(
        ("closed",), description=message("values which mean not open; one that stands in neither list is an ERROR")
    )
    open_when: str | None = Field(
        None,
        description=message("SQL condition on a row which means open, instead of a column and its values"),
        examples=["closed_at IS NULL", "quantity <> 0"],
        json_schema_extra={"aside": message("instead of status_column and its values")},
    )
    policy: PositionPolicy = Field(PositionPolicy.FAIL, description=message("fail, warn or allow open positions"))

    @field_validator("open_when")
    @classmethod
    def _one_condition(cls, value: str | None) -> str | None:
        if value is not None and (not value.strip() or ";" in value):
            raise ValueError(message("open_when is one SQL condition, such as closed_at IS NULL, without a semicolon"))
        return value

    @model_validator(mode="after")
    def _open_or_closed(self) -> Self:
        both = {value.lower() for value in self.open_values} & {value.lower() for value in self.closed_values}
        if both:
            raise ValueError(message("{names}: in open_values and in closed_values", names=", ".join(sorted(both))))
        return self


class TelegramSection(Section):
    """Where P0 and P1 go."""

    token: SecretStr | None = Field(None, description=message("bot token; better given by file"))
    token_file: Path | None = Field(None, description=message("file that holds the bot token"))
    chat_id: SecretStr | None = Field(None, description=message("chat to write to"))
    chat_id_file: Path | None = Field(None, description=message("file that holds the chat id"))
    message_thread_id: Annotated[int, Field(ge=1)] | None = Field(
        None, description=message("topic to write to, in a group that has topics"), examples=[42]
    )
    url: str = Field("https://api.telegram.org", description=message("Bot API server"))
    plain_http: bool = Field(False, description=message("let secrets travel to an http address; refused in live"))  # noqa: FBT003
    timeout: Seconds = Field(3.0, description=message("seconds for connecting and for each answer"))
    deadline: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = Field(
        10.0,
        description=message("seconds for all tries at one message, after which a P0 waits in the spool; at most 10"),
    )

    @property
    def configured(self) -> bool:
        """Whether there is a bot and a chat to write to."""
        return all(value is not None and bool(value.get_secret_value()) for value in (self.token, self.chat_id))

    @property
    def topic(self) -> dict[str, int]:
        """The parameter that leads a message to its topic; none without one."""
        return {} if self.message_thread_id is None else {"message_thread_id": self.message_thread_id}

    @field_validator("url")
    @classmethod
    def _no_login(cls, value: str) -> str:
        if has_login(value):
            raise ValueError(message("url is an address without a login: https://host or http://127.0.0.1:8081"))
        return value


class Language(StrEnum):
    """In which language a message is written."""

    BOTH = "both"
    KO = "ko"
    EN = "en"


class AlertsSection(Section):
    """What is said to whom, and how often. No value silences longer than the defaults."""

    lang: Language = Field(Language.BOTH, description=message("language of messages: both, ko or en"))
    p1_window: Annotated[float, Field(gt=0, le=300)] = Field(
        300.0, description=message("seconds for which a warning that was sent is not sent again")
    )
    p2_window: Annotated[float, Field(gt=0, le=1800)] = Field(
        1800.0, description=message("seconds between two P2 rows")
    )
    p3_window: Annotated[float, Field(gt=0, le=3600)] = Field(
        3600.0, description=message("seconds between two P3 rows")
    )
    slow_after: Annotated[float, Field(gt=0, le=600)] = Field(
        5.0, description=message("seconds; a GO slower than this is P2")
    )


class GitSection(Section):
    """What the checkout of the bot is held to."""

    repository: Path | None = Field(
        None,
        description=message("the bot's checkout; else the directory preflight runs in"),
        examples=["/srv/arbitrage"],
    )
    max_file_mb: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = Field(
        5.0, description=message("MB; a larger tracked file is a FAIL; at most 100")
    )
