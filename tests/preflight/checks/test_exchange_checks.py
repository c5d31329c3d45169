"""What the three exchange checks make of answers that no stand-in gives; every fault of a server is in faults/."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from preflight.check import Context
from preflight.checks.api_key import ApiKeyCheck
from preflight.checks.clock import ClockCheck
from preflight.checks.exchange import ExchangeCheck
from preflight.config.settings import Settings
from preflight.exchange.client import ExchangeClient, GuardedSession
from preflight.exchange.kinds import ExchangeAnswer
from preflight.model import Mode, Outcome, Status

MakeSettings = Callable[..., Settings]
MakeContext = Callable[..., Context]

NOW = 1_800_000_000.0
KEYS = {"api_key": "k" * 40, "secret": "s" * 40}
FINGERPRINT = sha256(KEYS["api_key"].encode()).hexdigest()[:12]


class Api:
    """A ccxt object that answers from a table."""

    def __init__(self, has: dict[str, Any], answers: dict[str, Callable[[], Any]]) -> None:
        self.has = has
        self.requiredCredentials: dict[str, bool] = {}
        self.asked: list[str] = []
        self._answers = answers

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self._answers:
            raise AttributeError(name)

        def answer(*_: Any) -> Any:
            self.asked.append(name)
            return self._answers[name]()

        return answer

    def set_markets(self, _: Any) -> None:
        """As ccxt does."""


class Client(ExchangeClient):
    """A client whose last answer is whatever a test says."""

    headers: dict[str, str]

    def ask(self, method: str, *args: Any) -> Any:
        """Ask, and have an answer to look at."""
        value = super().ask(method, *args)
        self._session.last = ExchangeAnswer(status=200, text="{}", headers=getattr(self, "headers", {}), seconds=0.01)
        return value


@pytest.fixture
def session() -> Iterator[GuardedSession]:
    with GuardedSession("kraken") as session:
        yield session


def market(symbol: str, **more: Any) -> dict[str, Any]:
    return {"symbol": symbol, "active": True, **more}


def test_any_ccxt_id(session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext) -> None:
    """An exchange that nobody prepared for is checked by what ccxt has for all: markets and tickers."""
    api = Api(
        {"fetchStatus": None, "fetchTrades": True},
        {
            "fetch_markets": lambda: [market("BTC/EUR", active=None), market("ETH/EUR")],
            "fetch_tickers": lambda: {"BTC/EUR": {"last": 60_000.0, "timestamp": None}},
            "fetch_trades": lambda: [{"timestamp": (NOW - 90) * 1000}, {"timestamp": (NOW - 5) * 1000}],
        },
    )
    settings = make_settings(exchanges={"kraken": {"symbols": "BTC/EUR"}})
    ctx = make_context(settings=settings, open_exchange=lambda *_: Client("kraken", api, session), now=lambda: NOW)
    outcome = ExchangeCheck("kraken").run(ctx)
    assert (outcome.status, set(outcome.timings)) == (Status.PASS, {"markets", "tickers", "trades"})
    assert api.asked == ["fetch_markets", "fetch_tickers", "fetch_trades"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"info": {"delisting_time": int(NOW) + 86_400}}, (Status.WARN, "BTC/EUR is delisted on 2027-01-16 08:00 UTC")),
        ({"info": {"delisting_time": int(NOW) - 60}}, (Status.FAIL, "BTC/EUR (ended on 2027-01-15 07:59 UTC)")),
        ({"info": {"delisting_time": "soon"}}, (Status.ERROR, "data of another shape")),
        ({"info": {"stTag": "1"}}, (Status.WARN, "BTC/EUR is marked for special treatment")),
        ({"expiry": (NOW + 86_400) * 1000}, (Status.WARN, "BTC/EUR ends on 2027-01-16 08:00 UTC")),
        ({"expiry": (NOW - 60) * 1000}, (Status.FAIL, "BTC/EUR (ended on")),
        ({"info": {"cancel_only": True}}, (Status.FAIL, "BTC/EUR (takes cancellations only)")),
        ({"expiry": None, "info": {"delisting_time": 0}}, (Status.PASS, "trades BTC/EUR")),
    ],
)
def test_x17_what_a_market_tells_of_its_end(
    more: dict[str, Any],
    expected: tuple[Status, str],
    session: GuardedSession,
    make_settings: MakeSettings,
    make_context: MakeContext,
) -> None:
    """Any exchange's market that says when it ends: announced is a WARN with the date, past a FAIL."""
    api = Api(
        {"fetchTrades": True},
        {
            "fetch_markets": lambda: [market("BTC/EUR", **more)],
            "fetch_tickers": lambda: {"BTC/EUR": {"last": 60_000.0}},
            "fetch_trades": lambda: [{"timestamp": (NOW - 5) * 1000}],
        },
    )
    settings = make_settings(exchanges={"gate": {"symbols": "BTC/EUR"}})
    ctx = make_context(settings=settings, open_exchange=lambda *_: Client("gate", api, session), now=lambda: NOW)
    outcome = ExchangeCheck("gate").run(ctx)
    assert (outcome.status, expected[1] in outcome.summary) == (expected[0], True), outcome


