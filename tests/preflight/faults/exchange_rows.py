"""Each way in which an exchange can fail, and what the gate says of it in env live. docs/fault-matrix.md shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex

from acceptance.world.venue import VenueFault
from preflight.model import Status
from tests.preflight.faults import exchange_world as made
from tests.preflight.faults.exchange_world import Arrange

ALL = ("upbit", "binance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault and one check."""

    fault: str  # what is wrong, in words
    check: str  # the check that is run
    status: Status  # what it says, in live
    says: str  # words of its summary that name the cause
    arrange: Arrange
    seen_by: Mapping[str, Status] = field(default_factory=dict)  # checks that the same fault concerns too

    @property
    def id(self) -> str:
        """Check and fault, as a test id."""
        return f"{self.check}-{self.fault.replace(' ', '_')}"

    @property
    def exit_code(self) -> int:
        """What the gate exits with in live where this fault is the only one: docs/verdicts.md."""
        found = {self.status, *self.seen_by.values()}
        return 1 if Status.FAIL in found else 3 if Status.ERROR in found else 0


def on_this_machine(row: Row) -> Row:
    """Give the row as it is here: where the name server is silent nobody can know that a name does not exist."""
    if row.fault != NO_NAME or made.names_are_answered():
        return row
    says = row.says.replace("does not resolve", "cannot be resolved now")
    return replace(row, status=_E, says=says, seen_by=dict.fromkeys(row.seen_by, _E))


NO_NAME = "name that does not resolve (error where the name server itself is silent)"
_F, _E, _W, _P = Status.FAIL, Status.ERROR, Status.WARN, Status.PASS

# fault, how it is made, what `exchange_*` says of it, and the words. The other two checks could not tell: ERROR.
_COMMON: tuple[tuple[str, Callable[[str], Arrange], Status, str], ...] = (
    ("429 with Retry-After", lambda x: made.fault(VenueFault.RATE_LIMIT, x), _E, "limits our requests, for 7 s"),
    ("418 banned", lambda x: made.fault(VenueFault.BANNED, x), _F, "has banned this address, for 120 s"),
    ("500", lambda x: made.fault(VenueFault.SERVER_ERROR, x), _E, "answers with an error of its own"),
    ("502 with a page", lambda x: made.fault(VenueFault.BAD_GATEWAY, x), _E, "answers with an error of its own"),
    ("503", lambda x: made.fault(VenueFault.UNAVAILABLE, x), _F, "is not available: maintenance or overload"),
    ("451", lambda x: made.fault(VenueFault.LOCATION, x), _F, "does not serve this location"),
    ("403 with a page", lambda x: made.fault(VenueFault.FORBIDDEN, x), _E, "forbids the request"),
    ("redirect", lambda x: made.fault(VenueFault.REDIRECT, x), _E, "sends us elsewhere"),
    ("HTML with 200", lambda x: made.fault(VenueFault.WEB_PAGE, x), _E, "answered with a web page instead of data"),
    (
        "JSON that ends in the middle",
        lambda x: made.fault(VenueFault.NOT_JSON, x),
        _E,
        "answered with something that is not JSON",
    ),
    ("empty answer", lambda x: made.fault(VenueFault.EMPTY, x), _E, "answered with something that is not JSON"),
    (
        "JSON of another shape",
        lambda x: made.fault(VenueFault.OTHER_JSON, x),
        _E,
        "answered with data of another shape",
    ),
    ("half an answer", lambda x: made.fault(VenueFault.HALF, x), _E, "broke off its answer"),
    ("connection dropped", lambda x: made.fault(VenueFault.DROPPED, x), _E, "broke off its answer"),
    ("no answer in time", made.silent, _E, "did not answer in time"),
    (NO_NAME, made.unknown_name, _F, "has a host name that does not resolve"),
    ("connection refused", made.refused, _F, "refuses connections"),
    (
        "certificate of somebody else",
        lambda x: made.by_proxy(x, trusted=False),
        _F,
        "shows a certificate that is not trusted",
    ),
    ("no TLS at the other end", made.no_tls, _E, "offers no encrypted connection"),
    ("dead proxy", made.dead_proxy, _E, "cannot be asked: the proxy fails"),
    (
        "SOCKS proxy without its library",
        lambda x: made.by_variable(x, "https_proxy", "socks5h://bot:canary-word@127.0.0.1:1080"),
        _E,
        "cannot be asked: https_proxy names a SOCKS proxy (socks5h://127.0.0.1:1080), which takes a library",
    ),
    (
        "malformed proxy",
        lambda x: made.by_variable(x, "https_proxy", "http://bot:canary-word@127.0.0.1:80x"),
        _E,
        "cannot be asked: https_proxy is not the address of a proxy (http://127.0.0.1...)",
    ),
    (
        "CA bundle that is missing",
        lambda x: made.by_variable(x, "REQUESTS_CA_BUNDLE", "/nowhere/ca.pem"),
        _E,
        "cannot be asked: REQUESTS_CA_BUNDLE names /nowhere/ca.pem, which cannot be read (No such file or directory)",
    ),
    (
        "CA bundle without a certificate",
        lambda x: made.by_variable(x, "REQUESTS_CA_BUNDLE", "/etc/hostname"),
        _E,
        "cannot be asked: REQUESTS_CA_BUNDLE names /etc/hostname, which holds no certificate",
    ),
    ("unknown exchange id", lambda _: made.nothing, _E, "is not an exchange that ccxt knows"),
)


