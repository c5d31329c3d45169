from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest
import requests
from psycopg2.extensions import connection as Connection  # noqa: N812 (a class under a module's naming)
from redis import Redis

from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.ports import Ports
from acceptance.stack.wait import Observation, wait_until
from engine.cli import main
from engine.settings import Postgres
from engine.settings import Redis as RedisSettings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def configured(redis_settings: RedisSettings, postgres_settings: Postgres, tmp_path: Path) -> Mapping[str, str]:
    """Environment of an engine on the real servers, passwords as files."""
    assert redis_settings.password is not None
    assert postgres_settings.password is not None
    secrets = {}
    for name, secret in (("REDIS", redis_settings.password), ("POSTGRES", postgres_settings.password)):
        path = tmp_path / name
        path.write_text(secret.get_secret_value(), encoding="utf-8")
        secrets[f"ENGINE_{name}__PASSWORD_FILE"] = str(path)
    return {
        **secrets,
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "ENGINE_REDIS__PORT": str(redis_settings.port),
        "ENGINE_POSTGRES__PORT": str(postgres_settings.port),
        "ENGINE_POSTGRES__USER": postgres_settings.user,
        "ENGINE_POSTGRES__DATABASE": postgres_settings.database,
        "ENGINE_INTERVAL_SECONDS": "0.05",
        "ENGINE_DEPENDENCY_TIMEOUT_SECONDS": "0.3",
        "ENGINE_RECONNECT_MAX_SECONDS": "0.2",
    }


class _Running:
    """An engine process and what it serves."""

    def __init__(self, environment: Mapping[str, str], port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {**environment, "ENGINE_METRICS_PORT": str(port)}
        self._log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engine"],
                env=self.environment,
                stderr=stderr,
                cwd="/",
            )

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def value(self, sample: str) -> float | None:
        """Return the value of a sample line, None if it is not there."""
        text = requests.get(f"{self.url}/metrics", timeout=2).text
        found = [line for line in text.splitlines() if line.startswith(f"{sample} ")]
        return float(found[0].split()[-1]) if found else None

    def until(self, sample: str, holds: Callable[[float], bool]) -> float:
        """Wait for a sample's value."""

        def probe() -> Observation[float]:
            got = self.value(sample)
            return Observation(done=got is not None and holds(got), said=str(got), value=got)

        answer = wait_until(probe, asked=f"{self.url}/metrics for {sample}", timeout=10)
        assert answer.value is not None
        return answer.value

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return exit code and seconds until the end."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(5), time.monotonic() - began


@pytest.fixture
def engine(configured: Mapping[str, str], sql: Connection, redis_client: Redis, tmp_path: Path) -> Iterator[_Running]:
    del sql, redis_client  # both servers are emptied first
    with Ports.free(["engine"]) as ports:
        one = _Running(configured, ports["engine"], tmp_path / "engine.log")
        yield one
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def up(dependency: str) -> str:
    return f'arbitrage_engine_dependency_up{{dependency="{dependency}"}}'


def test_a_whole_life(engine: _Running, sql: Connection, redis_client: Redis) -> None:
    """It starts, trades on paper, obeys the kill switch, and ends cleanly on SIGTERM with exit 0."""
    engine.until(up("postgres"), lambda value: value == 1)
    engine.until('arbitrage_trades_total{outcome="win",symbol="BTC"}', lambda value: value > 0)
    assert requests.get(f"{engine.url}/healthz", timeout=2).status_code == 200
    assert abs(float(str(redis_client.get("arbitrage:engine:heartbeat"))) - time.time()) < 5
    assert engine.value("arbitrage_engine_read_only") == 1
    redis_client.set("arbitrage:kill_switch", "1")
    engine.until("arbitrage_engine_kill_switch", lambda value: value == 1)
    engine.until('arbitrage_open_positions{symbol="BTC"}', lambda value: value == 0)
    with sql.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(sum(pnl_krw), 0)::float8 FROM paper_positions WHERE status = 'closed'"
        )
        closed, profit = cursor.fetchone() or (0, 0.0)
    assert closed > 0
    assert engine.value("arbitrage_realized_pnl_krw") == pytest.approx(profit, abs=0.01 * closed)
    assert psutil.Process(engine.process.pid).memory_info().rss < 80e6
    assert engine.stop()[0] == 0
    assert "stopped by SIGTERM" in engine.log


@pytest.mark.parametrize("service", ["redis", "postgres"])
def test_a_server_that_is_frozen_stopped_and_started(engine: _Running, servers: EmbeddedStack, service: str) -> None:
    """Metrics are served and quotes go on throughout, and the server is used again without help."""
    quotes = 'arbitrage_quote_updates_total{exchange="upbit",symbol="BTC"}'
    engine.until(up(service), lambda value: value == 1)
    servers.pause_service(service)
    engine.until(up(service), lambda value: value == 0)
    seen = engine.until(quotes, lambda value: value > 0)
    engine.until(quotes, lambda value: value > seen + 5)
    servers.resume_service(service)
    engine.until(up(service), lambda value: value == 1)
    servers.stop_service(service)
    engine.until(up(service), lambda value: value == 0)
    servers.start_service(service)
    engine.until(up(service), lambda value: value == 1)
    assert engine.process.poll() is None
    assert "Traceback" not in engine.log