@pytest.mark.parametrize(
    ("trades", "expected"),
    [
        pytest.param([], Status.WARN, id="no trade at all"),
        pytest.param([{"timestamp": None}], Status.WARN, id="without a time"),
        pytest.param([{"timestamp": True}], Status.WARN, id="a time that is none"),
        pytest.param([{"timestamp": math.nan}], Status.WARN, id="no number"),
        pytest.param([{"timestamp": math.inf}], Status.WARN, id="without end"),
        pytest.param([{"timestamp": (NOW - 30) * 1000}], Status.PASS, id="fresh"),
        pytest.param([{"timestamp": (NOW - 4000) * 1000}], Status.FAIL, id="an hour ago"),
        pytest.param([{"timestamp": (NOW + 4000) * 1000}], Status.ERROR, id="in an hour"),
        pytest.param({"unexpected": True}, Status.ERROR, id="no list"),
    ],
)
def test_x2_the_last_trade_itself_counts(
    trades: Any, expected: Status, session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext
) -> None:
    """A ticker of any exchange may be dated by its answer; what is asked for is the last trade."""
    api = Api(
        {"fetchTrades": True},
        {
            "fetch_markets": lambda: [market("BTC/EUR")],
            "fetch_tickers": lambda: {"BTC/EUR": {"last": 1.0, "timestamp": NOW * 1000}},
            "fetch_trades": lambda: trades,
        },
    )
    settings = make_settings(
        env="live", exchanges={name: {"symbols": ["BTC/EUR"]} for name in ("kraken", "upbit", "binance")}
    )
    ctx = make_context(settings=settings, open_exchange=lambda *_: Client("kraken", api, session), now=lambda: NOW)
    assert ExchangeCheck("kraken").run(ctx).status is expected


