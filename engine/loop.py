"""The engine's loop: quotes in, dependencies asked, one trading step, metrics out."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping
from typing import Final

from engine import __version__
from engine.backoff import Link
from engine.clock import Clock
from engine.control import Control
from engine.errors import DependencyDown
from engine.metrics import EngineMetrics
from engine.prices.fx import FX_PAIR
from engine.prices.market import Market, QuoteSource
from engine.prices.spread import DIRECTIONS, VENUES, Spreads
from engine.risk import ExitRules, Limits, Reason
from engine.settings import EngineSettings
from engine.trading.portfolio import Portfolio, TradeOutcome
from engine.trading.positions import PositionStore
from engine.trading.trader import EntryRules, Trader, TradingConditions

__all__ = ["Engine"]

_LOG = logging.getLogger("engine.loop")
_NAN: Final = float("nan")


class Engine:
    """Owns the state of one engine; all I/O is handed in.

    Args:
        settings: the configuration.
        clock: both clocks.
        source: quotes.
        control: heartbeat and kill switch.
        store: paper positions.
        rng: jitter of reconnects.
    """

    def __init__(
        self,
        settings: EngineSettings,
        *,
        clock: Clock,
        source: QuoteSource,
        control: Control,
        store: PositionStore,
        rng: random.Random,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._source = source
        self._control = control
        self._store = store
        self.redis = Link("redis", max_delay=settings.reconnect_max_seconds, rng=rng)
        self.postgres = Link("postgres", max_delay=settings.reconnect_max_seconds, rng=rng)
        self.portfolio = Portfolio()
        self.kill_switch = False
        self.last_tick = clock.monotonic()
        self.market = Market(
            symbols=settings.symbols,
            max_quote_age=settings.max_quote_age_seconds,
            max_fx_age=settings.max_fx_age_seconds,
            fees_bps={"upbit": settings.fees_bps.upbit, "binance": settings.fees_bps.binance},
            started=clock.monotonic(),
        )
        self.metrics = EngineMetrics(
            symbols=settings.symbols,
            exchanges=VENUES,
            directions=DIRECTIONS,
            outcomes=tuple(TradeOutcome),
            reasons=tuple(Reason),
            fx=tuple((FX_PAIR, source) for source in settings.fx_sources),
        )
        self._trader = Trader(
            symbols=settings.symbols,
            market=self.market,
            portfolio=self.portfolio,
            store=store,
            metrics=self.metrics,
            entry=EntryRules(min_spread_bps=settings.min_spread_bps, order_notional_krw=settings.order_notional_krw),
            exits=ExitRules(
                take_profit_bps=settings.take_profit_bps,
                stop_loss_bps=settings.stop_loss_bps,
                max_hold_seconds=settings.max_hold_seconds,
                on_kill_switch=settings.kill_switch_policy,
            ),
            limits=Limits(
                order_notional_krw=settings.max_order_notional_krw,
                daily_loss_krw=settings.daily_loss_limit_krw,
                fx_divergence_bps=settings.max_fx_divergence_bps,
            ),
            read_only=settings.read_only,
        )
        self._publish_constants()

    @property
    def longest_silence(self) -> float:
        """Seconds without a finished loop after which the engine no longer counts as alive."""
        # A loop may wait for Redis and for Postgres once each, and once more for Postgres's profit query.
        return 3 * self.settings.interval_seconds + 3 * self.settings.dependency_timeout_seconds

    def alive(self) -> bool:
        """Return whether a loop ended recently enough."""
        return self._clock.monotonic() - self.last_tick <= self.longest_silence

    def run(self, stop: threading.Event) -> None:
        """Loop until ``stop`` is set; loops start ``interval_seconds`` apart, or at once when one took longer.

        Raises:
            MigrationError: if Postgres answers but refuses the engine's tables.
        """
        while not stop.is_set():
            started = self._clock.monotonic()
            self.tick()
            stop.wait(max(0.0, self.settings.interval_seconds - (self._clock.monotonic() - started)))

    def tick(self) -> None:
        """Run one loop.

        Raises:
            MigrationError: if Postgres answers but refuses the engine's tables.
        """
        started = self._clock.monotonic()
        self._take_quotes()
        self._ask_redis()
        self._ask_postgres()
        spreads = self._trade()
        self._publish(spreads)
        ended = self._clock.monotonic()
        self.metrics.observe_loop(ended - started)
        self.metrics.set("engine_heartbeat_timestamp_seconds", self._clock.time())
        self.last_tick = ended

    def close(self) -> None:
        """Give back source, Redis and Postgres."""
        self._source.close()
        self._control.close()
        self._store.close()

    def _take_quotes(self) -> None:
        batch = self._source.poll()
        self.market.update(batch)
        for quote in batch.quotes:
            self.metrics.count("quote_updates_total", quote.exchange, quote.symbol)
        for source, entry in batch.fx.items():
            if source in self.settings.fx_sources:
                self.metrics.set("fx_rate", entry.rate, FX_PAIR, source)

    def _ask_redis(self) -> None:
        if not self.redis.due(self._clock.monotonic()):
            return
        try:
            thrown = self._control.beat(self._clock.time())
        except DependencyDown as error:
            self.redis.failed(self._clock.monotonic(), str(error))
            return
        self.redis.succeeded()
        if thrown != self.kill_switch:
            _LOG.warning("kill switch %s", "thrown: nothing is opened" if thrown else "released")
        self.kill_switch = thrown

    def _ask_postgres(self) -> None:
        if not self.postgres.due(self._clock.monotonic()):
            return
        now = self._clock.time()
        try:
            if not self._store.connected:
                self.portfolio.load(self._store.connect(now), now=now)
            else:
                stored = self._store.open_positions()
                if {position.id for position in stored} != {item.id for item in self.portfolio.open.values()}:
                    self.portfolio.load(self._store.books(now), now=now)
        except DependencyDown as error:
            self._lost_postgres(error)
            return
        self.postgres.succeeded()

    def _trade(self) -> Mapping[str, Spreads]:
        conditions = TradingConditions(
            now=self._clock.time(),
            monotonic=self._clock.monotonic(),
            kill_switch=self.kill_switch,
            redis_up=self.redis.up,
            postgres_up=self.postgres.up,
        )
        try:
            return self._trader.step(conditions)
        except DependencyDown as error:
            self._lost_postgres(error)
            return self.market.spreads(conditions.monotonic)

    def _lost_postgres(self, error: DependencyDown) -> None:
        self._store.close()
        self.postgres.failed(self._clock.monotonic(), str(error))

    def _publish_constants(self) -> None:
        metrics, settings = self.metrics, self.settings
        metrics.set("engine_info", 1, __version__, settings.mode)
        metrics.set("engine_read_only", float(settings.read_only))
        metrics.set("daily_loss_limit_krw", settings.daily_loss_limit_krw)
        metrics.set("order_notional_limit_krw", settings.max_order_notional_krw)
        for symbol in settings.symbols:
            for venue in VENUES:
                metrics.follow("quote_age_seconds", self._quote_age(venue, symbol), venue, symbol)
        for source in settings.fx_sources:
            metrics.follow("fx_age_seconds", self._fx_age(source), FX_PAIR, source)

    def _publish(self, spreads: Mapping[str, Spreads]) -> None:
        metrics, portfolio = self.metrics, self.portfolio
        metrics.set("engine_kill_switch", float(self.kill_switch))
        for link in (self.redis, self.postgres):
            metrics.set("engine_dependency_up", float(link.up), link.name)
        for symbol in self.settings.symbols:
            for direction in DIRECTIONS:
                value = spreads[symbol].bps[direction] if symbol in spreads else _NAN
                metrics.set("spread_bps", value, symbol, direction)
            metrics.set("open_positions", float(symbol in portfolio.open), symbol)
            metrics.set("position_notional_krw", portfolio.notional_krw(symbol), symbol)
        metrics.set("realized_pnl_krw", portfolio.realized_krw)
        metrics.set("unrealized_pnl_krw", portfolio.unrealized_krw)
        metrics.set("daily_loss_krw", portfolio.daily_loss_krw(now=self._clock.time()))

    def _quote_age(self, venue: str, symbol: str) -> Callable[[], float]:
        return lambda: self.market.quote_age(venue, symbol, self._clock.monotonic())

    def _fx_age(self, source: str) -> Callable[[], float]:
        return lambda: self.market.fx_age(source, self._clock.monotonic())
