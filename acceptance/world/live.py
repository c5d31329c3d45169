"""Everything that a run in env live meets, reached at its own address through a proxy that stands in for the world."""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from acceptance.probes.exposition import parse
from acceptance.stack.interface import DataServers, PreflightRun
from acceptance.stack.run_preflight import Start, invoke, own_process
from acceptance.world.exchanges import ExchangeStandin
from acceptance.world.telegram import TelegramStandin
from acceptance.world.tls import Authority, TlsProxy
from preflight.record.catalogue import READY_FOR_LIVE

HOSTS = {"api.upbit.com": "upbit", "api.binance.com": "binance"}
TABLE = "live_positions"

_CODE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveWorld:
    """Everything a live run meets, on a good day."""

    servers: DataServers
    place: Path  # where the gate runs and keeps its state
    exchanges: ExchangeStandin
    telegram: TelegramStandin
    proxy: TlsProxy
    variables: Mapping[str, str]
    start: Start = own_process  # of the gate

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value that was made."""
        return (*self.servers.secrets, *self.exchanges.secrets, self.variables["PREFLIGHT_TELEGRAM__TOKEN"])

    def good_day(self) -> None:
        """Put both exchanges back to where nothing is wrong with them; their keys stay."""
        self.exchanges.heal()
        self.exchanges.binance.rights["enableSpotAndMarginTrading"] = True

    def run(self, **more: str) -> PreflightRun:
        """Run preflight as `preflight --env live` would be run on the bot's machine."""
        return self.preflight("--env", "live", env={**self.variables, **more})

    def preflight(self, *args: str, env: Mapping[str, str]) -> PreflightRun:
        """Run preflight on this machine, with the real servers, and nothing of this world but what `env` says."""
        state = {
            "PREFLIGHT_TEXTFILE_DIR": str(self.place / "textfile"),
            "PREFLIGHT_LEDGER": str(self.place / "state" / "ledger.sqlite"),
            "PREFLIGHT_SPOOL_DIR": str(self.place / "state" / "spool"),
        }
        return invoke(
            args,
            self.servers.settings(),
            project=self.place / "project",
            code=_CODE,
            extra={**state, **env},
            start=self.start,
        )

    def ready(self, run: PreflightRun) -> tuple[int, bool, float | None]:
        """Give exit code, what the report says, and what the `.prom` file says."""
        page = parse(run.prom, origin="the .prom file")
        return run.exit_code, run.report["ready_for_live"], page.value(READY_FOR_LIVE, env="live")


def _pushed_checkout(root: Path) -> Path:
    """Make a clean checkout whose commit is on a remote branch."""
    checkout = root / "bot"

    def git(*words: str) -> None:
        who = ("-c", "user.name=bot", "-c", "user.email=bot@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, "-C", str(checkout), *words], check=True, capture_output=True, timeout=30)

    checkout.mkdir()
    git("init", "--initial-branch=main")
    (checkout / "bot.py").write_text("print('arbitrage')\n", encoding="utf-8")
    git("add", "bot.py")
    git("commit", "--message=the bot")
    git("init", "--bare", str(root / "remote.git"))
    git("remote", "add", "origin", str(root / "remote.git"))
    git("push", "origin", "main")
    return checkout


def _make_positions(servers: DataServers) -> None:
    postgres = servers.settings()["postgres"]
    where = {**postgres, "dbname": postgres["database"]}
    del where["database"]
    with closing(psycopg2.connect(**where)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {TABLE} (id serial PRIMARY KEY, status text NOT NULL)")


@contextmanager
def open_live_world(servers: DataServers, *, start: Start = own_process) -> Iterator[LiveWorld]:
    """Start what stands in for the world. The servers are the caller's, and nothing else should live on them.

    The gate runs on this machine: it reaches the stand-ins as it does, whatever runs the servers.

    Args:
        servers: Redis and Postgres.
        start: How the gate's process comes about.
    """
    token, chat = f"7{secrets.randbelow(10**9):09d}:AA{secrets.token_urlsafe(25)}", "-1001234567890"
    with (
        tempfile.TemporaryDirectory(prefix="arbitrage-live-") as name,
        ExchangeStandin() as exchanges,
        TelegramStandin(token=token, chat_id=chat) as telegram,
    ):
        root = Path(name)
        root.chmod(0o755)  # others must be able to reach the textfile directory in it
        for folder in ("project", "textfile", "state", "state/spool"):
            (root / folder).mkdir(mode=0o755)
        # What the bot's table is called counts, in live, only from a file.
        (root / "project" / "preflight.toml").write_text(f'[positions]\ntable = "{TABLE}"\n', encoding="utf-8")
        (root / "ca").mkdir(mode=0o700)
        address = urlsplit(telegram.url)
        routes = dict.fromkeys(HOSTS, exchanges.address)
        routes["api.telegram.org"] = (str(address.hostname), int(address.port or 0))
        _make_positions(servers)
        with TlsProxy(Authority(root / "ca"), routes) as proxy:
            variables = {
                **proxy.environment(),
                **exchanges.credentials(),
                "PREFLIGHT_TELEGRAM__TOKEN": token,
                "PREFLIGHT_TELEGRAM__CHAT_ID": chat,
                "PREFLIGHT_BOT__READ_ONLY": "false",
                "PREFLIGHT_BOT__METRICS_URL": "",
                "PREFLIGHT_LIVE__ARMED": "true",
                "PREFLIGHT_LIVE__MAX_ORDER_KRW": "1000000",
                "PREFLIGHT_LIVE__MAX_DAILY_LOSS_KRW": "300000",
                "PREFLIGHT_POSITIONS__POLICY": "fail",
                "PREFLIGHT_GIT__REPOSITORY": str(_pushed_checkout(root)),
            }
            world = LiveWorld(
                servers=servers,
                place=root,
                exchanges=exchanges,
                telegram=telegram,
                proxy=proxy,
                variables=variables,
                start=start,
            )
            world.good_day()
            yield world