def test_an_exchange_that_tells_no_trade_is_a_warning(
    session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext
) -> None:
    """Nothing then shows that the market is not halted."""
    api = Api(
        {},
        {"fetch_markets": lambda: [market("BTC/EUR")], "fetch_tickers": lambda: {"BTC/EUR": {"last": 1.0}}},
    )
    settings = make_settings(exchanges={"kraken": {"symbols": ["BTC/EUR"]}})
    ctx = make_context(settings=settings, open_exchange=lambda *_: Client("kraken", api, session))
    outcome = ExchangeCheck("kraken").run(ctx)
    assert (outcome.status, outcome.summary) == (Status.WARN, "Kraken does not tell when BTC/EUR last traded")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("ok", Status.PASS),
        ("maintenance", Status.FAIL),
        ("shutdown", Status.FAIL),
        ("error", Status.FAIL),
        (None, Status.ERROR),
        ("degraded", Status.ERROR),
    ],
)
def test_status(
    status: Any,
    expected: Status,
    session: GuardedSession,
    make_settings: MakeSettings,
    make_context: MakeContext,
) -> None:
    """A status that nobody knows is no proof of anything."""
    api = Api(
        {"fetchStatus": True, "fetchTrades": True},
        {
            "fetch_status": lambda: {"status": status},
            "fetch_markets": lambda: [market("BTC/EUR")],
            "fetch_tickers": lambda: {"BTC/EUR": {"last": 1.0}},
            "fetch_trades": lambda: [{"timestamp": NOW * 1000}],
        },
    )
    ctx = make_context(
        settings=make_settings(exchanges={"kraken": {"symbols": ["BTC/EUR"]}}),
        open_exchange=lambda *_: Client("kraken", api, session),
        now=lambda: NOW,
    )
    assert ExchangeCheck("kraken").run(ctx).status is expected


def clock(
    session: GuardedSession,
    make_settings: MakeSettings,
    make_context: MakeContext,
    trips: list[tuple[float, float]],
    ahead: float = 0.0,
    **limits: Any,
) -> tuple[Outcome, Api]:
    """Run the clock check on a scripted network: (seconds there, seconds back) for each question."""
    now = NOW
    script = iter(trips)

    def tell() -> float:
        nonlocal now
        there, back = next(script)
        stamp = (now + there + ahead) * 1000
        now += there + back
        return round(stamp)

    api = Api({"fetchTime": True}, {"fetch_time": tell})
    settings = make_settings(clock={"warn_ms": 250, "fail_ms": 1000, "samples": 5, **limits})
    ctx = make_context(
        settings=settings,
        now=lambda: now,
        clock=lambda: now,
        open_exchange=lambda *_: Client("binance", api, session),
    )
    return ClockCheck("binance").run(ctx), api


@pytest.mark.parametrize(
    ("ahead", "status"),
    [
        (0.0, Status.PASS),
        (0.24, Status.PASS),
        (0.26, Status.WARN),
        (-0.26, Status.WARN),
        (0.99, Status.WARN),
        (1.01, Status.FAIL),
        (-1.01, Status.FAIL),
    ],
)
def test_clock_limits(
    ahead: float, status: Status, session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext
) -> None:
    """The limits hold in both directions, and the way there and back is not counted as skew."""
    outcome, _ = clock(session, make_settings, make_context, [(0.005, 0.005)] * 6, ahead)
    assert outcome.status is status
    assert ahead == 0 or ("behind" in outcome.summary) == (ahead > 0)


@pytest.mark.parametrize(
    ("ahead", "doubt", "status"),
    [
        (0.0, 0.24, Status.PASS),
        (0.0, 0.26, Status.WARN),
        (0.2, 0.9, Status.ERROR),
        (-0.2, 0.9, Status.ERROR),
        (0.2, 0.1, Status.WARN),
        (0.5, 0.4, Status.WARN),
        (0.5, 0.6, Status.ERROR),
        (1.2, 0.1, Status.FAIL),
        (-1.2, 0.1, Status.FAIL),
        (1.2, 0.4, Status.ERROR),
    ],
)
def test_clock_doubt(  # noqa: PLR0917 - a table
    ahead: float,
    doubt: float,
    status: Status,
    session: GuardedSession,
    make_settings: MakeSettings,
    make_context: MakeContext,
) -> None:
    """What the skew may be at most is held against the limits: a slow answer leaves the clock unknown, not good."""
    outcome, _ = clock(session, make_settings, make_context, [(doubt, doubt)] * 6, ahead)
    assert (outcome.status, outcome.actual) == (status, f"{ahead * 1000:+.0f} ms, +-{doubt * 1000:.0f} ms")