# What the whole gate sees of the same fault beside the exchanges: Telegram is reached by the same way.
_ALSO: dict[str, dict[str, Status]] = {
    "certificate of somebody else": {"alert_channel": _E},
    "dead proxy": {"alert_channel": _E},
    "SOCKS proxy without its library": {"alert_channel": _F},
    "malformed proxy": {"alert_channel": _F},
    "CA bundle that is missing": {"alert_channel": _F},
    "CA bundle without a certificate": {"alert_channel": _F},
}
# Keys and secrets that nobody gave out, and that look like any other.
_OTHER = token_hex(32)
# What a key of Upbit's may do that trades and looks: in the words of its page.
_SOUND = ["자산조회", "주문조회", "주문하기", "출금조회"]


def _common_rows() -> Iterator[Row]:
    for fault, make, status, words in _COMMON:
        for exchange in ALL if fault != "unknown exchange id" else ("upbitt",):
            name = exchange.capitalize()
            said = {f"exchange_{exchange}": status, f"clock_{exchange}": _E, f"api_key_{exchange}": _E}
            for check, found in said.items():
                yield Row(
                    fault=fault,
                    check=check,
                    status=found,
                    says=f"{name} {words}",
                    arrange=make(exchange),
                    seen_by={other: seen for other, seen in said.items() if other != check} | _ALSO.get(fault, {}),
                )


def _row(check: str, fault: str, status: Status, says: str, arrange: Arrange, **seen_by: Status) -> Row:
    return Row(fault=fault, check=check, status=status, says=says, arrange=arrange, seen_by=seen_by)