def test_it_ends_in_time_while_postgres_is_frozen(engine: _Running, servers: EmbeddedStack) -> None:
    """SIGINT ends it within two seconds although a question to Postgres is unanswered."""
    engine.until(up("postgres"), lambda value: value == 1)
    servers.pause_service("postgres")
    engine.until(up("postgres"), lambda value: value == 0)
    code, seconds = engine.stop(signal.SIGINT)
    assert code == 0
    assert seconds < 2


def test_a_signal_during_start_is_not_lost(configured: Mapping[str, str], tmp_path: Path) -> None:
    """SIGTERM that comes before the engine is up still ends it with exit 0."""
    with Ports.free(["engine"]) as ports:
        one = _Running(configured, ports["engine"], tmp_path / "engine.log")
        blocked = f"/proc/{one.process.pid}/status"

        def probe() -> Observation[None]:
            line = next(row for row in Path(blocked).read_text(encoding="ascii").splitlines() if "SigBlk" in row)
            return Observation(done=bool(int(line.split()[1], 16) & (1 << (signal.SIGTERM - 1))), said=line)

        wait_until(probe, asked=blocked, timeout=5, interval=0.001)
        assert one.stop()[0] == 0


def test_it_starts_without_servers(configured: Mapping[str, str], tmp_path: Path) -> None:
    """With neither Redis nor Postgres there it serves metrics with both shown down, and no secret in its log."""
    with Ports.free(["engine", "nobody"]) as ports:
        away = {"ENGINE_REDIS__PORT": str(ports["nobody"]), "ENGINE_POSTGRES__PORT": str(ports["nobody"])}
        one = _Running({**configured, **away}, ports["engine"], tmp_path / "engine.log")
        wait_until(
            lambda: Observation(done=one.value(up("redis")) == 0, said="not served"), asked="metrics", timeout=10
        )
        one.until("arbitrage_engine_heartbeat_timestamp_seconds", lambda value: value > 0)
        assert requests.get(f"{one.url}/healthz", timeout=2).status_code == 200
        assert one.stop()[0] == 0
    for name in ("ENGINE_REDIS__PASSWORD_FILE", "ENGINE_POSTGRES__PASSWORD_FILE"):
        assert Path(configured[name]).read_text(encoding="utf-8") not in one.log


def test_refused_tables_end_it_with_one_sentence(engine: _Running, sql: Connection) -> None:
    """A database that is ahead of this engine is a fatal error, exit 1, without a traceback."""
    engine.until(up("postgres"), lambda value: value == 1)
    engine.stop()
    with sql.cursor() as cursor:
        cursor.execute("INSERT INTO engine_schema_migrations (version, name, sha256) VALUES (999, 'x', 'x')")
    again = run(engine.environment)
    assert again.returncode == 1
    assert "schema version 999" in again.stderr
    assert "Traceback" not in again.stderr


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", *arguments],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd="/",
    )


def test_one_loop(configured: Mapping[str, str], sql: Connection) -> None:
    """--once shows the spreads and whether both servers answer, and exits 0 only if they do."""
    del sql
    good = run(configured, "--once")
    assert (good.returncode, good.stdout.splitlines()[-1]) == (0, "redis and postgres answer")
    assert "BTC   upbit_to_binance" in good.stdout
    bad = run({**configured, "ENGINE_REDIS__PORT": "1"}, "--once")
    assert (bad.returncode, bad.stdout.splitlines()[-1]) == (1, "down: redis")


def test_a_taken_port_ends_it(configured: Mapping[str, str]) -> None:
    """A port in use is exit 1 with the port and the variable."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        got = run({**configured, "ENGINE_METRICS_PORT": str(port)})
    assert got.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in got.stderr
    assert "Traceback" not in got.stderr


def test_settings_are_checked_and_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """--check-config shows what would be used and starts nothing."""
    monkeypatch.setenv("ENGINE_SYMBOLS", "BTC")
    assert main(["--check-config"]) == 0
    assert "ENGINE_SYMBOLS=BTC\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value"),
    [("ENGINE_METRICS_PORT", "x"), ("ENGINE_SYMBOLS", "NOSUCH"), ("ENGINE_UNKNOWN", "1"), ("ENGINE_MODE", "live")],
)
def test_a_wrong_setting_exits_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    """A wrong setting is one sentence on stderr and exit 2, before anything starts."""
    monkeypatch.setenv(name, value)
    assert main(["--check-config"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(name)
    assert captured.err.count("\n") == 1


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """--help is the whole reference."""
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "ENGINE_DAILY_LOSS_LIMIT_KRW=500000" in text
    assert "ENGINE_POSTGRES__PASSWORD_FILE=" in text


def test_an_unknown_option_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt option is refused."""
    with pytest.raises(SystemExit) as caught:
        main(["--onc", "--nonsense"])
    assert caught.value.code == 2
    assert "--nonsense" in capsys.readouterr().err