def test_clock_takes_the_median(
    session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext
) -> None:
    """The first answer, which paid for connecting, does not count; nor do two stray ones of five."""
    trips = [(1.9, 0.0), (0.01, 0.01), (0.9, 0.0), (0.01, 0.01), (0.8, 0.0), (0.01, 0.01)]
    outcome, api = clock(session, make_settings, make_context, trips)
    assert (outcome.status, outcome.actual) == (Status.PASS, "+0 ms, +-10 ms")
    assert len(api.asked) == 6


def test_slow_exchange_is_asked_less_often(
    session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext
) -> None:
    """Asking ends at half of the check's time, so that an answer comes before the deadline does."""
    outcome, api = clock(session, make_settings, make_context, [(0.5, 0.5)] * 6)
    assert len(api.asked) == 4
    assert (outcome.status, outcome.actual) == (Status.WARN, "+0 ms, +-500 ms")
    assert outcome.summary == "Binance answers so slowly that this machine's clock may be 500 ms off"


@pytest.mark.parametrize(
    "stamp", [None, "soon", 0, 12345, math.nan, math.inf, True, pytest.param(10**400, id="no float")]
)
def test_no_time(stamp: Any, session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext) -> None:
    """An answer without a time in it leaves the clock unknown."""
    api = Api({"fetchTime": True}, {"fetch_time": lambda: stamp})
    ctx = make_context(settings=make_settings(), open_exchange=lambda *_: Client("binance", api, session))
    assert ClockCheck("binance").run(ctx).status is Status.ERROR


def by_header(session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext, ahead: float) -> Outcome:
    """Run the clock check on a Date header, 5 questions 0.3 s apart."""
    now = NOW
    client = Client("upbit", Api({}, {}), session)

    def tell() -> list[int]:
        nonlocal now
        now += 0.15
        client.headers = {"Date": f"{datetime.fromtimestamp(int(now + ahead), UTC):%a, %d %b %Y %H:%M:%S GMT}"}
        now += 0.15
        return [1]

    client._api = Api({}, {"public_get_ticker": tell})
    ctx = make_context(settings=make_settings(), now=lambda: now, clock=lambda: now, open_exchange=lambda *_: client)
    return ClockCheck("upbit").run(ctx)


@pytest.mark.parametrize(
    ("ahead", "status"),
    [
        (0.0, Status.PASS),
        (0.2, Status.PASS),
        (-0.2, Status.PASS),
        (2.0, Status.WARN),
        (-2.0, Status.WARN),
        (90, Status.WARN),
    ],
)
def test_date_header(
    ahead: float, status: Status, session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext
) -> None:
    """Whole seconds are narrowed down by asking several times; what is sure is a WARN and never more."""
    outcome = by_header(session, make_settings, make_context, ahead)
    assert outcome.status is status
    told, doubt = (float(part.strip("+- ms")) for part in outcome.actual.split(", "))
    assert abs(abs(told) - abs(ahead) * 1000) <= doubt <= 400


def api_key(make_settings: MakeSettings, make_context: MakeContext, client: ExchangeClient, **section: Any) -> Outcome:
    settings = make_settings(env="live", exchanges={"kraken": {"symbols": ["BTC/EUR"], **section}})
    return ApiKeyCheck("kraken").run(make_context(settings=settings, open_exchange=lambda *_: client))


@pytest.mark.parametrize(
    ("days_ago", "status"),
    [
        (None, Status.ERROR),
        (0, Status.PASS),
        (-1, Status.PASS),
        (82, Status.PASS),
        (83, Status.WARN),
        (90, Status.ERROR),
    ],
)
def test_key_of_any_exchange(
    days_ago: int | None,
    status: Status,
    session: GuardedSession,
    make_settings: MakeSettings,
    make_context: MakeContext,
) -> None:
    """Where no API tells what a key may do, it has to work and an operator has to have looked lately."""
    client = Client("kraken", Api({}, {"fetch_balance": lambda: {"total": {"EUR": 0.0}}}), session)
    day = None if days_ago is None else (datetime.now(UTC) - timedelta(days=days_ago)).date()
    seen = {"no_withdraw_attested_on": day, "no_withdraw_attested_for": FINGERPRINT}
    outcome = api_key(make_settings, make_context, client, **KEYS, **seen)
    assert outcome.status is status
    assert bool(outcome.hint) is (status is not Status.PASS)


