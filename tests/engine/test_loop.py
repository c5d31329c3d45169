from __future__ import annotations

import dataclasses
import itertools
import math
import random
import threading
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DependencyDown, MigrationError
from engine.loop import Engine
from engine.prices.fx import FxRate
from engine.prices.market import Quote, QuoteBatch
from engine.prices.spread import DIRECTIONS, Price
from engine.settings import EngineSettings, load
from engine.trading.portfolio import Books, Position, utc_day
from tests.property_size import examples

NOON = 20_000 * 86_400.0 + 43_200
# Upbit's price against Binance's: 30 bps below or above opens a position, equal does not, and a little above closes
# with profit what was opened below.
CHEAP, DEAR, EVEN, TURNED = 0.997, 1.003, 1.0, 1.0015


class _Clock:
    """Both clocks, moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return NOON + self.now - 1000.0

    def monotonic(self) -> float:
        return self.now


class _Venue:
    """Gives the quotes the test sets; ``premium`` of None gives none."""

    def __init__(self, clock: _Clock) -> None:
        self.clock = clock
        self.premium: Mapping[str, float | None] = {}
        self.fx: Mapping[str, float] = {"upbit": 1400.0, "bithumb": 1400.0, "coinone": 1400.0}
        self.closed = False

    def poll(self) -> QuoteBatch:
        now = self.clock.monotonic()
        quotes = []
        for symbol, premium in self.premium.items():
            if premium is not None:
                for venue, mid in (("upbit", 1400.0 * premium), ("binance", 1.0)):
                    price = Price(bid=mid * 0.9999, ask=mid * 1.0001)
                    quotes.append(Quote(exchange=venue, symbol=symbol, price=price, received=now))
        fx = {source: FxRate(rate=rate, received=now) for source, rate in self.fx.items()}
        return QuoteBatch(quotes=tuple(quotes), fx=fx)

    def close(self) -> None:
        self.closed = True


class _Control:
    """Redis as the engine sees it."""

    def __init__(self) -> None:
        self.thrown = False
        self.down = False
        self.beats: list[float] = []

    def beat(self, now: float) -> bool:
        if self.down:
            raise DependencyDown("refused")
        self.beats.append(now)
        return self.thrown

    def close(self) -> None:
        self.down = True


class _Store:
    """The positions table in memory; ``down`` makes every question fail."""

    def __init__(self) -> None:
        self.rows: dict[int, Position] = {}
        self.profits: list[tuple[float, float]] = []  # (Unix seconds of the close, KRW)
        self.down = False
        self.refuses_tables = False
        self._connected = False
        self._ids = itertools.count(1)

    @property
    def connected(self) -> bool:
        return self._connected

    def _ask(self) -> None:
        if self.down:
            self._connected = False
            raise DependencyDown("refused")

    def connect(self, now: float) -> Books:
        self._ask()
        if self.refuses_tables:
            raise MigrationError("no right to create a table")
        self._connected = True
        return self.books(now)

    def open_positions(self) -> tuple[Position, ...]:
        self._ask()
        return tuple(self.rows.values())

    def books(self, now: float) -> Books:
        self._ask()
        today = [profit for when, profit in self.profits if utc_day(when) == utc_day(now)]
        return Books(
            open=tuple(self.rows.values()),
            realized_krw=sum(profit for _, profit in self.profits),
            realized_today_krw=sum(today),
        )

    def open(self, position: Position) -> Position | None:
        self._ask()
        if any(row.symbol == position.symbol for row in self.rows.values()):
            return None
        stored = dataclasses.replace(position, id=next(self._ids))
        self.rows[stored.id] = stored
        return stored

    def close_position(self, position: Position, *, now: float, exit_spread_bps: float, pnl_krw: float) -> bool:
        self._ask()
        assert math.isfinite(exit_spread_bps)
        if self.rows.pop(position.id, None) is None:
            return False
        self.profits.append((now, pnl_krw))
        return True

    def close(self) -> None:
        self._connected = False


class _Lab:
    """An engine on fakes."""

    def __init__(self, configured: EngineSettings | None = None, store: _Store | None = None) -> None:
        self.clock = _Clock()
        self.venue = _Venue(self.clock)
        self.control = _Control()
        self.store = store or _Store()
        self.engine = Engine(
            configured or load({"symbols": ("BTC",)}),
            clock=self.clock,
            source=self.venue,
            control=self.control,
            store=self.store,
            rng=random.Random(1),  # noqa: S311 (jitter)
        )

    def tick(self, premium: float | None = EVEN, *, seconds: float = 0.5) -> None:
        self.clock.now += seconds
        self.venue.premium = dict.fromkeys(self.engine.settings.symbols, premium)
        self.engine.tick()

    def value(self, name: str, **labels: str) -> float:
        got = self.engine.metrics.registry.get_sample_value(f"arbitrage_{name}", labels)
        assert got is not None, f"no sample {name} {labels}"
        return got

    def blocks(self) -> dict[str, float]:
        """Reasons that were counted."""
        for family in self.engine.metrics.registry.collect():
            if family.name == "arbitrage_risk_blocks":
                return {
                    sample.labels["reason"]: sample.value
                    for sample in family.samples
                    if sample.name.endswith("_total") and sample.value
                }
        raise AssertionError


@pytest.fixture
def lab() -> _Lab:
    return _Lab()


def test_a_wide_spread_opens_a_position_and_its_end_closes_it(lab: _Lab) -> None:
    """Cheap at Upbit: bought there; when the difference is gone the round trip is closed and counted."""
    lab.tick(CHEAP)
    (row,) = lab.store.rows.values()
    assert (row.symbol, row.direction) == ("BTC", DIRECTIONS[0])
    assert row.quantity * 1400 * CHEAP == pytest.approx(row.notional_krw, rel=1e-3)
    assert lab.value("open_positions", symbol="BTC") == 1
    assert lab.value("position_notional_krw", symbol="BTC") == row.notional_krw
    assert lab.value("opportunities_total", symbol="BTC") == 1
    assert lab.value("unrealized_pnl_krw") < 0
    assert lab.value("daily_loss_krw") == pytest.approx(-lab.value("unrealized_pnl_krw"))
    lab.tick(TURNED)
    assert lab.store.rows == {}
    assert lab.value("trades_total", symbol="BTC", outcome="win") == 1
    assert lab.value("realized_pnl_krw") == pytest.approx(lab.store.profits[0][1])
    assert lab.value("realized_pnl_krw") > 0
    assert lab.value("open_positions", symbol="BTC") == 0
    assert lab.value("daily_loss_krw") == 0


def test_the_other_direction_is_taken_too(lab: _Lab) -> None:
    """Dear at Upbit: bought at Binance."""
    lab.tick(DEAR)
    assert [row.direction for row in lab.store.rows.values()] == [DIRECTIONS[1]]


def test_a_narrow_spread_opens_nothing(lab: _Lab) -> None:
    """Equal prices cost the fees: no opportunity, no position, no block."""
    lab.tick(EVEN)
    assert lab.store.rows == {}
    assert lab.value("opportunities_total", symbol="BTC") == 0
    assert lab.blocks() == {}
    assert lab.value("spread_bps", symbol="BTC", direction=DIRECTIONS[0]) == pytest.approx(-17, abs=0.5)


def test_an_opportunity_is_counted_when_it_comes_not_while_it_stays(lab: _Lab) -> None:
    """Three loops of one wide spread are one opportunity; a second one later is another."""
    for premium in (CHEAP, CHEAP, CHEAP, EVEN, CHEAP):
        lab.tick(premium)
    assert lab.value("opportunities_total", symbol="BTC") == 2


def test_a_position_that_goes_nowhere_is_closed_by_age_at_a_loss(lab: _Lab) -> None:
    """After the longest hold a position is closed whatever it brings, and counted as a loss."""
    lab.tick(CHEAP)
    for _ in range(59):
        lab.tick(0.998)
    assert len(lab.store.rows) == 1
    lab.tick(0.9985)
    assert lab.store.rows == {}
    assert lab.value("trades_total", symbol="BTC", outcome="loss") == 1


def test_a_thrown_kill_switch_closes_and_opens_nothing(lab: _Lab) -> None:
    """While the key is set positions are closed by default policy and opportunities are held back."""
    lab.tick(CHEAP)
    lab.control.thrown = True
    lab.tick(CHEAP)
    assert lab.store.rows == {}
    assert lab.value("engine_kill_switch") == 1
    lab.tick(CHEAP)
    assert lab.store.rows == {}
    assert lab.blocks()["kill_switch"] == 1
    lab.control.thrown = False
    lab.tick(CHEAP)
    assert len(lab.store.rows) == 1
    assert lab.value("engine_kill_switch") == 0


def test_read_only_holds_back_the_exchange_leg_of_each_fill(lab: _Lab) -> None:
    """With READ_ONLY paper goes on, and each fill's exchange order is counted as held back."""
    lab.tick(CHEAP)
    lab.tick(TURNED)
    assert lab.value("engine_read_only") == 1
    assert lab.blocks() == {"read_only": 2}


