"""The engine's metrics: a catalogue that can be read without starting anything, and the live set made from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.registry import Collector

__all__ = ["CATALOGUE", "DEPENDENCIES", "MAX_SYMBOLS", "EngineMetric", "EngineMetrics", "exposition"]

MAX_SYMBOLS: Final = 10  # keeps the number of series bounded; the settings refuse more
DEPENDENCIES: Final = ("redis", "postgres")

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineMetric:
    """What one metric is called and means."""

    name: str  # as queried; counters end in _total
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()  # histogram upper bounds without +Inf, seconds

    @property
    def series(self) -> tuple[str, ...]:
        """Return the sample names a query may use: the name itself, or a histogram's three."""
        if self.kind == "histogram":
            return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
        return (self.name,)


def _counter(name: str, text: str, *labels: str) -> EngineMetric:
    return EngineMetric(name=name, kind="counter", help=text, labels=labels)


def _gauge(name: str, text: str, *labels: str) -> EngineMetric:
    return EngineMetric(name=name, kind="gauge", help=text, labels=labels)


CATALOGUE: Final[tuple[EngineMetric, ...]] = (
    _gauge("arbitrage_engine_info", "Always 1; the labels say which engine this is.", "version", "mode"),
    _gauge("arbitrage_engine_heartbeat_timestamp_seconds", "Unix time at which the last loop ended."),
    _gauge("arbitrage_engine_read_only", "1 while READ_ONLY keeps orders from the exchanges."),
    _gauge("arbitrage_engine_kill_switch", "1 while the kill switch is thrown, as last read from Redis."),
    _gauge("arbitrage_engine_dependency_up", "1 if the dependency answered when last asked.", "dependency"),
    EngineMetric(
        name="arbitrage_engine_loop_duration_seconds",
        kind="histogram",
        help="Time one loop took.",
        buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0),
    ),
    _counter("arbitrage_quote_updates_total", "Quotes received.", "exchange", "symbol"),
    _gauge("arbitrage_quote_age_seconds", "Age of the last quote, or of the engine.", "exchange", "symbol"),
    _gauge(
        "arbitrage_spread_bps",
        "Net spread after fees and FX; NaN while quotes or FX are stale.",
        "symbol",
        "direction",
    ),
    _counter("arbitrage_opportunities_total", "Times a net spread rose above the threshold.", "symbol"),
    _counter("arbitrage_trades_total", "Round trips closed on paper.", "symbol", "outcome"),
    _gauge("arbitrage_open_positions", "Open paper positions.", "symbol"),
    _gauge("arbitrage_position_notional_krw", "Notional of the open paper positions.", "symbol"),
    _gauge("arbitrage_realized_pnl_krw", "Profit of all closed paper positions in the table."),
    _gauge("arbitrage_unrealized_pnl_krw", "Profit if every open position were closed at the last spreads."),
    _gauge("arbitrage_daily_loss_krw", "Loss since 00:00 UTC, realized plus unrealized; 0 when in profit."),
    _gauge("arbitrage_daily_loss_limit_krw", "Daily loss from which on nothing is opened."),
    _gauge("arbitrage_order_notional_limit_krw", "Largest notional one order may have."),
    _counter("arbitrage_risk_blocks_total", "Orders held back, once for each reason that applied.", "reason"),
    _gauge("arbitrage_fx_rate", "KRW for one unit, by source; NaN before the first.", "pair", "source"),
    _gauge("arbitrage_fx_age_seconds", "Age of the last rate, or of the engine.", "pair", "source"),
)


class EngineMetrics:
    """Every series of the catalogue, present with 0 before its first event; a rate that never came is NaN.

    Args:
        symbols, exchanges, directions, outcomes, reasons: the closed label sets.
        fx: ``(pair, source)`` tuples.
    """

    def __init__(
        self,
        *,
        symbols: Sequence[str],
        exchanges: Sequence[str],
        directions: Sequence[str],
        outcomes: Sequence[str],
        reasons: Sequence[str],
        fx: Sequence[tuple[str, str]],
    ) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._metrics: dict[str, Counter | Gauge | Histogram] = {}
        for spec in CATALOGUE:
            self._metrics[spec.name] = self._build(spec)
        for symbol in symbols:
            for name in ("opportunities_total", "open_positions", "position_notional_krw"):
                self._metrics[f"arbitrage_{name}"].labels(symbol)
            for exchange in exchanges:
                self._metrics["arbitrage_quote_updates_total"].labels(exchange, symbol)
                self._metrics["arbitrage_quote_age_seconds"].labels(exchange, symbol)
            for direction in directions:
                self._metrics["arbitrage_spread_bps"].labels(symbol, direction)
            for outcome in outcomes:
                self._metrics["arbitrage_trades_total"].labels(symbol, outcome)
        for reason in reasons:
            self._metrics["arbitrage_risk_blocks_total"].labels(reason)
        for pair, source in fx:
            self.set("fx_rate", math.nan, pair, source)  # there is no rate of 0
            self._metrics["arbitrage_fx_age_seconds"].labels(pair, source)
        for dependency in DEPENDENCIES:
            self._metrics["arbitrage_engine_dependency_up"].labels(dependency)

    def _build(self, spec: EngineMetric) -> Counter | Gauge | Histogram:
        if spec.kind == "counter":
            return Counter(spec.name, spec.help, spec.labels, registry=self.registry)
        if spec.kind == "gauge":
            return Gauge(spec.name, spec.help, spec.labels, registry=self.registry)
        return Histogram(spec.name, spec.help, spec.labels, registry=self.registry, buckets=spec.buckets)

    def gauge(self, name: str, *labels: str) -> Gauge:
        """Return the gauge ``arbitrage_<name>``, or its child for ``labels``."""
        metric = self._metrics[f"arbitrage_{name}"]
        assert isinstance(metric, Gauge), name  # noqa: S101 (a name of this package, not input)
        return metric.labels(*labels) if labels else metric

    def set(self, name: str, value: float, *labels: str) -> None:
        """Set gauge ``arbitrage_<name>`` to ``value``."""
        self.gauge(name, *labels).set(value)

    def follow(self, name: str, read: Callable[[], float], *labels: str) -> None:
        """Let gauge ``arbitrage_<name>`` ask ``read`` at every scrape: an age that stands still tells nothing."""
        self.gauge(name, *labels).set_function(read)

    def count(self, name: str, *labels: str) -> None:
        """Add one to counter ``arbitrage_<name>``."""
        metric = self._metrics[f"arbitrage_{name}"]
        assert isinstance(metric, Counter), name  # noqa: S101 (a name of this package, not input)
        metric.labels(*labels).inc()

    def observe_loop(self, seconds: float) -> None:
        """Record how long one loop took."""
        metric = self._metrics["arbitrage_engine_loop_duration_seconds"]
        assert isinstance(metric, Histogram)  # noqa: S101 (the catalogue above says so)
        metric.observe(seconds)


class _WithoutCreated(Collector):
    """A view of a registry without the ``_created`` series the client library adds to counters and histograms."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            slim = Metric(family.name, family.documentation, family.type, family.unit)
            slim.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield slim


def exposition(registry: CollectorRegistry) -> Collector:
    """Return what to render for a scrape of ``registry``."""
    return _WithoutCreated(registry)