@pytest.mark.parametrize(("seen", "told"), [(None, "names no key"), ("0" * 12, "is of another key")])
def test_a_new_key_has_to_be_looked_at_anew(
    seen: str | None, told: str, session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext
) -> None:
    """What was attested of one key says nothing of the next; the hint gives the line for this one."""
    client = Client("kraken", Api({}, {"fetch_balance": lambda: {"total": {"EUR": 0.0}}}), session)
    today = datetime.now(UTC).date()
    attested = {"no_withdraw_attested_on": today, "no_withdraw_attested_for": seen}
    outcome = api_key(make_settings, make_context, client, **KEYS, **attested)
    assert (outcome.status, told in outcome.summary) == (Status.ERROR, True)
    assert outcome.hint.endswith(f'exchanges.kraken.no_withdraw_attested_for = "{FINGERPRINT}"')
    assert KEYS["api_key"] not in repr(outcome)


def test_what_ccxt_needs_and_has_not_got(
    session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext
) -> None:
    """A credential that this exchange asks for is named before anything is asked."""
    api = Api({}, {})
    api.requiredCredentials = {"apiKey": True, "password": True, "uid": False}
    api.apiKey = "k"  # type: ignore[attr-defined]
    outcome = api_key(make_settings, make_context, Client("kraken", api, session), **KEYS)
    assert (outcome.status, outcome.hint) == (Status.FAIL, "set PREFLIGHT_EXCHANGES__KRAKEN__PASSWORD_FILE")
    assert api.asked == []


@pytest.mark.parametrize(("env", "status"), [("live", Status.FAIL), ("paper", Status.SKIP), ("dev", Status.SKIP)])
def test_without_a_key(env: str, status: Status, make_settings: MakeSettings, make_context: MakeContext) -> None:
    """Live without a key is a FAIL; elsewhere there is nothing to look at, which is said. Nothing is opened."""
    ctx = make_context(settings=make_settings(env=env), open_exchange=lambda *_: pytest.fail("opened"))
    outcome = ApiKeyCheck("binance").run(ctx)
    assert outcome.status is status
    assert "PREFLIGHT_EXCHANGES__BINANCE__API_KEY_FILE" in outcome.hint


@pytest.mark.parametrize("name", ["api_key", "secret", "password", "uid"])
def test_x9_whatever_is_sent_has_a_form(name: str, make_settings: MakeSettings, make_context: MakeContext) -> None:
    """A line break in any of what an exchange is given is told, and nothing is sent."""
    keys = {**KEYS, "password": "a passphrase of words", "uid": "1234"}
    settings = make_settings(exchanges={"okx": {**keys, name: keys[name] + "\n"}})
    outcome = ApiKeyCheck("okx").run(make_context(settings=settings, open_exchange=None))
    variable = f"PREFLIGHT_EXCHANGES__OKX__{name.upper()}_FILE"
    assert (outcome.status, outcome.summary) == (
        Status.FAIL,
        f"the Okx key cannot be used: {variable} ends with a line break: more than one line",
    )


@pytest.mark.parametrize(
    "schedule",
    [[{"symbols": ["BTCUSDT"], "delistTime": "9" * 30}], [{"symbols": "BTCUSDT", "delistTime": 1}], ["x"], [1]],
)
def test_x17_a_schedule_that_cannot_be_read(
    schedule: Any, session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext
) -> None:
    """It is could-not-tell, and no exception."""
    outcome = delisting(schedule, session, make_settings, make_context)
    assert (outcome.status, "data of another shape" in outcome.summary) == (Status.ERROR, True)