def test_without_read_only_there_is_still_paper_only() -> None:
    """READ_ONLY=false changes the gauge and the count, nothing else."""
    one = _Lab(load({"symbols": ("BTC",), "read_only": False}))
    one.tick(CHEAP)
    assert len(one.store.rows) == 1
    assert one.value("engine_read_only") == 0
    assert one.blocks() == {}


def test_the_daily_loss_limit_stops_opening(lab: _Lab) -> None:
    """At the limit nothing is opened until the next UTC day."""
    lab.store.profits.append((NOON - 10, -500_000))
    lab.tick(CHEAP)
    assert lab.store.rows == {}
    assert lab.value("daily_loss_krw") == 500_000
    assert lab.blocks() == {"daily_loss_limit": 1}
    lab.tick(CHEAP, seconds=43_200)
    assert len(lab.store.rows) == 1


def test_an_order_above_the_limit_is_refused_not_trimmed(lab: _Lab) -> None:
    """A spread so wide that the order would exceed the limit opens nothing."""
    lab.tick(0.99)
    assert lab.store.rows == {}
    assert lab.blocks() == {"order_notional_limit": 1}


def test_stale_quotes_are_held_back_once_and_shown_as_unknown(lab: _Lab) -> None:
    """A silent venue is one block per silence, and its spread is NaN rather than the last number."""
    lab.tick(EVEN)
    for _ in range(20):
        lab.tick(None)
    assert lab.blocks() == {"stale_quote": 1}
    assert math.isnan(lab.value("spread_bps", symbol="BTC", direction=DIRECTIONS[0]))
    assert lab.value("quote_age_seconds", exchange="upbit", symbol="BTC") == 10
    lab.tick(EVEN)
    for _ in range(20):
        lab.tick(None)
    assert lab.blocks() == {"stale_quote": 2}


