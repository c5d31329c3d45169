"""What the builders of the services may look at, and preflight's settings for the result."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acceptance.stack.binaries.component import Component
from acceptance.stack.embedded.layout import Layout, Secrets
from acceptance.stack.embedded.supervisor.protocol import ServiceSpec
from acceptance.stack.ports import HOST
from acceptance.stack.readiness import Question
from acceptance.stack.run_as import User

GRAFANA_USER = "admin"
DATABASE_USER = "arbitrage"
DATABASE = "arbitrage"


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
    durable: bool  # False trades Postgres' safety against power loss for speed
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


def preflight_settings(site: StackContext) -> dict[str, Any]:
    """Preflight's settings for this stack, nested as in its TOML file; holds secrets."""
    values: dict[str, Any] = {
        "textfile_dir": str(site.layout.textfile),
        "ledger": str(site.layout.ledger),
        "spool_dir": str(site.layout.spool),
        "bot": {"read_only": True},
        "positions": {"policy": "allow"},  # a paper engine opens and closes positions all the time
    }
    if "engine" in site.ports:
        values["bot"]["metrics_url"] = f"{site.url('engine')}/metrics"
    if "redis" in site.ports:
        values["redis"] = {"host": HOST, "port": site.ports["redis"], "password": site.secrets.redis, "db": 0}
    if "postgres" in site.ports:
        values["postgres"] = {
            "host": HOST,
            "port": site.ports["postgres"],
            "user": DATABASE_USER,
            "password": site.secrets.postgres,
            "database": DATABASE,
        }
    return values