SPECIAL_ROWS: tuple[Row, ...] = (
    # X17: what the exchange announces of a symbol.
    _row(
        "exchange_upbit",
        "investment warning",
        _W,
        "BTC/KRW has an investment warning, after which it may be delisted",
        made.upbit(warned=("KRW-BTC",)),
    ),
    _row(
        "exchange_upbit",
        "market under caution",
        _W,
        "BTC/KRW is under caution: deposit amount soaring, price fluctuations",
        made.upbit(cautions={"KRW-BTC": ("PRICE_FLUCTUATIONS", "DEPOSIT_AMOUNT_SOARING")}),
    ),
    _row(
        "exchange_binance",
        "delisting announced",
        _W,
        "BTC/USDT is delisted on 2031-02-03 04:05 UTC",
        made.binance(delisted_at={"BTCUSDT": datetime(2031, 2, 3, 4, 5, tzinfo=UTC)}),
    ),
    _row(
        "api_key_upbit",
        "key that begins with a byte order mark",
        _F,
        "EXCHANGES__UPBIT__API_KEY_FILE begins with a byte order mark",
        made.key_after("\ufeff"),
        secrets=_F,
    ),
    _row(
        "api_key_binance",
        "secret with a zero-width space in it",
        _F,
        "EXCHANGES__BINANCE__SECRET_FILE ends with an invisible character (zero-width space, U+200B)",
        made.secret_before("\u200b"),
        secrets=_F,
    ),
    _row("exchange_binance", "maintenance", _F, "Binance is in maintenance", made.binance(maintenance=True)),
    _row("exchange_binance", "symbol halted", _F, "BTC/USDT (not active)", made.binance(statuses={"BTCUSDT": "BREAK"})),
    _row(
        "exchange_binance",
        "symbol not listed",
        _F,
        "FOO/USDT (not listed)",
        made.setting("binance", symbols=("BTC/USDT", "FOO/USDT", "ETH/USDT")),
    ),
    _row("exchange_binance", "no symbol", _E, "no symbols are configured", made.setting("binance", symbols=())),
    _row("exchange_binance", "slow answers", _W, "Binance is slow", made.slow("binance", 0.15, slow_after=0.1)),
    # Upbit has nothing to ask about its state: its maintenance is that it answers nobody.
    _row(
        "exchange_upbit",
        "maintenance",
        _F,
        "Upbit is not available: maintenance or overload",
        made.fault(VenueFault.UNAVAILABLE, "upbit"),
        clock_upbit=_E,
        api_key_upbit=_E,
    ),
    _row("exchange_upbit", "slow answers", _W, "Upbit is slow", made.slow("upbit", 0.15, slow_after=0.1)),
    _row(
        "exchange_upbit",
        "symbol not listed",
        _F,
        "FOO/KRW (not listed)",
        made.setting("upbit", symbols=("BTC/KRW", "FOO/KRW")),
    ),
    _row("exchange_upbit", "symbol without a price", _F, "BTC/KRW (no price)", made.upbit(prices={"KRW-BTC": 0.0})),
    # X8: the nearest listed one is named.
    _row(
        "exchange_binance",
        "symbol in small letters",
        _F,
        "btc/usdt (not listed; did you mean BTC/USDT?)",
        made.setting("binance", symbols=("btc/usdt", "ETH/USDT")),
    ),
    _row(
        "exchange_binance",
        "symbol of a future",
        _F,
        "BTC/USDT:USDT (not listed; did you mean BTC/USDT?)",
        made.setting("binance", symbols=("BTC/USDT:USDT",)),
    ),
    _row(
        "exchange_upbit",
        "symbol with a slip",
        _F,
        "BTX/KRW (not listed; did you mean BTC/KRW?)",
        made.setting("upbit", symbols=("BTX/KRW",)),
    ),
    # X1: a market that nobody trades is halted, whatever its list and its ticker say.
    _row(
        "exchange_upbit",
        "no trade for half an hour",
        _W,
        "the last trade of BTC/KRW was 30 minutes ago",
        made.upbit(trade_age=1800.0),
    ),
    _row(
        "exchange_upbit",
        "no trade for three days",
        _F,
        "the last trade of BTC/KRW was 4320 minutes ago",
        made.upbit(trade_age=3 * 86_400.0),
    ),
    _row(
        "exchange_upbit",
        "no trade within a limit of one's own",
        _F,
        "the last trade of BTC/KRW was 10 minutes ago",
        made.both(made.upbit(trade_age=600.0), made.setting("upbit", stale_after=60, halted_after=300)),
    ),
    # G20: a time ahead of now is no freshness.
    _row(
        "exchange_upbit",
        "last trade dated tomorrow",
        _E,
        "is dated 1440 minutes ahead of this machine's clock",
        made.upbit(trade_age=-86_400.0),
    ),
    _row(
        "exchange_binance",
        "last trade dated tomorrow",
        _E,
        "is dated 1440 minutes ahead of this machine's clock",
        made.binance(trade_age=-86_400.0),
    ),
    # X2: the end of a ticker's window is now, whenever the last trade was.
    _row(
        "exchange_binance",
        "no trade for three days",
        _F,
        "the last trade of BTC/USDT was 4320 minutes ago",
        made.binance(trade_age=3 * 86_400.0),
    ),
    _row(
        "exchange_binance",
        "no trade for half an hour",
        _W,
        "the last trade of BTC/USDT was 30 minutes ago",
        made.binance(trade_age=1800.0),
    ),
    _row("exchange_binance", "no trade in a day", _F, "BTC/USDT (no trade in 24 hours)", made.binance(count=0)),
    # X3
    _row(
        "exchange_binance",
        "spot trading not allowed",
        _F,
        "BTC/USDT (spot trading not allowed)",
        made.binance(spot_allowed=False),
    ),
    _row(
        "api_key_binance",
        "account not in the symbol's group",
        _F,
        "may not trade BTC/USDT (needs TRD_GRP_004 or TRD_GRP_005)",
        made.binance(permission_sets=[["TRD_GRP_004", "TRD_GRP_005"]]),
    ),
    _row(
        "api_key_binance",
        "account in one of two groups that are both needed",
        _F,
        "may not trade BTC/USDT (needs TRD_GRP_004)",
        made.binance(permission_sets=[["SPOT"], ["TRD_GRP_004"]]),
    ),
    _row(
        "api_key_binance",
        "symbol that names no group",
        _E,
        "answered with data of another shape",
        made.binance(permission_sets=[]),
    ),
    _row(
        "exchange_upbit",
        "no market at all",
        _E,
        "answered with data of another shape",
        made.fault(VenueFault.EMPTY_LIST, "upbit"),
        clock_upbit=_E,
        api_key_upbit=_E,
    ),
    _row(
        "clock_binance",
        "exchange 30 s ahead",
        _F,
        "ms behind Binance's",
        made.ahead("binance", 30.0),
        api_key_binance=_E,
    ),
    _row(
        "clock_binance",
        "exchange 30 s behind",
        _F,
        "ms ahead of Binance's",
        made.ahead("binance", -30.0),
        api_key_binance=_E,
    ),
    _row("clock_binance", "exchange 0.6 s ahead", _W, "ms behind Binance's", made.ahead("binance", 0.6)),
    # G20: the median of contradicting samples is a guess.
    _row(
        "clock_binance",
        "clock that alternates by an hour",
        _E,
        "data of another shape",
        made.binance(alternate=3600.0),
    ),
    _row("clock_binance", "answers too slow to tell", _E, "too slowly to tell its clock", made.slow_for_clock),
    _row("clock_upbit", "exchange 30 s ahead", _W, "ms behind Upbit's, by its Date header", made.ahead("upbit", 30.0)),
    _row(
        "clock_upbit", "exchange 30 s behind", _W, "ms ahead of Upbit's, by its Date header", made.ahead("upbit", -30.0)
    ),
    _row(
        "clock_upbit",
        "answer out of a cache",
        _E,
        "answered with data of another shape",
        made.fault(VenueFault.CACHED, "upbit"),
    ),
    _row(
        "api_key_binance",
        "no key",
        _F,
        "no Binance key and secret are configured",
        made.setting("binance", api_key=None, secret=None),
        secrets=_F,
    ),
    _row(
        "api_key_binance",
        "key without secret",
        _F,
        "the Binance key is incomplete",
        made.setting("binance", secret=None),
        secrets=_F,
    ),
    _row(
        "api_key_binance",
        "malformed key -2014",
        _F,
        "does not know the API key",
        made.setting("binance", api_key="not-a-key"),
    ),
    _row("api_key_binance", "wrong key -2015", _F, "refuses the API key", made.setting("binance", api_key=_OTHER)),
    _row("api_key_binance", "address not allowed -2015", _F, "refuses the API key", made.binance(ip_allowed=False)),
    _row(
        "api_key_binance",
        "wrong secret -1022",
        _F,
        "the secret does not belong to the API key",
        made.setting("binance", secret=_OTHER),
    ),
    _row(
        "api_key_binance",
        "clock off -1021",
        _E,
        "rejects the request's timestamp",
        made.ahead("binance", 30.0),
        clock_binance=_F,
    ),
    _row(
        "api_key_binance",
        "clock ahead -1021",
        _E,
        "rejects the request's timestamp",
        made.ahead("binance", -30.0),
        clock_binance=_F,
    ),
    _row("api_key_binance", "may withdraw", _F, "may withdraw", made.rights(enableWithdrawals=True)),
    _row(
        "api_key_binance",
        "may transfer internally",
        _F,
        "may transfer between accounts",
        made.rights(enableInternalTransfer=True),
    ),
    _row(
        "api_key_binance",
        "may transfer between wallets",
        _F,
        "may transfer between wallets",
        made.rights(permitsUniversalTransfer=True),
    ),
    _row("api_key_binance", "any address", _F, "is not restricted to IP addresses", made.rights(ipRestrict=False)),
    _row("api_key_binance", "may not read", _F, "is not allowed to read", made.rights(enableReading=False)),
    _row(
        "api_key_binance", "may not trade", _F, "is not allowed to trade", made.rights(enableSpotAndMarginTrading=False)
    ),
    _row("api_key_binance", "right to trade has ended", _F, "no longer allowed to trade", made.trading_ends(-1)),
    _row("api_key_binance", "right to trade ends soon", _W, "may trade for 2 more days", made.trading_ends(2.5)),
    _row("api_key_binance", "right that a spot bot needs not", _W, "enableFutures", made.rights(enableFutures=True)),
    _row("api_key_binance", "right that nobody knew", _W, "permitsAnything", made.rights(permitsAnything=True)),
    _row(
        "api_key_upbit",
        "no key",
        _F,
        "no Upbit key and secret are configured",
        made.setting("upbit", api_key=None, secret=None),
        secrets=_F,
    ),
    _row("api_key_upbit", "wrong key", _F, "does not know the API key", made.setting("upbit", api_key=_OTHER[:40])),
    _row(
        "api_key_upbit",
        "wrong secret",
        _F,
        "the secret does not belong to the API key",
        made.setting("upbit", secret=_OTHER[:40]),
    ),
    _row(
        "api_key_upbit",
        "address not allowed",
        _F,
        "does not allow the API key from this address",
        made.upbit(ip_allowed=False),
    ),
    _row(
        "api_key_upbit",
        "out_of_scope",
        _F,
        "denies the API key a right it needs (out of scope)",
        made.upbit(may_read=False),
    ),
    _row(
        "api_key_upbit",
        "expired key",
        _F,
        "says that the API key has expired",
        made.upbit(expires_in=timedelta(days=-1)),
    ),
    _row("api_key_upbit", "expired by its date", _F, "the Upbit key expired on", made.late_expiry),
    _row(
        "api_key_upbit",
        "key expires soon",
        _W,
        "the key expires in 2 days",
        made.upbit(expires_in=timedelta(days=2, hours=12)),
    ),
    # X4: what Upbit says of a key that may ask outweighs the attestation.
    _row("api_key_upbit", "may withdraw", _F, "may withdraw", made.upbit(pocket_rights=[*_SOUND, "출금하기"])),
    _row(
        "api_key_upbit", "may withdraw, in English", _F, "may withdraw", made.upbit(pocket_rights=[*_SOUND, "withdraw"])
    ),
    _row(
        "api_key_upbit",
        "may transfer between pockets",
        _F,
        "may transfer between pockets",
        made.upbit(pocket_rights=[*_SOUND, "포켓관리"]),
    ),
    _row("api_key_upbit", "may not order", _F, "is not allowed to trade", made.upbit(pocket_rights=["자산조회"])),
    _row(
        "api_key_upbit",
        "any address",
        _F,
        "is not restricted to IP addresses",
        made.both(made.upbit(pocket_rights=_SOUND), made.upbit(allowed_ips=[])),
    ),
    _row("api_key_upbit", "right that nobody knew", _W, "stake", made.upbit(pocket_rights=[*_SOUND, "stake"])),
    _row(
        "api_key_upbit",
        "rights without names",
        _E,
        "answered with data of another shape",
        made.upbit(pocket_rights="all"),
    ),
    _row("api_key_upbit", "terms to agree to", _F, "requires the account's owner to agree", made.upbit(agreed=False)),
    _row("api_key_upbit", "nobody attested", _E, "it has not been attested", made.attested(None)),
    _row("api_key_upbit", "attestation of 90 days ago", _E, "the attestation is 90 days old", made.attested(90)),
    _row("api_key_upbit", "attestation from the future", _E, "the attestation is from the future", made.attested(-2)),
    _row("api_key_upbit", "attestation names no key", _E, "names no key", made.attested_for(None)),
    _row("api_key_upbit", "attestation of a former key", _E, "is of another key", made.attested_for("0123456789ab")),
    _row("api_key_upbit", "attestation ends soon", _W, "the attestation ends in 5 days", made.attested(85)),
)

COMMON_ROWS: tuple[Row, ...] = tuple(_common_rows())
ROWS: tuple[Row, ...] = (*COMMON_ROWS, *SPECIAL_ROWS)
