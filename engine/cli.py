"""Command line of the engine: ``python -m engine``."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import threading
from collections.abc import Sequence

from engine import __version__, signals
from engine.clock import Clock, SystemClock
from engine.control import RedisControl
from engine.database import Database
from engine.errors import ConfigError, EngineError, QuoteFileError
from engine.logs import set_up
from engine.loop import Engine
from engine.prices.ccxt_quotes import CcxtQuotes, exchanges
from engine.prices.market import QuoteSource
from engine.prices.recorded import RecordedQuotes, read_frames
from engine.prices.spread import VENUES
from engine.reference import settings_shown, settings_text
from engine.server import MetricsServer
from engine.settings import EngineSettings, load
from engine.trading.positions import PostgresPositions

__all__ = ["build", "entry", "main"]

_LOG = logging.getLogger("engine")
_JOIN_SECONDS = 1.2  # what a loop that waits for a frozen server is given before the process ends without it


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine",
        description="Paper arbitrage engine: no exchange key, no exchange order. Ends on SIGTERM.",
        epilog=f"settings, as environment variables:\n{settings_text()}\n\n"
        "exit codes: 0 stopped as asked, 1 cannot go on, 2 wrong option or setting",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"engine {__version__}")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check-config", action="store_true", help="check and show the settings, then end")
    choice.add_argument("--once", action="store_true", help="run one loop, show its spreads, then end")
    return parser


def _source(settings: EngineSettings, clock: Clock) -> QuoteSource:
    if settings.quotes == "recorded":
        return RecordedQuotes(read_frames(settings.quotes_file, settings.symbols, settings.fx_sources), clock)
    names = tuple(dict.fromkeys((*VENUES, *settings.fx_sources)))
    return CcxtQuotes(
        exchanges(names),
        symbols=settings.symbols,
        fx_sources=settings.fx_sources,
        interval=settings.interval_seconds,
        clock=clock,
    )


def build(settings: EngineSettings, clock: Clock) -> Engine:
    """Put an engine together from the real parts; nothing is connected yet.

    Raises:
        ConfigError, QuoteFileError: if the quote source cannot be used.
    """
    return Engine(
        settings,
        clock=clock,
        source=_source(settings, clock),
        control=RedisControl(
            settings.redis,
            heartbeat_key=settings.heartbeat_key,
            kill_switch_key=settings.kill_switch_key,
            ttl=settings.heartbeat_ttl_seconds,
            timeout=settings.dependency_timeout_seconds,
        ),
        store=PostgresPositions(
            Database(settings.postgres, timeout=settings.dependency_timeout_seconds), settings.mode
        ),
        rng=random.Random(),  # noqa: S311 (jitter of reconnects)
    )


def _once(engine: Engine) -> int:
    engine.tick()
    for symbol, spreads in engine.market.spreads(engine.last_tick).items():
        shown = "  ".join(f"{direction} {bps:+8.2f} bps" for direction, bps in spreads.bps.items())
        sys.stdout.write(f"{symbol:<6}{shown}\n")
    down = [link.name for link in (engine.redis, engine.postgres) if not link.up]
    sys.stdout.write(f"down: {', '.join(down)}\n" if down else "redis and postgres answer\n")
    return 1 if down else 0


def _serve(engine: Engine) -> int:
    stop = threading.Event()
    failure: list[BaseException] = []

    def work() -> None:
        try:
            engine.run(stop)
        except Exception as error:  # noqa: BLE001 (handed to the main thread, which ends the process with it)
            failure.append(error)
            stop.set()

    settings = engine.settings
    with MetricsServer(
        settings.metrics_host, settings.metrics_port, registry=engine.metrics.registry, alive=engine.alive
    ) as server:
        _LOG.info(
            "version %s, %s, READ_ONLY=%s, %s, metrics on %s:%d",
            __version__,
            settings.mode,
            settings.read_only,
            ",".join(settings.symbols),
            settings.metrics_host,
            server.port,
        )
        # The loop has a thread of its own: it may be inside a C call when the signal comes. A daemon, so that it
        # cannot keep the process alive either.
        worker = threading.Thread(target=work, name="loop", daemon=True)
        worker.start()
        name = signals.wait(stop)
        stop.set()
        worker.join(_JOIN_SECONDS)
    if failure:
        raise failure[0]
    if not worker.is_alive():
        engine.close()
    _LOG.info("stopped by %s", name)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the engine and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        settings = load()
        set_up(settings.log_level, settings.secrets)
        engine = build(settings, SystemClock())
    except (ConfigError, QuoteFileError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        if arguments.check_config:
            sys.stdout.write(f"{settings_shown(settings)}\n")
            return 0
        return _once(engine) if arguments.once else _serve(engine)
    except EngineError as error:
        _LOG.error("%s", error)
        return 1
    except Exception:  # noqa: BLE001 (the last edge: a fault becomes exit 1 with its traceback in the log)
        _LOG.exception("a fault in the engine itself; please report it")
        return 1


def entry() -> None:
    """Run :func:`main` as a process."""
    signals.hold()
    sys.exit(main())