def test_diverging_fx_sources_stop_opening(lab: _Lab) -> None:
    """When the sources disagree too much, the spread is not believed."""
    lab.venue.fx = {"upbit": 1400.0, "bithumb": 1400.0, "coinone": 1410.0}
    lab.tick(CHEAP)
    assert lab.store.rows == {}
    assert lab.blocks() == {"fx_divergence": 1}


def test_stale_fx_stops_opening(lab: _Lab) -> None:
    """Without a fresh rate there is no spread."""
    lab.tick(EVEN)
    lab.venue.fx = {}
    for _ in range(31):
        lab.tick(EVEN)
    assert lab.blocks() == {"stale_fx": 1}
    assert lab.value("fx_age_seconds", pair="USDT/KRW", source="upbit") == 15.5


@pytest.mark.parametrize("name", ["redis", "postgres"])
def test_a_dependency_that_goes_and_returns(lab: _Lab, name: str) -> None:
    """While Redis or Postgres is away nothing is opened and quotes go on; afterwards trading resumes by itself."""
    part: _Control | _Store = lab.control if name == "redis" else lab.store
    lab.tick(EVEN)
    assert lab.value("engine_dependency_up", dependency=name) == 1
    part.down = True
    lab.tick(CHEAP)
    lab.tick(CHEAP)
    assert lab.value("engine_dependency_up", dependency=name) == 0
    assert lab.store.rows == {}
    assert lab.blocks() == {"dependency_down": 1}
    assert lab.value("quote_updates_total", exchange="upbit", symbol="BTC") == 3
    part.down = False
    lab.tick(CHEAP, seconds=5)
    assert lab.value("engine_dependency_up", dependency=name) == 1
    assert len(lab.store.rows) == 1


def test_both_may_be_away_from_the_start(lab: _Lab) -> None:
    """The engine starts without Redis and Postgres, shows them down, and lives."""
    lab.control.down = lab.store.down = True
    lab.tick(CHEAP)
    for name in ("redis", "postgres"):
        assert lab.value("engine_dependency_up", dependency=name) == 0
    assert lab.engine.alive()
    assert lab.value("engine_heartbeat_timestamp_seconds") == lab.clock.time()


def test_a_known_kill_switch_stays_thrown_while_redis_is_away(lab: _Lab) -> None:
    """Losing Redis does not release the kill switch."""
    lab.control.thrown = True
    lab.tick(EVEN)
    lab.control.down = True
    lab.tick(CHEAP)
    assert lab.value("engine_kill_switch") == 1
    assert lab.store.rows == {}


