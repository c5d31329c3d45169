"""What an exchange itself says that a key may do: one reader an exchange, all of them giving the same record.

What the exchange says outweighs whatever an operator has attested. A right that no reader knows is kept by its name,
so that one which an exchange adds tomorrow is seen.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from preflight.exchange.kinds import TroubleError, TroubleKind
from preflight.message import message

if TYPE_CHECKING:
    from preflight.exchange.client import ExchangeClient


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRights:
    """The rights of one key."""

    harms: tuple[str, ...]  # what it may do that no key of a bot should: "withdraw", "transfer between accounts"
    reads: bool
    trades: bool
    trading_ends: datetime | None  # None: it does not end by itself, or the exchange does not tell
    ends: datetime | None  # of the key itself; likewise
    bound_to_address: bool  # refused from any but the listed IP addresses
    more: tuple[str, ...]  # further rights that are on, by the exchange's own names

    @property
    def all_harms(self) -> tuple[str, ...]:
        """`harms`, and what the names of further rights say enough of."""
        named = (does for word, does in _HARMFUL_WORDS.items() if any(word in name.lower() for name in self.more))
        return tuple(dict.fromkeys((*self.harms, *named)))

    @property
    def harmless(self) -> tuple[str, ...]:
        """Those of `more` whose names say nothing of a harm."""
        return tuple(name for name in self.more if not any(word in name.lower() for word in _HARMFUL_WORDS))


# What stands in the name of a right that no reader knows -> what it lets whoever has the key do.
_HARMFUL_WORDS = MappingProxyType(
    {
        "withdraw": message("withdraw"),
        "payout": message("withdraw"),
        "출금": message("withdraw"),
        "transfer": message("transfer"),
        "이체": message("transfer"),
        "이전": message("transfer"),
    }
)


def rights_of(client: ExchangeClient, key: str) -> KeyRights | None:
    """Ask what the key may do.

    Args:
        client: Logged in with the key.
        key: The key itself, for exchanges that list several.

    Returns:
        None where the exchange has no such question, or does not let this key ask it.

    Raises:
        TroubleError: It could not be asked, or its answer does not say what has to be known.
    """
    reader = _READERS.get(client.exchange)
    return None if reader is None else reader(client, key)


# Binance, GET /sapi/v1/account/apiRestrictions: right -> what it lets whoever has the key do.
_BINANCE_HARMS = MappingProxyType(
    {
        "enableWithdrawals": message("withdraw"),
        "enableInternalTransfer": message("transfer between accounts"),
        "permitsUniversalTransfer": message("transfer between wallets"),
    }
)
_BINANCE_READS, _BINANCE_BOUND, _BINANCE_TRADES = "enableReading", "ipRestrict", "enableSpotAndMarginTrading"
_BINANCE_TRADING_ENDS = "tradingAuthorityExpirationTime"  # ms; absent or 0 where it does not end
_BINANCE_TIMES = frozenset({"createTime", _BINANCE_TRADING_ENDS})
_BINANCE_HARMLESS = frozenset({"enableFixReadOnly"})
_MAX_NAME = 40  # characters of an exchange's own name that are worth repeating


def _binance(client: ExchangeClient, _: str) -> KeyRights:
    rights = client.ask("sapi_get_account_apirestrictions")
    known = (*_BINANCE_HARMS, _BINANCE_READS, _BINANCE_BOUND, _BINANCE_TRADES)
    if not isinstance(rights, dict) or not all(isinstance(rights.get(name), bool) for name in known):
        raise client.unexpected("rights that are not all there")
    further = {name: on for name, on in rights.items() if name not in _BINANCE_TIMES}
    odd = sorted(name for name, on in further.items() if not isinstance(on, bool))
    if odd:  # neither on nor off: nobody knows what the key may do by it
        raise client.unexpected(f"{odd[0][:_MAX_NAME]} that is neither on nor off")
    judged = {*known, *_BINANCE_HARMLESS}
    return KeyRights(
        harms=tuple(does for name, does in _BINANCE_HARMS.items() if rights[name]),
        reads=rights[_BINANCE_READS],
        trades=rights[_BINANCE_TRADES],
        trading_ends=_milliseconds(client, rights.get(_BINANCE_TRADING_ENDS)),
        ends=None,
        bound_to_address=rights[_BINANCE_BOUND],
        more=tuple(sorted(name for name, on in further.items() if on and name not in judged)),
    )


# Bybit, GET /v5/user/query-api: right within the group Wallet -> what it lets whoever has the key do.
_BYBIT_HARMS = MappingProxyType(
    {
        "Withdraw": message("withdraw"),
        "AccountTransfer": message("transfer between accounts"),
        "SubMemberTransfer": message("transfer to sub-accounts"),
    }
)
_BYBIT_HARMLESS = frozenset({"SubMemberTransferList", "SpotTrade", "ExchangeHistory"})


def _bybit(client: ExchangeClient, _: str) -> KeyRights:
    answer = client.ask("private_get_v5_user_query_api")
    found = answer.get("result") if isinstance(answer, dict) else None
    groups = found.get("permissions") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(groups, dict) or not isinstance(found.get("ips"), list):
        raise client.unexpected("rights that are not all there")
    if not groups or not all(isinstance(names, list) for names in groups.values()):
        raise client.unexpected("rights that are no lists")
    if str(found.get("readOnly")) not in {"0", "1"}:
        raise client.unexpected("no word on whether the key only reads")
    rights = {str(name) for names in groups.values() for name in names}
    acts = str(found["readOnly"]) == "0"  # a key that only reads has the same names, and may do none of it
    harms = {name: does for name, does in _BYBIT_HARMS.items() if acts and name in rights}
    more = sorted(rights - set(_BYBIT_HARMS) - _BYBIT_HARMLESS) if acts else []
    return KeyRights(
        harms=tuple(harms.values()),
        reads=True,  # it has just been read
        trades=acts and "SpotTrade" in rights,
        trading_ends=None,
        ends=_time(client, found.get("expiredAt")),
        bound_to_address=_is_bound(client, found["ips"]),
        more=tuple(more),
    )


# OKX, GET /api/v5/account/config
_OKX_HARMS = MappingProxyType({"withdraw": message("withdraw")})
_OKX_KNOWN = frozenset({"read_only", "trade", *_OKX_HARMS})


def _okx(client: ExchangeClient, _: str) -> KeyRights:
    answer = client.ask("private_get_account_config")
    rows = answer.get("data") if isinstance(answer, dict) else None
    row = rows[0] if isinstance(rows, list) and len(rows) == 1 else None
    if not isinstance(row, dict) or not isinstance(row.get("perm"), str) or not isinstance(row.get("ip"), str):
        raise client.unexpected("rights that are not all there")
    rights = {name.strip() for name in row["perm"].split(",") if name.strip()}
    return KeyRights(
        harms=tuple(does for name, does in _OKX_HARMS.items() if name in rights),
        reads="read_only" in rights,
        trades="trade" in rights,
        trading_ends=None,
        ends=None,
        bound_to_address=_is_bound(client, row["ip"].split(",")),
        more=tuple(sorted(rights - _OKX_KNOWN)),
    )


# Upbit, GET /v1/pockets/api_keys, since June 2026: for keys of the main pocket that may manage pockets. Its rights are
# named in English or Korean: word -> what it lets whoever has the key do, unless the whole name says that it
# looks only.
_UPBIT_HARMS = MappingProxyType(
    {
        "withdraw": message("withdraw"),
        "출금하기": message("withdraw"),
        "transfer": message("transfer between pockets"),
        "자산이전": message("transfer between pockets"),
        "pocket": message("transfer between pockets"),
        "포켓관리": message("transfer between pockets"),
    }
)
_UPBIT_TRADES = ("order", "주문하기")
_UPBIT_READS = ("asset", "account", "자산조회")
_UPBIT_THINGS = "assets?|accounts?|orders?|withdraws?|withdrawals?|deposits?|transfers?|pockets?"
_LOOKS = "view|read|list|get"
_ACTS = "make|create|write|request|manage"
_LOOKS_ONLY = re.compile(
    rf"(자산|주문|출금|입금|자산이전|포켓) ?조회|({_LOOKS})[\W_]+({_UPBIT_THINGS})|({_UPBIT_THINGS})[\W_]+({_LOOKS})"
)
# Names that are known as a whole; any other is told as it came.
_UPBIT_KNOWN = re.compile(
    rf"(주문|입금|출금)하기|자산이전|포켓관리|({_UPBIT_THINGS})"
    rf"|({_ACTS})[\W_]+({_UPBIT_THINGS})|({_UPBIT_THINGS})[\W_]+({_ACTS}|all)"
)
_REFUSALS = frozenset(
    {TroubleKind.RIGHTS, TroubleKind.UNKNOWN_ERROR, TroubleKind.FORBIDDEN, TroubleKind.NO_ENDPOINT}
)  # this key may not ask, or not yet, or the site of this region knows no pockets


def _upbit(client: ExchangeClient, key: str) -> KeyRights | None:
    try:
        pockets = client.get("pockets/api_keys")
    except TroubleError as e:
        if e.trouble.kind in _REFUSALS:
            return None
        raise
    rows = [row for row in _dicts(pockets) if row.get("access_key") == key]
    if len(rows) != 1 or not isinstance(rows[0].get("permissions"), list):
        raise client.unexpected("no rights of this key")
    row = rows[0]
    rights = [str(name).lower() for name in row["permissions"]]
    acting = [name for name in rights if not _LOOKS_ONLY.fullmatch(name)]
    harms = {does: None for name in acting for word, does in _UPBIT_HARMS.items() if word in name}
    return KeyRights(
        harms=tuple(harms),
        reads=any(word in name for name in rights for word in _UPBIT_READS) or "pocket" in " ".join(rights),
        trades=any(word in name for name in acting for word in _UPBIT_TRADES),
        trading_ends=None,
        ends=_time(client, row.get("expired_at")),
        bound_to_address=isinstance(row.get("allowed_ips"), list) and _is_bound(client, row["allowed_ips"]),
        more=tuple(sorted(name[:_MAX_NAME] for name in acting if not _UPBIT_KNOWN.fullmatch(name))),
    )


_READERS: Mapping[str, Callable[[ExchangeClient, str], KeyRights | None]] = MappingProxyType(
    {
        "binance": _binance,
        "bybit": _bybit,
        "bybiteu": _bybit,
        "myokx": _okx,
        "okx": _okx,
        "okxus": _okx,
        "upbit": _upbit,
    }
)


_WIDEST = {4: 8, 6: 20}  # bits of a prefix, by version; what is shorter is a good part of the internet


def _is_bound(client: ExchangeClient, addresses: list[Any]) -> bool:
    """Return whether a key is refused from most of the internet.

    Raises:
        TroubleError: One of these is no address: where the key may be used from is not known.
    """
    listed = [str(address).strip() for address in addresses if str(address).strip()]
    if any(not set(address) - set("*.:") for address in listed):  # "*", "*.*.*.*", "::"
        return False
    try:
        networks = [ipaddress.ip_network(address, strict=False) for address in listed]
    except ValueError as e:
        raise client.unexpected("an IP address that is none") from e
    narrow = (
        network.prefixlen >= _WIDEST[network.version] and not network.network_address.is_unspecified
        for network in networks
    )
    return bool(networks) and all(narrow)


def _milliseconds(client: ExchangeClient, value: Any) -> datetime | None:
    """Read an end in milliseconds, which ccxt hands on as text; none, or 0, is no end."""
    text = str(value or 0)
    try:
        return datetime.fromtimestamp(int(text) / 1000, UTC) if int(text) else None
    except (ValueError, OverflowError, OSError) as e:
        raise client.unexpected("an end that is no time") from e


def _time(client: ExchangeClient, text: Any) -> datetime | None:
    if text is None or text == "":
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as e:
        raise client.unexpected("an expiry that is no time") from e
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    """Return every object in a nested answer: keys are listed within their pockets."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _dicts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _dicts(inner)
