"""api_key_<id>: the key works, and cannot do more than the bot needs. Found out by reading only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from preflight.check import Context
from preflight.config.key_form import why_misshapen
from preflight.config.sections import ExchangeSection
from preflight.exchange.kinds import TroubleError, TroubleKind
from preflight.exchange.outcomes import name_of, outcome_of
from preflight.exchange.rights import KeyRights, rights_of
from preflight.message import AND, NOTHING, OR, joined, message, template
from preflight.model import Env, Outcome, Status

if TYPE_CHECKING:
    from preflight.exchange.client import ExchangeClient

ATTESTATION_DAYS = 90  # how long an operator's word about a right that no API tells is worth something
_SOON = timedelta(days=7)  # before an end about which to warn
_DISPROVES = frozenset(
    {
        TroubleKind.AGREEMENT,
        TroubleKind.EXPIRED,
        TroubleKind.IP,
        TroubleKind.KEY,
        TroubleKind.KEY_IP_OR_RIGHTS,
        TroubleKind.KEY_REFUSED,
        TroubleKind.OTHER_WORLD,
        TroubleKind.PASSPHRASE,
        TroubleKind.RIGHTS,
        TroubleKind.SIGNATURE,
        TroubleKind.SUSPENDED,
    }
)


@dataclass(frozen=True, slots=True)
class ApiKeyCheck:
    """Most exchanges tell a key's rights. Where one does not, that it cannot withdraw an operator has to attest."""

    exchange: str = "binance"
    requires: tuple[str, ...] = ()
    timeout: float = 5.0
    network: bool = True
    imports: tuple[str, ...] = ("ccxt", "preflight.exchange.client")

    @property
    def id(self) -> str:
        """`api_key_` and the ccxt id."""
        return f"api_key_{self.exchange}"

    @property
    def proves(self) -> str:
        """What a PASS says."""
        return message(
            "the {exchange} key works, and can neither withdraw nor transfer", exchange=name_of(self.exchange)
        )

    def run(self, ctx: Context) -> Outcome:
        """Ask what the key may do; no order, transfer or withdrawal is ever tried."""
        section = ctx.settings.exchanges[self.exchange]
        missing = _without_key(self.exchange, section, ctx.settings.env)
        if missing is not None:
            return missing
        if (bad := _misshapen(self.exchange, section)) is not None:
            return bad
        try:
            with ctx.open_exchange(ctx.settings, self.exchange) as client:
                lacking = _variables(self.exchange, client.lacks())
                if lacking:
                    return _incomplete(self.exchange, lacking)
                rights = rights_of(client, section.api_key.get_secret_value() if section.api_key else "")
                if rights is not None:
                    # Without symbols exchange_binance has said already that there is nothing to trade.
                    groups = self.exchange == "binance" and ctx.settings.env is Env.LIVE and bool(section.symbols)
                    closed = _closed_groups(client, section.symbols) if groups else ()
                    return _judge_rights(self.exchange, rights, closed, ctx)
                ends = (_listed_expiry if self.exchange in _KEYS_LISTED else _no_expiry)(client, section)
                return _judge_untold_rights(self.exchange, section, ends, ctx.now())
        except TroubleError as e:
            expected = "a key that works and cannot withdraw"
            return outcome_of(self.exchange, e.trouble, disproves=_DISPROVES, expected=expected)


def _without_key(exchange: str, section: ExchangeSection, env: Env) -> Outcome | None:
    pair = ("private_key", "wallet_address") if section.by_wallet else ("api_key", "secret")
    values = [getattr(section, part) for part in pair]
    absent = _variables(
        exchange,
        [part for part, value in zip(pair, values, strict=True) if value is None or not value.get_secret_value()],
    )
    if not absent:
        return None
    if len(absent) == 1:  # one without the other is a mistake in any env
        return _incomplete(exchange, absent)
    return Outcome(
        status=Status.FAIL if env is Env.LIVE else Status.SKIP,
        summary=message("no {exchange} key and secret are configured", exchange=name_of(exchange)),
        hint=message("set {absent}", absent=joined(absent, AND)),
        expected="key and secret",
        actual="2 missing",
    )


def _misshapen(exchange: str, section: ExchangeSection) -> Outcome | None:
    """Send no key that cannot be one: a header cannot hold it, and the exchange's answer would lead elsewhere."""
    whys = {
        name: why_misshapen(value.get_secret_value(), pem=name == "secret", spaced=name == "password")
        for name in ("api_key", "secret", "password", "uid", "account_id", "login", "wallet_address", "private_key")
        if (value := getattr(section, name)) is not None
    }
    bad = [
        message("{variable} {why}", variable=variable, why=why)
        for name, why in whys.items()
        if why
        for variable in _variables(exchange, [name])
    ]
    if not bad:
        return None
    return Outcome(
        status=Status.FAIL,
        summary=message("the {exchange} key cannot be used: {bad}", exchange=name_of(exchange), bad=joined(bad)),
        hint=message("copy it again from where it was made; see the check `secrets`"),
        expected="a key and a secret as the exchange gave them out",
        actual=f"{len(bad)} misshapen",
    )


