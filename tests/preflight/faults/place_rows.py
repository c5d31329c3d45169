"""Faults of disks and directories, of `.env` files, of the checkout and of what the bot was told."""

from __future__ import annotations

import contextlib
import http.server
import secrets
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from acceptance.world.upbit import Upbit
from tests.preflight.faults.rig import LAUNCHER, Rig
from tests.preflight.faults.row import Change, FaultRow, error, fail, folder

_VARIABLE = {
    "spool": "PREFLIGHT_SPOOL_DIR",
    "state": "PREFLIGHT_LEDGER",
    "textfile": "PREFLIGHT_TEXTFILE_DIR",
}


def _place(rig: Rig, name: str, mode: int = 0o755) -> tuple[str, dict[str, str]]:
    """Make one of the gate's directories: its path, and the variable that points there."""
    path = folder(rig.tmp / name, mode)
    return str(path), {_VARIABLE[name]: str(path / "ledger.sqlite") if name == "state" else str(path)}


@contextlib.contextmanager
def broken_disk(rig: Rig, name: str, how: str) -> Iterator[Change]:
    """A directory on a small file system that is full, or read-only."""
    path, env = _place(rig, name)
    yield Change(env=env, prefix=(*LAUNCHER, how, path, "--"))


@contextlib.contextmanager
def forbidden(rig: Rig, name: str) -> Iterator[Change]:
    """A directory that the gate's user may read and not write."""
    path, env = _place(rig, name, 0o555)
    try:
        yield Change(env=env, prefix=(*LAUNCHER, "--bound-by-modes", "--"))
    finally:
        (rig.tmp / path).chmod(0o755)


@contextlib.contextmanager
def private_textfile(rig: Rig) -> Iterator[Change]:
    """A textfile directory that only its owner can enter."""
    yield Change(env=_place(rig, "textfile", 0o700)[1])


@contextlib.contextmanager
def copied_prom(rig: Rig) -> Iterator[Change]:
    """A textfile directory in which somebody keeps a copy of the metrics file."""
    path, env = _place(rig, "textfile")
    (Path(path) / "paper.bak.prom").write_text('arbitrage_preflight_last_success{env="paper"} 1.0\n', encoding="utf-8")
    yield Change(env=env)


@contextlib.contextmanager
def told(rig: Rig, env: str, mode: int = 0o600, **lines: str) -> Iterator[Change]:
    """A `.env.<env>` with these lines."""
    rig.dotenv(env, mode, **lines)
    yield Change()


@contextlib.contextmanager
def tracked(rig: Rig) -> Iterator[Change]:
    """A checkout in which `.env.live` was committed, and pushed like everything else."""
    rig.dotenv("live", UPBIT_SECRET_KEY=secrets.token_hex(20))
    who = ("-c", "user.name=bot", "-c", "user.email=bot@localhost", "-c", "commit.gpgsign=false")
    remote = str(rig.tmp / "remote.git")
    for words in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "."),
        (*who, "commit", "--quiet", "--message", "all"),
        ("init", "--quiet", "--bare", remote),
        ("remote", "add", "origin", remote),
        ("push", "--quiet", "origin", "main"),
    ):
        subprocess.run(("git", *words), cwd=rig.project, check=True, capture_output=True)
    yield Change(env={"PREFLIGHT_GIT__REPOSITORY": str(rig.project)})


@contextlib.contextmanager
def placeholder(rig: Rig) -> Iterator[Change]:
    """An Upbit that takes a placeholder for the key's secret, so that only the check of secrets can mind it."""
    secret, exchanges = "your_upbit_secret", rig.live.exchanges
    rig.dotenv("live", PREFLIGHT_EXCHANGES__UPBIT__SECRET=secret)
    before, exchanges.upbit = exchanges.upbit, Upbit(access_key=exchanges.upbit.access_key, secret_key=secret)
    try:
        yield Change(env=unset("PREFLIGHT_EXCHANGES__UPBIT__SECRET"))
    finally:
        exchanges.upbit = before


