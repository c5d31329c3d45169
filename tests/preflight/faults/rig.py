"""What a row of the fault matrix may use: the servers of a stack, a proxy before one, and a fresh place for state."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
import redis

from acceptance.stack.embedded.supervisor.client import CODE
from acceptance.stack.interface import DataServers, PreflightRun
from acceptance.stack.run_preflight import invoke
from acceptance.world.live import TABLE, LiveWorld
from tests.preflight.faults.proxy import Trouble, proxy
from tests.preflight.faults.row import Change, FaultRow, folder

LAUNCHER = (sys.executable, "-m", "tests.preflight.faults.launcher")

# Exchanges are another table of faults. Outside live the gate can do without.
_NO_EXCHANGE = {"PREFLIGHT_EXCHANGES__UPBIT__ENABLED": "false", "PREFLIGHT_EXCHANGES__BINANCE__ENABLED": "false"}


@dataclass(frozen=True, slots=True)
class Rig:
    """One row's surroundings: nothing of another row is in them."""

    live: LiveWorld  # what a row in env live runs in: there everything else is as it should be
    tmp: Path

    @property
    def servers(self) -> DataServers:
        """The real servers, the same for every env."""
        return self.live.servers

    @property
    def project(self) -> Path:
        """Where the gate runs, and `.env.<env>` is looked for."""
        return self.tmp / "project"

    def setting(self, table: str, key: str) -> Any:
        """One of the settings that reach a server."""
        return self.servers.settings()[table][key]

    def run(self, row: FaultRow, change: Change) -> PreflightRun:
        """Run the gate as the row says, with a ledger, spool and textfile directory of its own."""
        state = {"PREFLIGHT_LEDGER": str(self.tmp / "state" / "ledger.sqlite")}
        (self.tmp / "state").mkdir(exist_ok=True)
        for key, name in (("PREFLIGHT_SPOOL_DIR", "spool"), ("PREFLIGHT_TEXTFILE_DIR", "textfile")):
            path = self.tmp / name
            path.mkdir(exist_ok=True)
            state[key] = str(path)
        # A busy machine is no fault of the server: rows about slowness set their own limits.
        calm = {f"PREFLIGHT_{name}__SLOW_AFTER": "1.9" for name in ("REDIS", "POSTGRES")}
        calm |= {f"PREFLIGHT_EXCHANGES__{name}__SLOW_AFTER": "2.9" for name in ("UPBIT", "BINANCE")}
        surroundings = self.live.variables if row.env == "live" else _NO_EXCHANGE
        if row.env == "live":  # where the bot's table counts only from a file
            text = f'[positions]\ntable = "{TABLE}"\n'
            (self.project / "preflight.toml").write_text(text, encoding="utf-8")
        return invoke(
            ("--env", row.env, "--lang", "ko"),
            self.servers.settings(),
            project=self.project,
            code=CODE,
            extra={**state, **calm, **surroundings, **change.env},
            prefix=change.prefix,
            start=self.live.start,
        )

    # --- what faults are made of ----------------------------------------------------------------------

    @contextlib.contextmanager
    def stopped(self, service: str) -> Iterator[Change]:
        """A server that is not there."""
        self.servers.stop_service(service)
        try:
            yield Change()
        finally:
            self.servers.start_service(service)

    @contextlib.contextmanager
    def frozen(self, service: str, **env: str) -> Iterator[Change]:
        """A server that takes connections and does nothing."""
        self.servers.pause_service(service)
        try:
            yield Change(env=env)
        finally:
            self.servers.resume_service(service)

    @contextlib.contextmanager
    def troubled(self, service: str, trouble: Trouble, **env: str) -> Iterator[Change]:
        """A server behind a proxy that makes trouble."""
        with proxy(self.setting(service, "port"), trouble) as port:
            yield Change(env={f"PREFLIGHT_{service.upper()}__PORT": str(port), **env})

    @contextlib.contextmanager
    def redis(self) -> Iterator[redis.Redis]:
        """A client with which to spoil the real Redis."""
        reach = self.servers.settings()["redis"]
        client = redis.Redis(host=reach["host"], port=reach["port"], password=reach["password"], db=reach["db"])
        with contextlib.closing(client):
            yield client

    def connect(self) -> psycopg2.extensions.connection:
        """A connection to the real Postgres, as the role that the gate uses."""
        reach: Mapping[str, Any] = self.servers.settings()["postgres"]
        names = {"database": "dbname"}
        connection: psycopg2.extensions.connection = psycopg2.connect(
            **{names.get(key, key): value for key, value in reach.items()}
        )
        connection.autocommit = True
        return connection

    def sql(self, *statements: str) -> None:
        """Run statements on the real Postgres, as the role that the gate uses."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def dotenv(self, env: str, mode: int = 0o600, **lines: str) -> None:
        """Write the project's `.env.<env>`."""
        path = self.project / f".env.{env}"
        path.write_text("".join(f"{key}={value}\n" for key, value in lines.items()), encoding="utf-8")
        path.chmod(mode)


def make_rig(live: LiveWorld, tmp: Path) -> Rig:
    """Make the surroundings of one row below `tmp`."""
    folder(tmp / "project")
    return Rig(live, tmp)