def _incomplete(exchange: str, absent: list[str]) -> Outcome:
    return Outcome(
        status=Status.FAIL,
        summary=message(
            "the {exchange} key is incomplete: {absent} not set", exchange=name_of(exchange), absent=", ".join(absent)
        ),
        hint=message("set {absent}", absent=joined(absent, AND)),
        expected="all that the exchange asks for",
        actual=f"{len(absent)} missing",
    )


def _variables(exchange: str, fields: list[str]) -> list[str]:
    return [f"PREFLIGHT_EXCHANGES__{exchange.upper()}__{field.upper()}_FILE" for field in fields]


def _closed_groups(client: ExchangeClient, symbols: tuple[str, ...]) -> tuple[str, ...]:
    """Return which symbols the account itself may not trade, whatever the key may.

    A symbol's `permissionSets` are groups of which the account has to be in one of each set.
    """
    account = client.ask("private_get_account", {"omitZeroBalances": "true"})
    groups = account.get("permissions") if isinstance(account, dict) else None
    if not isinstance(groups, list):
        raise client.unexpected("an account without permissions")
    found = []
    for symbol, market in client.markets(symbols).items():
        sets = market["info"].get("permissionSets") if isinstance(market.get("info"), dict) else None
        if not isinstance(sets, list) or not sets or not all(isinstance(one, list) for one in sets):
            raise client.unexpected(f"no permission sets for {symbol}")
        found += [
            message(
                "is of an account that may not trade {symbol} (needs {groups})",
                symbol=symbol,
                groups=joined(map(str, one), OR),
            )
            for one in sets
            if not any(group in groups for group in one)
        ]
    return tuple(found)


def _judge_rights(exchange: str, rights: KeyRights, closed: tuple[str, ...], ctx: Context) -> Outcome:
    """Judge what the exchange itself says of the key; whatever an operator has attested weighs nothing against it."""
    live, now = ctx.settings.env is Env.LIVE, datetime.fromtimestamp(ctx.now(), UTC)
    needs = tuple(need.lower() for need in ctx.settings.exchanges[exchange].needs)
    bad: list[str] = [message("may {does}", does=does) for does in rights.all_harms]
    bad += [] if rights.reads else [message("is not allowed to read")]
    bad += [] if rights.bound_to_address else [message("is not restricted to IP addresses")]
    bad += closed
    odd: list[str] = []
    if live and not rights.trades:
        bad.append(message("is not allowed to trade"))
    if not live and rights.trades:
        odd.append(message("may trade, which env {env} does not need", env=ctx.settings.env))
    for ends, over, soon in (
        (
            rights.trading_ends,
            message("is no longer allowed to trade: that right has ended"),
            template("may trade for {days} more days only"),
        ),
        (rights.ends, message("has expired"), template("expires in {days} days")),
    ):
        left = None if ends is None else ends - now
        if left is not None and left < _SOON:
            (bad if left <= timedelta(0) else odd).append(
                over if left <= timedelta(0) else message(soon, days=left.days)
            )
    needless = [name for name in rights.harmless if not any(need in name.lower() for need in needs)]
    if needless:
        odd.append(message("has rights that a spot bot does not need: {needless}", needless=", ".join(needless)))
    lacking = [need for need in needs if not any(need in name.lower() for name in rights.harmless)]
    if lacking:
        (bad if live else odd).append(message("lacks what the bot needs: {lacking}", lacking=", ".join(lacking)))
    name, found = name_of(exchange), bad or odd
    return Outcome(
        status=Status.FAIL if bad else Status.WARN if odd else Status.PASS,
        summary=message("the {name} key {found}", name=name, found=joined(found, message("; it ")))
        if found
        else message("the {name} key has only the permissions the bot needs", name=name),
        hint=message("change the key's restrictions on {name}'s page of API keys", name=name) if found else NOTHING,
        expected=f"reading on, IP restricted, withdrawals and transfers off, trading {'on' if live else 'off'}",
        actual=f"{len(bad)} wrong, {len(odd)} not needed",
    )


def _listed_expiry(client: ExchangeClient, section: ExchangeSection) -> datetime:
    """Return the end of the key's life. Reading the accounts shows that the key has the right that the bot needs."""
    keys, accounts = _KEYS_LISTED[client.exchange](client)
    if not isinstance(keys, list) or not isinstance(accounts, list):
        raise client.unexpected("no list of keys or accounts")
    own = section.api_key.get_secret_value() if section.api_key is not None else ""
    ends = [key.get("expire_at") for key in keys if isinstance(key, dict) and key.get("access_key") == own]
    try:
        (end,) = [datetime.fromisoformat(str(text)) for text in ends]
    except ValueError as e:
        raise client.unexpected("no expiry for this key") from e
    return end if end.tzinfo is not None else end.replace(tzinfo=UTC)