def unset(*names: str) -> dict[str, str]:
    """Give variables that count as unset."""
    return dict.fromkeys(names, "")


@contextlib.contextmanager
def engine_page(text: str) -> Iterator[Change]:
    """An engine that shows this page."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers every question with the page."""

        def do_GET(self) -> None:
            """Answer."""
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/metrics"
            yield Change(env={"PREFLIGHT_BOT__METRICS_URL": url})
        finally:
            server.shutdown()
            thread.join()


def env(**variables: str) -> contextlib.nullcontext[Change]:
    """Nothing but other variables."""
    return contextlib.nullcontext(Change(env=variables))


STORAGE = (
    FaultRow(
        id="disk-full-spool",
        fault="the disk under the alert spool is full",
        made="a full 64 kB file system is mounted there, for the gate alone",
        check="storage",
        **fail(),
        words=("spool_dir", "No space left on device"),
        make=lambda rig: broken_disk(rig, "spool", "--full"),
    ),
    FaultRow(
        id="disk-full-ledger",
        fault="the disk under the ledger is full",
        made="a full 64 kB file system is mounted there, for the gate alone",
        check="storage",
        **fail(),
        words=("ledger", "No space left on device"),
        make=lambda rig: broken_disk(rig, "state", "--full"),
    ),
    FaultRow(
        id="disk-full-textfile",
        fault="the disk under the textfile directory is full",
        made="a full 64 kB file system is mounted there, for the gate alone",
        check="storage",
        **fail(recorded=False),
        words=("textfile_dir", "No space left on device"),
        make=lambda rig: broken_disk(rig, "textfile", "--full"),
    ),
    FaultRow(
        id="disk-nearly-full",
        fault="the disk has less room left than wanted",
        made="min_free_mb is set to a million GB",
        check="storage",
        **fail(),
        words=("has only", "MB left"),
        make=lambda _: env(PREFLIGHT_MIN_FREE_MB="1000000000"),
    ),
    FaultRow(
        id="disk-read-only",
        fault="the file system under the alert spool is read-only",
        made="a read-only file system is mounted there, for the gate alone",
        check="storage",
        **fail(),
        words=("spool_dir", "Read-only file system"),
        make=lambda rig: broken_disk(rig, "spool", "--read-only"),
    ),
    FaultRow(
        id="spool-forbidden",
        fault="the gate may not write to the spool directory",
        made="mode 0555, and a gate that mode bits bind even as root",
        check="storage",
        **fail(),
        words=("spool_dir", "Permission denied"),
        make=lambda rig: forbidden(rig, "spool"),
    ),
    FaultRow(
        id="ledger-forbidden",
        fault="the gate may not write to the ledger's directory",
        made="mode 0555, and a gate that mode bits bind even as root",
        check="storage",
        **fail(),
        words=("ledger", "Permission denied"),
        make=lambda rig: forbidden(rig, "state"),
    ),
    FaultRow(
        id="spool-missing",
        fault="the volume for the alert spool is not mounted",
        made="spool_dir names a directory that is not there",
        check="storage",
        **fail(),
        words=("spool_dir", "No such file or directory"),
        make=lambda rig: env(PREFLIGHT_SPOOL_DIR=str(rig.tmp / "volume" / "spool")),
    ),
    FaultRow(
        id="ledger-missing",
        fault="the volume for the ledger is not mounted",
        made="ledger names a file in a directory that is not there",
        check="storage",
        **fail(),
        words=("ledger", "No such file or directory"),
        make=lambda rig: env(PREFLIGHT_LEDGER=str(rig.tmp / "volume" / "ledger.sqlite")),
    ),
    FaultRow(
        id="textfile-forbidden",
        fault="the gate may not write to the textfile directory",
        made="mode 0555, and a gate that mode bits bind even as root",
        check="storage",
        **fail(recorded=False),
        words=("textfile_dir", "Permission denied"),
        make=lambda rig: forbidden(rig, "textfile"),
    ),
    FaultRow(
        id="textfile-private",
        fault="node_exporter may not enter the textfile directory",
        made="mode 0700",
        check="storage",
        **fail(),
        words=("others cannot read",),
        make=private_textfile,
    ),
    FaultRow(
        id="textfile-copy",
        fault="somebody keeps a copy of the metrics file beside it",
        made="another `.prom` file with one of its lines",
        check="storage",
        **fail(),
        words=("paper.bak.prom holds metrics of preflight too",),
        make=copied_prom,
    ),
)

