"""exchange_<id>: the exchange answers, is not in maintenance, and trades what the bot is to trade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preflight.check import Context
from preflight.exchange.kinds import TroubleError, TroubleKind, make_trouble
from preflight.exchange.market_life import Ages, ages_of, why_closed, why_lifeless
from preflight.exchange.market_notices import ends_of, notices_of
from preflight.exchange.outcomes import name_of, outcome_of
from preflight.message import joined, message
from preflight.model import Env, Outcome, Status

if TYPE_CHECKING:
    from preflight.exchange.client import ExchangeClient

_DISPROVES = frozenset(
    {
        TroubleKind.NO_NAME,
        TroubleKind.REFUSED,
        TroubleKind.CERTIFICATE,
        TroubleKind.BANNED,
        TroubleKind.MAINTENANCE,
        TroubleKind.UNAVAILABLE,
        TroubleKind.LOCATION,
        TroubleKind.SYMBOL,
    }
)


@dataclass(frozen=True, slots=True)
class ExchangeCheck:
    """Status where the exchange has one, then the configured symbols: markets, tickers, last trades."""

    exchange: str = "upbit"
    requires: tuple[str, ...] = ()
    timeout: float = 5.0
    network: bool = True
    imports: tuple[str, ...] = ("ccxt", "preflight.exchange.client")

    @property
    def id(self) -> str:
        """`exchange_` and the ccxt id."""
        return f"exchange_{self.exchange}"

    @property
    def proves(self) -> str:
        """What a PASS says."""
        return message(
            "{exchange} is reachable, not in maintenance, and the configured symbols trade",
            exchange=name_of(self.exchange),
        )

    def run(self, ctx: Context) -> Outcome:
        """Ask; each fault's outcome is in docs/fault-matrix.md."""
        symbols = ctx.settings.exchanges[self.exchange].symbols
        expected = f"answers, and trades {', '.join(symbols) or 'symbols'}"
        if not symbols:
            return Outcome(
                status=Status.ERROR,
                summary=message(
                    "no symbols are configured for {exchange}, so nothing can be said about them",
                    exchange=name_of(self.exchange),
                ),
                hint=message(
                    "set exchanges.{exchange}.symbols, or exchanges.{exchange}.enabled = false", exchange=self.exchange
                ),
                expected="at least one symbol",
                actual="none",
            )
        try:
            with ctx.open_exchange(ctx.settings, self.exchange) as client:
                return self._ask(client, ctx, symbols)
        except TroubleError as e:
            return outcome_of(self.exchange, e.trouble, disproves=_DISPROVES, expected=expected)

    def _ask(self, client: ExchangeClient, ctx: Context, symbols: tuple[str, ...]) -> Outcome:
        timings: dict[str, float] = {}
        if client.has("fetchStatus"):
            _must_be_up(client)
            timings["status"] = client.last.seconds
        markets = client.markets(symbols)
        timings["markets"] = client.last.seconds
        dead = {symbol: why_closed(markets.get(symbol)) for symbol in symbols}
        ends = ends_of(client, markets, ctx.now())
        for symbol in symbols:
            if not dead[symbol] and symbol in ends and ends[symbol].is_past(ctx.now()):
                dead[symbol] = message("ended on {day} UTC", day=f"{ends[symbol].at:%Y-%m-%d %H:%M}")
            if symbol not in markets and (meant := client.nearest(symbol)):
                dead[symbol] = message("{why}; did you mean {meant}?", why=dead[symbol], meant=meant)
        if any(dead.values()):
            return self._dead(dead, timings)
        tickers, timings["tickers"] = client.tickers(symbols)
        dead = {symbol: why_lifeless(tickers.get(symbol)) for symbol in symbols}
        if any(dead.values()):
            return self._dead(dead, timings)
        traded_at, slowest = client.last_trades(symbols, tickers)
        if slowest is not None:
            timings["trades"] = slowest
        wanted = {symbol: markets[symbol] for symbol in symbols}
        has_key = ctx.settings.exchanges[self.exchange].has_key
        told = {symbol: end.notice(ctx.now()) for symbol, end in ends.items()}
        notices = {symbol: notice for symbol, notice in told.items() if notice}
        notices |= notices_of(client, wanted, has_key=has_key)
        found = self._judge(ages_of(traded_at, ctx.now()), ctx, symbols, timings)
        return self._announced(notices, timings) if notices and found.status in {Status.PASS, Status.WARN} else found

    def _dead(self, dead: Mapping[str, str], timings: Mapping[str, float]) -> Outcome:
        bad = [message("{symbol} ({why})", symbol=symbol, why=why) for symbol, why in dead.items() if why]
        return Outcome(
            status=Status.FAIL,
            summary=message("{exchange} does not trade {bad}", exchange=name_of(self.exchange), bad=joined(bad, ", ")),
            hint=message("correct exchanges.{exchange}.symbols, or wait until it trades again", exchange=self.exchange),
            expected=f"{', '.join(dead)} trade",
            actual=f"{len(bad)} of {len(dead)} do not",
            timings=timings,
        )

    def _announced(self, notices: Mapping[str, str], timings: Mapping[str, float]) -> Outcome:
        told = joined(message("{symbol} {notice}", symbol=symbol, notice=notice) for symbol, notice in notices.items())
        return Outcome(
            status=Status.WARN,
            summary=message("{exchange}: {told}", exchange=name_of(self.exchange), told=told),
            hint=message("read the exchange's notices, and take the symbol out of the bot's list in time"),
            expected="nothing announced of a configured symbol",
            actual=f"{len(notices)} announced",
            timings=timings,
        )

    def _judge(self, ages: Ages, ctx: Context, symbols: tuple[str, ...], timings: Mapping[str, float]) -> Outcome:
        """Judge symbols that are listed, active and priced, by their last trades and by how long the answers took."""
        name, section = name_of(self.exchange), ctx.settings.exchanges[self.exchange]
        if ages.ahead:
            symbol, ahead = max(ages.ahead.items(), key=lambda pair: pair[1])
            return Outcome(
                status=Status.ERROR,
                summary=message(
                    "{name}: the last trade of {symbol} is dated {minutes:.0f} minutes ahead of this "
                    "machine's clock, so its age cannot be determined",
                    name=name,
                    symbol=symbol,
                    minutes=ahead / 60,
                ),
                hint=message("compare the clocks: see clock_{exchange}", exchange=self.exchange),
                expected="a last trade that is not in the future",
                actual=f"{ahead:.0f} s ahead",
                timings=timings,
            )
        oldest, age = ages.oldest
        if age > section.stale_after:
            halted = ctx.settings.env is Env.LIVE and age > section.halted_after
            limit = section.halted_after if halted else section.stale_after
            return Outcome(
                status=Status.FAIL if halted else Status.WARN,
                summary=message(
                    "{name}: the last trade of {oldest} was {minutes:.0f} minutes ago",
                    name=name,
                    oldest=oldest,
                    minutes=age / 60,
                ),
                hint=message("see whether the exchange has halted it, or whether this machine's clock is wrong"),
                expected=f"a trade within {limit / 60:.0f} minutes",
                actual=f"{age:.0f} s",
                timings=timings,
            )
        if ages.unknown:
            return Outcome(
                status=Status.WARN,
                summary=message(
                    "{name} does not tell when {unknown} last traded", name=name, unknown=", ".join(ages.unknown)
                ),
                hint=message("look at the market yourself; halted markets of {name} cannot be recognised", name=name),
                expected=f"a trade within {section.stale_after / 60:.0f} minutes",
                actual="no time of a trade",
                timings=timings,
            )
        slowest = max(timings, key=lambda question: timings[question])
        took = f"{timings[slowest] * 1000:.0f} ms"
        if timings[slowest] > section.slow_after:
            return Outcome(
                status=Status.WARN,
                summary=message("{name} is slow: {slowest} took {took}", name=name, slowest=slowest, took=took),
                hint=message("check the network path and the exchange's status page"),
                expected=f"each answer within {section.slow_after * 1000:.0f} ms",
                actual=took,
                timings=timings,
            )
        return Outcome(
            status=Status.PASS,
            summary=message(
                "{name} trades {symbols} (slowest answer {took})", name=name, symbols=", ".join(symbols), took=took
            ),
            expected=f"{', '.join(symbols)} trade",
            actual=f"{', '.join(symbols)} trade",
            timings=timings,
        )


def _must_be_up(client: ExchangeClient) -> None:
    answer = client.ask("fetch_status")
    status = answer.get("status") if isinstance(answer, dict) else None
    if status == "maintenance":
        raise TroubleError(make_trouble(client.exchange, TroubleKind.MAINTENANCE, client.last))
    if status in {"shutdown", "error"}:
        raise TroubleError(make_trouble(client.exchange, TroubleKind.UNAVAILABLE, client.last))
    if status != "ok":
        raise client.unexpected(f"status {status!r}")