def _bithumb_keys(client: ExchangeClient) -> tuple[Any, Any]:
    return client.get_by_token("/v1/api_keys"), client.get_by_token("/v1/accounts")


def _upbit_keys(client: ExchangeClient) -> tuple[Any, Any]:
    return client.ask("private_get_api_keys"), client.ask("private_get_accounts")


# Who lists the account's keys with their ends: how to ask for them, and for the accounts.
_KEYS_LISTED: Mapping[str, Callable[[ExchangeClient], tuple[Any, Any]]] = MappingProxyType(
    {"bithumb": _bithumb_keys, "upbit": _upbit_keys}
)


def _no_expiry(client: ExchangeClient, _: ExchangeSection) -> datetime | None:
    """Show that the key works, where no API tells when it ends."""
    balance = client.ask("fetch_balance")
    if not isinstance(balance, dict) or not (_holds(balance) or client.last.lists_something):
        raise client.unexpected("no balance")
    return None


def _holds(balance: dict[str, Any]) -> bool:
    """Return whether ccxt found the amount of any currency."""
    total = balance.get("total")
    return isinstance(total, dict) and any(amount is not None for amount in total.values())


def _judge_untold_rights(exchange: str, section: ExchangeSection, ends: datetime | None, now: float) -> Outcome:
    name, today = name_of(exchange), datetime.fromtimestamp(now, UTC)
    expected = f"a key that lives, and an attestation of this key younger than {ATTESTATION_DAYS} days"
    left = None if ends is None else ends - today
    if ends is not None and left is not None and left <= timedelta(0):
        return Outcome(
            status=Status.FAIL,
            summary=message("the {name} key expired on {ends}", name=name, ends=f"{ends:%Y-%m-%d}"),
            hint=message(
                "make a new key and set PREFLIGHT_EXCHANGES__{EXCHANGE}__API_KEY_FILE and __SECRET_FILE",
                EXCHANGE=exchange.upper(),
            ),
            expected=expected,
            actual=f"expired {-left.days} days ago",
        )
    age = _age(section.no_withdraw_attested_on, today.date())
    doubt = _doubt(section, age)
    if age is None or doubt is not None:
        return Outcome(
            status=Status.ERROR,
            summary=message("{name} does not tell whether the key can withdraw, and {doubt}", name=name, doubt=doubt),
            hint=message(
                "look at the key's rights on {name}'s website; if it may order, and neither withdraw "
                'nor transfer, set exchanges.{exchange}.no_withdraw_attested_on = "{today}" and '
                'exchanges.{exchange}.no_withdraw_attested_for = "{fingerprint}"',
                name=name,
                exchange=exchange,
                today=f"{today:%Y-%m-%d}",
                fingerprint=section.fingerprint,
            ),
            expected=expected,
            actual=str(section.no_withdraw_attested_on or "no attestation"),
        )
    soon = []
    if left is not None and left < _SOON:
        soon.append(message("the key expires in {days} days", days=left.days))
    if ATTESTATION_DAYS - age <= _SOON.days:
        soon.append(message("the attestation ends in {days} days", days=ATTESTATION_DAYS - age))
    until = "" if ends is None else message(", lives until {day}", day=f"{ends:%Y-%m-%d}")
    return Outcome(
        status=Status.WARN if soon else Status.PASS,
        summary=message("{name}: {soon}", name=name, soon=joined(soon, AND))
        if soon
        else message(
            "the {name} key works{until}, and was attested not to withdraw {days} days ago",
            name=name,
            until=until,
            days=max(age, 0),
        ),
        hint=message("renew it before the bot stops") if soon else NOTHING,
        expected=expected,
        actual=f"attested {section.no_withdraw_attested_on}{until}",
    )


def _doubt(section: ExchangeSection, age: int | None) -> str | None:
    """Return why an attestation that is `age` days old is worth nothing; None where it is worth something."""
    if age is None:
        return message("it has not been attested")
    if age < -1:  # the operator's day may have begun before UTC's
        return message("the attestation is from the future")
    if age >= ATTESTATION_DAYS:
        return message("the attestation is {age} days old", age=age)
    if section.no_withdraw_attested_for != section.fingerprint:
        return (
            message("the attestation names no key")
            if section.no_withdraw_attested_for is None
            else message("the attestation is of another key")
        )
    return None


def _age(attested: date | None, today: date) -> int | None:
    return None if attested is None else (today - attested).days