def test_x17_a_schedule_with_odd_names(
    session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext
) -> None:
    """What names no symbol of ours is passed over, whatever its type."""
    schedule = [{"symbols": [["BTCUSDT"], {}, None, "BTCUSDT"], "delistTime": int(NOW * 1000) + 86_400_000}]
    outcome = delisting(schedule, session, make_settings, make_context)
    assert (outcome.status, "is delisted on 2027-01-16" in outcome.summary) == (Status.WARN, True)


def delisting(
    schedule: Any, session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext
) -> Outcome:
    """Run the check of a Binance that has this schedule."""
    api = Api(
        {"fetchTrades": True},
        {
            "fetch_markets": lambda: [market("BTC/USDT", id="BTCUSDT")],
            "fetch_tickers": lambda: {"BTC/USDT": {"last": 60_000.0}},
            "fetch_trades": lambda: [{"timestamp": (NOW - 5) * 1000}],
            "sapi_get_spot_delist_schedule": lambda: schedule,
            "json": lambda: "",
        },
    )
    settings = make_settings(exchanges={"binance": {"symbols": "BTC/USDT,BTC/USDT", **KEYS}})
    assert settings.exchanges["binance"].symbols == ("BTC/USDT",)  # X8: said twice is said once
    ctx = make_context(settings=settings, open_exchange=lambda *_: Client("binance", api, session), now=lambda: NOW)
    return ExchangeCheck("binance").run(ctx)


def test_half_a_key(make_settings: MakeSettings, make_context: MakeContext) -> None:
    """A key without its secret is a mistake in every env."""
    settings = make_settings(exchanges={"binance": {"api_key": "k" * 64}})
    assert ApiKeyCheck("binance").run(make_context(settings=settings)).status is Status.FAIL


RIGHTS = {
    "ipRestrict": True,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "permitsUniversalTransfer": False,
    "enableSpotAndMarginTrading": False,
}


@pytest.mark.parametrize("name", RIGHTS)
@pytest.mark.parametrize("value", [None, "false", 0, 1])
def test_right_that_is_not_told(
    name: str, value: Any, session: GuardedSession, make_settings: MakeSettings, make_context: MakeContext
) -> None:
    """A right that is missing, or is neither true nor false, leaves the key unjudged: never a PASS."""
    rights = {key: right for key, right in {**RIGHTS, name: value}.items() if right is not None}
    client = Client("binance", Api({}, {"sapi_get_account_apirestrictions": lambda: rights}), session)
    settings = make_settings(exchanges={"binance": KEYS})
    outcome = ApiKeyCheck("binance").run(make_context(settings=settings, open_exchange=lambda *_: client))
    assert outcome.status is Status.ERROR


@pytest.mark.parametrize(
    ("env", "without", "having"),
    [("live", Status.FAIL, Status.PASS), ("paper", Status.PASS, Status.WARN), ("dev", Status.PASS, Status.WARN)],
)
def test_trading_as_the_env_needs(
    *, env: str, without: Status, having: Status, session: GuardedSession, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """Live needs the right to trade; anywhere else a key that can trade is more than is needed."""
    settings = make_settings(env=env, exchanges={"binance": KEYS})

    def status(rights: dict[str, bool]) -> Status:
        answers: dict[str, Callable[[], Any]] = {
            "sapi_get_account_apirestrictions": lambda: rights,
            "private_get_account": lambda: {"permissions": ["SPOT"]},
            "json": lambda: "[]",
            "fetch_markets": lambda: [market("BTC/USDT", info={"permissionSets": [["SPOT"]]})],
        }
        client = Client("binance", Api({}, answers), session)
        ctx = Context(
            settings=settings,
            mode=Mode.REAL,
            run_id="r",
            environ={},
            cwd=tmp_path,
            open_exchange=lambda *_: client,
        )
        return ApiKeyCheck("binance").run(ctx).status

    assert status(RIGHTS) is without
    assert status({**RIGHTS, "enableSpotAndMarginTrading": True}) is having
