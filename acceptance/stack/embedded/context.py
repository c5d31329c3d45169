"""What the builders of the services may look at: paths, ports, secrets; and preflight's settings for the result."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from acceptance.stack.binaries.component import Component
from acceptance.stack.embedded.supervisor.protocol import ServiceSpec
from acceptance.stack.ports import HOST
from acceptance.stack.readiness import Question
from acceptance.stack.run_as import User

GRAFANA_USER = "admin"
DATABASE_USER = "arbitrage"
DATABASE = "arbitrage"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one stack, all below its run folder."""

    root: Path

    @property
    def conf(self) -> Path:
        """Configuration files; 0700."""
        return self.root / "conf"

    @property
    def bin(self) -> Path:
        """Programs that another user could not reach where they are."""
        return self.root / "bin"

    @property
    def textfile(self) -> Path:
        """What preflight writes and node_exporter reads; 0755."""
        return self.root / "textfile"

    @property
    def ledger(self) -> Path:
        """Preflight's ledger file."""
        return self.root / "ledger" / "preflight.sqlite"

    @property
    def spool(self) -> Path:
        """Preflight's alert spool."""
        return self.root / "spool"

    def data(self, service: str) -> Path:
        """A service's own folder; its builder makes it."""
        return self.root / "data" / service

    def log(self, service: str) -> Path:
        """A service's stdout and stderr."""
        return self.root / "logs" / f"{service}.log"

    def make(self) -> None:
        """Make the folders, whatever the umask.

        Raises:
            OSError: The disk is full or the folder is not writable.
        """
        for path, mode in (
            (self.conf, 0o700),
            (self.root / "logs", 0o700),
            (self.ledger.parent, 0o700),
            (self.spool, 0o700),
            (self.root / "data", 0o711),
            (self.bin, 0o755),
            (self.textfile, 0o755),
        ):
            path.mkdir(exist_ok=True)
            path.chmod(mode)


def _make_secret() -> str:
    """160 bits as hexadecimal digits: no configuration format can misread them."""
    return secrets.token_hex(20)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Secrets:
    """Every secret of one stack; new ones at each start, and no ``repr`` that could leak them."""

    redis: str = field(default_factory=_make_secret)
    postgres: str = field(default_factory=_make_secret)  # the application's role
    postgres_owner: str = field(default_factory=_make_secret)  # the superuser's
    grafana: str = field(default_factory=_make_secret)  # the administrator's
    grafana_key: str = field(default_factory=_make_secret)  # encrypts what its database holds

    def values(self) -> tuple[str, ...]:
        """All of them, for redaction."""
        return astuple(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackContext:
    """Everything a builder may look at."""

    layout: Layout
    ports: Mapping[str, int]  # service name -> port
    secrets: Secrets
    components: Mapping[str, Component]  # component name -> component
    user: User | None  # runs Postgres and node_exporter; None: as the caller
    monitoring: Path  # the checkout's monitoring folder
    code: Path  # the folder that holds our packages
    interval: str | None  # scrape interval such as "1s"; None: as committed
    postgres: Mapping[str, str]  # settings of Postgres, laid over the stack's own
    textfile_seen: Path  # the directory that node_exporter reads

    def url(self, service: str) -> str:
        """Where a service answers, without a trailing slash."""
        return f"http://{HOST}:{self.ports[service]}"

    def spec(self, name: str, argv: tuple[str, ...], env: Mapping[str, str], question: Question) -> ServiceSpec:
        """A service run as the caller in its own data folder."""
        return ServiceSpec(
            name=name,
            argv=argv,
            env={**base_env(self.layout.data(name)), **env},
            cwd=str(self.layout.data(name)),
            log=str(self.layout.log(name)),
            question=question,
        )


def base_env(home: Path) -> dict[str, str]:
    """Nothing is inherited: a stray PGHOST, GF_* or proxy variable must not steer a server."""
    return {"PATH": os.defpath, "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC"}


def preflight_settings(context: StackContext) -> dict[str, Any]:
    """Preflight's settings for this stack, nested as in its TOML file; holds secrets."""
    values: dict[str, Any] = {
        "textfile_dir": str(context.layout.textfile),
        "ledger": str(context.layout.ledger),
        "spool_dir": str(context.layout.spool),
        "bot": {"read_only": True},
        "positions": {"policy": "allow"},  # a paper engine opens and closes positions all the time
    }
    if "engine" in context.ports:
        values["bot"]["metrics_url"] = f"{context.url('engine')}/metrics"
    if "redis" in context.ports:
        values["redis"] = {"host": HOST, "port": context.ports["redis"], "password": context.secrets.redis, "db": 0}
    if "postgres" in context.ports:
        values["postgres"] = {
            "host": HOST,
            "port": context.ports["postgres"],
            "user": DATABASE_USER,
            "password": context.secrets.postgres,
            "database": DATABASE,
        }
    return values


def write_private(path: Path, text: str) -> Path:
    """Write a file that is 0600 from its first byte on.

    Raises:
        FileExistsError: It is there already.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path
