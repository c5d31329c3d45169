"""exchange_<id>: the exchange answers, is not in maintenance, and trades what the bot is to trade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from preflight.check import Context
from preflight.checks.trouble import name_of, outcome_of
from preflight.exchange_kinds import Kind, TroubleError, make_trouble
from preflight.model import Outcome, Status

if TYPE_CHECKING:
    from preflight.exchange_client import ExchangeClient

_STALE_SECONDS = 600.0  # a symbol without a trade for this long trades in name only
_DISPROVES = frozenset(
    {
        Kind.NO_NAME,
        Kind.REFUSED,
        Kind.CERTIFICATE,
        Kind.BANNED,
        Kind.MAINTENANCE,
        Kind.UNAVAILABLE,
        Kind.LOCATION,
        Kind.SYMBOL,
    }
)


@dataclass(frozen=True, slots=True)
class ExchangeCheck:
    """Status where the exchange has one, then the markets of the configured symbols, then their tickers."""

    exchange: str = "upbit"
    requires: tuple[str, ...] = ()
    timeout: float = 5.0
    network: bool = True
    imports: tuple[str, ...] = ("ccxt", "preflight.exchange_client")

    @property
    def id(self) -> str:
        """`exchange_` and the ccxt id."""
        return f"exchange_{self.exchange}"

    @property
    def proves(self) -> str:
        """What a PASS says."""
        return f"{name_of(self.exchange)} is reachable, not in maintenance, and the configured symbols trade"

    def run(self, ctx: Context) -> Outcome:
        """Ask; each fault's outcome is in docs/fault-matrix.md."""
        symbols = ctx.settings.exchanges[self.exchange].symbols
        expected = f"answers, and trades {', '.join(symbols) or 'symbols'}"
        if not symbols:
            return Outcome(
                status=Status.ERROR,
                summary=f"no symbols are configured for {name_of(self.exchange)}, so nothing can be said about them",
                hint=f"set exchanges.{self.exchange}.symbols, or exchanges.{self.exchange}.enabled = false",
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
        dead = {symbol: _why_dead(markets.get(symbol)) for symbol in symbols}
        if not any(dead.values()):
            tickers = client.ask("fetch_tickers", list(symbols))
            timings["tickers"] = client.last.seconds
            if not isinstance(tickers, dict):
                raise client.unexpected("tickers")
            dead = {symbol: _why_priceless(tickers.get(symbol)) for symbol in symbols}
            old = _oldest(tickers, ctx.now())
        name = name_of(self.exchange)
        bad = [f"{symbol} ({why})" for symbol, why in dead.items() if why]
        if bad:
            return Outcome(
                status=Status.FAIL,
                summary=f"{name} does not trade {', '.join(bad)}",
                hint=f"correct exchanges.{self.exchange}.symbols, or wait until it trades again",
                expected=f"{', '.join(symbols)} trade",
                actual=f"{len(bad)} of {len(symbols)} do not",
                timings=timings,
            )
        slowest = max(timings, key=lambda question: timings[question])
        limit = ctx.settings.exchanges[self.exchange].slow_after
        if old is not None:
            return Outcome(
                status=Status.WARN,
                summary=f"{name}: the last trade of {old[0]} was {old[1] / 60:.0f} minutes ago",
                hint="see whether the exchange has halted it, or whether this machine's clock is wrong",
                expected=f"a trade within {_STALE_SECONDS / 60:.0f} minutes",
                actual=f"{old[1]:.0f} s",
                timings=timings,
            )
        if timings[slowest] > limit:
            return Outcome(
                status=Status.WARN,
                summary=f"{name} is slow: {slowest} took {timings[slowest] * 1000:.0f} ms",
                hint="check the network path and the exchange's status page",
                expected=f"each answer within {limit * 1000:.0f} ms",
                actual=f"{timings[slowest] * 1000:.0f} ms",
                timings=timings,
            )
        return Outcome(
            status=Status.PASS,
            summary=f"{name} trades {', '.join(symbols)} (slowest answer {timings[slowest] * 1000:.0f} ms)",
            expected=f"{', '.join(symbols)} trade",
            actual=f"{', '.join(symbols)} trade",
            timings=timings,
        )


def _must_be_up(client: ExchangeClient) -> None:
    answer = client.ask("fetch_status")
    status = answer.get("status") if isinstance(answer, dict) else None
    if status == "maintenance":
        raise TroubleError(make_trouble(client.exchange, Kind.MAINTENANCE, client.last))
    if status in {"shutdown", "error"}:
        raise TroubleError(make_trouble(client.exchange, Kind.UNAVAILABLE, client.last))
    if status != "ok":
        raise client.unexpected(f"status {status!r}")


def _why_dead(market: Mapping[str, Any] | None) -> str:
    if market is None:
        return "not listed"
    # None is ccxt's word for an exchange that does not say; the ticker that follows has to show it.
    return "not active" if market.get("active") is False else ""


def _why_priceless(ticker: Mapping[str, Any] | None) -> str:
    price = None if ticker is None else ticker.get("last")
    return "" if isinstance(price, int | float) and price > 0 else "no price"


def _oldest(tickers: Mapping[str, Mapping[str, Any]], now: float) -> tuple[str, float] | None:
    """Give symbol and age in seconds of the last trade that is too long ago, where the exchange tells."""
    ages = {
        symbol: now - ticker["timestamp"] / 1000
        for symbol, ticker in tickers.items()
        if isinstance(ticker.get("timestamp"), int | float)
    }
    worst = max(ages, key=lambda symbol: ages[symbol], default=None)
    return None if worst is None or ages[worst] <= _STALE_SECONDS else (worst, ages[worst])