def test_positions_survive_a_restart(lab: _Lab) -> None:
    """A new engine finds open positions and profit in the table."""
    lab.tick(CHEAP)
    lab.store.profits.append((NOON - 86_400, 700))
    lab.store.close()
    after = _Lab(store=lab.store)
    after.tick(CHEAP)
    assert after.value("open_positions", symbol="BTC") == 1
    assert after.value("realized_pnl_krw") == 700


def test_another_engines_changes_are_taken_over(lab: _Lab) -> None:
    """When a second engine opens or closes, this one sees it with the next loop and does not double it."""
    other = _Lab(store=lab.store)
    lab.tick(EVEN)
    other.tick(CHEAP)
    lab.tick(CHEAP)
    assert len(lab.store.rows) == 1
    assert lab.value("open_positions", symbol="BTC") == 1
    other.tick(TURNED)
    lab.tick(TURNED)
    assert lab.value("open_positions", symbol="BTC") == 0
    assert lab.value("realized_pnl_krw") == pytest.approx(other.value("realized_pnl_krw"))
    assert len(lab.store.profits) == 1


class _TakenStore(_Store):
    """A store in which another engine is always a moment faster."""

    def open(self, position: Position) -> Position | None:
        super().open(position)
        return None

    def close_position(self, position: Position, *, now: float, exit_spread_bps: float, pnl_krw: float) -> bool:
        super().close_position(position, now=now, exit_spread_bps=exit_spread_bps, pnl_krw=pnl_krw)
        return False


def test_a_lost_race_is_no_trade() -> None:
    """What another engine opened or closed first is read back, and not counted here."""
    one = _Lab(store=_TakenStore())
    one.tick(CHEAP)
    assert one.value("open_positions", symbol="BTC") == 1
    assert one.blocks() == {}
    one.tick(TURNED)
    assert one.value("open_positions", symbol="BTC") == 0
    assert one.value("trades_total", symbol="BTC", outcome="win") == 0
    assert one.value("realized_pnl_krw") > 0


def test_refused_tables_end_the_engine(lab: _Lab) -> None:
    """A migration that the server refuses is no outage: it goes up to the process."""
    lab.store.refuses_tables = True
    with pytest.raises(MigrationError, match="no right"):
        lab.tick()


def test_life_is_judged_by_the_last_loop(lab: _Lab) -> None:
    """The engine counts as alive for a few intervals after a loop, and no longer."""
    lab.tick()
    lab.clock.now += lab.engine.longest_silence
    assert lab.engine.alive()
    lab.clock.now += 0.01
    assert not lab.engine.alive()


def test_the_heartbeat_is_written_each_loop(lab: _Lab) -> None:
    """Redis gets the time of every loop."""
    lab.tick()
    lab.tick()
    assert lab.control.beats == [NOON + 0.5, NOON + 1.0]


def test_the_loop_ends_when_told(lab: _Lab) -> None:
    """The loop returns soon after the event is set, and close gives everything back."""
    stop = threading.Event()
    worker = threading.Thread(target=lab.engine.run, args=(stop,))
    worker.start()
    stop.set()
    worker.join(5)
    assert not worker.is_alive()
    lab.engine.close()
    assert lab.venue.closed


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(min_value=0.97, max_value=1.03)),
            st.booleans(),  # kill switch
            st.booleans(),  # Redis down
            st.booleans(),  # Postgres down
        ),
        max_size=40,
    )
)
def test_no_sequence_of_events_breaks_a_limit(events: list[tuple[float | None, bool, bool, bool]]) -> None:
    """Whatever happens: no order above the limit, none opened when forbidden, and memory equals the table."""
    one = _Lab(load({"symbols": ("BTC", "ETH"), "daily_loss_limit_krw": 5_000}))
    for premium, thrown, no_redis, no_postgres in events:
        before = set(one.store.rows)
        lost_before = -sum(profit for _, profit in one.store.profits)
        one.control.thrown, one.control.down, one.store.down = thrown, no_redis, no_postgres
        one.tick(premium, seconds=7)
        opened = set(one.store.rows) - before
        assert len({row.symbol for row in one.store.rows.values()}) == len(one.store.rows)
        for row in one.store.rows.values():
            assert 0 < row.notional_krw <= one.engine.settings.max_order_notional_krw
        if opened:
            assert (thrown, no_redis, no_postgres) == (False, False, False)
            assert premium is not None
            assert lost_before < 5_000
        if not no_postgres:
            assert {item.id for item in one.engine.portfolio.open.values()} == set(one.store.rows)