PROJECT = (
    FaultRow(
        id="env-live-mode",
        fault="everybody on the machine may read `.env.live`",
        made="mode 0644",
        check="environment",
        env="live",
        **fail(),
        words=(".env.live has mode 0644",),
        make=lambda rig: told(rig, "live", 0o644, UPBIT_SECRET_KEY=secrets.token_hex(20)),
    ),
    FaultRow(
        id="env-live-tracked",
        fault="`.env.live` is in git",
        made="a real checkout in which it was committed",
        check="git",
        env="live",
        **fail(),
        words=("tracked by git: .env.live",),
        make=tracked,
    ),
    FaultRow(
        id="env-live-placeholder",
        fault="`.env.live` was copied from an example and not filled in",
        made="your_upbit_secret in the file",
        check="secrets",
        env="live",
        **fail(),
        words=("PREFLIGHT_EXCHANGES__UPBIT__SECRET begins with `your`",),
        alone=True,
        make=placeholder,
    ),
    FaultRow(
        id="secret-shared",
        fault="paper and live share a secret",
        made="the paper Redis password in `.env.live`",
        check="secrets",
        **fail(),
        words=("paper and live share a value", "PREFLIGHT_REDIS__PASSWORD in paper", "LIVE_REDIS_PASSWORD in live"),
        make=lambda rig: told(rig, "live", LIVE_REDIS_PASSWORD=rig.setting("redis", "password")),
    ),
    FaultRow(
        id="secret-missing",
        fault="no Redis password is set",
        made="the settings without it",
        check="secrets",
        **fail(),
        words=("not set: PREFLIGHT_REDIS__PASSWORD",),
        make=lambda _: env(PREFLIGHT_REDIS__PASSWORD=""),
    ),
    FaultRow(
        id="read-only-contradiction",
        fault="the bot's own file lifts READ_ONLY in paper",
        made="READ_ONLY=false in `.env.paper`",
        check="read_only_guard",
        **fail(),
        words=("contradicts itself", ".env.paper READ_ONLY says false"),
        make=lambda rig: told(rig, "paper", READ_ONLY="false"),
    ),
    FaultRow(
        id="engine-can-trade",
        fault="the running engine can place orders in paper",
        made="a page that shows arbitrage_engine_read_only 0",
        check="read_only_guard",
        **fail(),
        words=("runs able to place orders",),
        make=lambda _: engine_page("arbitrage_engine_read_only 0\n"),
    ),
    FaultRow(
        id="engine-gone",
        fault="the engine that should be asked does not answer",
        made="a metrics_url at a port that nobody has",
        check="read_only_guard",
        **error(),
        words=("cannot be determined", "http://127.0.0.1:1/metrics"),
        make=lambda _: env(PREFLIGHT_BOT__METRICS_URL="http://127.0.0.1:1/metrics"),
    ),
    FaultRow(
        id="live-not-armed",
        fault="live was never armed",
        made="env live without the settings that arm it",
        check="live_safety",
        env="live",
        **fail(),
        words=("live is not armed", "max_order_krw is not set", "max_daily_loss_krw is not set"),
        make=lambda _: env(
            **unset("PREFLIGHT_LIVE__ARMED", "PREFLIGHT_LIVE__MAX_ORDER_KRW", "PREFLIGHT_LIVE__MAX_DAILY_LOSS_KRW")
        ),
    ),
)

ROWS = (*STORAGE, *PROJECT)
