"""clock_<id>: this machine's clock agrees with the exchange's.

Signed requests carry a time; Binance refuses one that is 1 s ahead. Whoever subtracts the moment of asking counts
the way there and back as skew, so the exchange's time is compared with the middle between asking and being told.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from preflight.check import Context
from preflight.exchange.kinds import TroubleError, TroubleKind, is_number
from preflight.exchange.outcomes import name_of, outcome_of
from preflight.message import NOTHING, Message, message
from preflight.model import Outcome, Status

if TYPE_CHECKING:
    from preflight.exchange.client import ExchangeClient

_SLOW_HINT = message("check the network path, then run again")
_HINT = message("set this machine's clock: timedatectl set-ntp true")
_EARLIEST = 1_500_000_000.0  # Unix seconds; a time before July 2017 is no exchange's clock
_SHARE = 0.5  # of the check's time may go into asking; a slow exchange is asked less often

# The smallest answer of an exchange that has no question for its time; its Date header is read.
_DATE_QUESTIONS: dict[str, tuple[str, tuple[Any, ...]]] = {"upbit": ("public_get_ticker", ({"markets": "KRW-BTC"},))}


class Skew(NamedTuple):
    """How far the exchange is ahead of this machine."""

    ahead: float  # seconds; negative where this machine is ahead
    doubt: float  # seconds, either way


@dataclass(frozen=True, slots=True)
class ClockCheck:
    """Ask for the time several times, and take the median of what the middles say."""

    exchange: str = "binance"
    requires: tuple[str, ...] = ()
    timeout: float = 5.0
    network: bool = True
    imports: tuple[str, ...] = ("ccxt", "preflight.exchange.client")

    @property
    def id(self) -> str:
        """`clock_` and the ccxt id."""
        return f"clock_{self.exchange}"

    @property
    def proves(self) -> str:
        """What a PASS says."""
        return message("this machine's clock agrees with {exchange}'s", exchange=name_of(self.exchange))

    def run(self, ctx: Context) -> Outcome:
        """Ask and compare. An exchange that cannot be asked leaves the clock unknown: ERROR, whatever the reason."""
        limits = ctx.settings.clock
        try:
            with ctx.open_exchange(ctx.settings, self.exchange) as client:
                if client.has("fetchTime"):
                    return self._judge(self._by_question(client, ctx), ctx)
                return self._judge_roughly(self._by_header(client, ctx), ctx)
        except TroubleError as e:
            expected = f"skew below {limits.warn_ms:.0f} ms"
            return outcome_of(self.exchange, e.trouble, disproves=frozenset[TroubleKind](), expected=expected)

    def _by_question(self, client: ExchangeClient, ctx: Context) -> Skew:
        client.ask("fetch_time")  # connecting comes before the question and would shift the middle
        skews: list[Skew] = []
        begun, budget = ctx.clock(), _SHARE * ctx.settings.timeout_of(self.id, self.timeout)
        while not skews or (len(skews) < ctx.settings.clock.samples and ctx.clock() - begun < budget):
            asked = ctx.now()
            there = client.ask("fetch_time")
            told = ctx.now()
            if not is_number(there) or there / 1000 < _EARLIEST:
                raise client.unexpected(f"time {there!r}")
            skews.append(Skew(there / 1000 - (asked + told) / 2, (told - asked) / 2))
        # Each answer was made between asking and being told, so whatever the network did, the true skew is within
        # every one of these spans. Spans that lie apart are clocks that differ: no median of them is a time.
        apart = max(skew.ahead - skew.doubt for skew in skews) - min(skew.ahead + skew.doubt for skew in skews)
        if apart > ctx.settings.clock.warn_ms / 1000:
            raise client.unexpected(f"times that contradict each other by {apart * 1000:.0f} ms")
        return Skew(median(skew.ahead for skew in skews), median(skew.doubt for skew in skews))

    def _by_header(self, client: ExchangeClient, ctx: Context) -> Skew:
        """Narrow down: each Date, whole seconds cut off, was written between asking and being told."""
        method, arguments = _DATE_QUESTIONS.get(self.exchange, ("fetch_markets", ()))
        least, most, count = -1e12, 1e12, 0
        begun, budget = ctx.clock(), _SHARE * ctx.settings.timeout_of(self.id, self.timeout)
        while count == 0 or (count < ctx.settings.clock.samples and ctx.clock() - begun < budget):
            asked = ctx.now()
            answer = client.ask(method, *arguments)
            told = ctx.now()
            if not isinstance(answer, list) or not answer:
                raise client.unexpected("no list")
            date = _date(client)
            least, most, count = max(least, date - told), min(most, date + 1.0 - asked), count + 1
        if least - most > 1.0:
            raise client.unexpected("Date headers that contradict each other")
        return Skew((least + most) / 2, abs(most - least) / 2)

    def _judge(self, skew: Skew, ctx: Context) -> Outcome:
        """Hold what the skew can be at most against the limits: what is not known to be good is not good."""
        limits, name = ctx.settings.clock, name_of(self.exchange)
        off, doubt = abs(skew.ahead) * 1000, skew.doubt * 1000
        expected, actual = f"skew below {limits.warn_ms:.0f} ms", f"{skew.ahead * 1000:+.0f} ms, +-{doubt:.0f} ms"
        if off - doubt <= limits.fail_ms < off + doubt:
            return Outcome(
                status=Status.ERROR,
                summary=message(
                    "{name} answers too slowly to tell its clock closer than {doubt:.0f} ms", name=name, doubt=doubt
                ),
                hint=_SLOW_HINT,
                expected=expected,
                actual=actual,
            )
        if off <= limits.warn_ms < off + doubt:
            return Outcome(
                status=Status.WARN,
                summary=message(
                    "{name} answers so slowly that this machine's clock may be {off:.0f} ms off",
                    name=name,
                    off=off + doubt,
                ),
                hint=_SLOW_HINT,
                expected=expected,
                actual=actual,
            )
        status = Status.FAIL if off > limits.fail_ms else Status.WARN if off > limits.warn_ms else Status.PASS
        return Outcome(
            status=status,
            summary=message("this machine's clock is {apart} {name}'s", apart=_apart(skew.ahead), name=name),
            hint=NOTHING if status is Status.PASS else _HINT,
            expected=expected,
            actual=actual,
        )

    def _judge_roughly(self, skew: Skew, ctx: Context) -> Outcome:
        """Whole seconds are too coarse to hold anything back: the worst this can say is WARN."""
        limits, name = ctx.settings.clock, name_of(self.exchange)
        off, doubt = abs(skew.ahead) * 1000, skew.doubt * 1000
        sure = off - doubt > limits.warn_ms
        return Outcome(
            status=Status.WARN if sure else Status.PASS,
            summary=(
                message(
                    "this machine's clock is {apart} {name}'s, by its Date header", apart=_apart(skew.ahead), name=name
                )
                if sure
                else message(
                    "this machine's clock agrees with {name}'s within {ms:.0f} ms, by its Date header",
                    name=name,
                    ms=max(off, doubt),
                )
            ),
            hint=_HINT if sure else NOTHING,
            expected=f"skew below {limits.warn_ms:.0f} ms, as far as whole seconds tell",
            actual=f"{skew.ahead * 1000:+.0f} ms, +-{doubt:.0f} ms",
        )


def _apart(ahead: float) -> Message:
    ms = abs(ahead) * 1000
    return message("{ms:.0f} ms behind", ms=ms) if ahead > 0 else message("{ms:.0f} ms ahead of", ms=ms)


def _date(client: ExchangeClient) -> float:
    """Read when the answer was written, Unix seconds.

    Raises:
        TroubleError: It does not say, or it comes from a cache.
    """
    headers = client.last.headers
    if headers.get("Age", "0") != "0":
        raise client.unexpected("an answer from a cache, whose Date is old")
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (ValueError, OverflowError) as e:
        raise client.unexpected("no Date header") from e
