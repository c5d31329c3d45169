"""What an exchange itself says that a key may do: one reader an exchange, all of them giving the same record.

What the exchange says outweighs whatever an operator has attested. A right that no reader knows is kept by its name,
so that one which an exchange adds tomorrow is seen.
"""

from __future__ import annotations

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
_BINANCE_HARMLESS = frozenset({"enableFixReadOnly"})


def _binance(client: ExchangeClient, _: str) -> KeyRights:
    rights = client.ask("sapi_get_account_apirestrictions")
    known = (*_BINANCE_HARMS, _BINANCE_READS, _BINANCE_BOUND, _BINANCE_TRADES)
    if not isinstance(rights, dict) or not all(isinstance(rights.get(name), bool) for name in known):
        raise client.unexpected("rights that are not all there")
    ends = str(rights.get(_BINANCE_TRADING_ENDS) or 0)
    if not ends.isdecimal():  # ccxt hands numbers on as text
        raise client.unexpected(f"{_BINANCE_TRADING_ENDS} that is no time")
    judged = {*known, *_BINANCE_HARMLESS}
    return KeyRights(
        harms=tuple(does for name, does in _BINANCE_HARMS.items() if rights[name]),
        reads=rights[_BINANCE_READS],
        trades=rights[_BINANCE_TRADES],
        trading_ends=datetime.fromtimestamp(int(ends) / 1000, UTC) if int(ends) else None,
        ends=None,
        bound_to_address=rights[_BINANCE_BOUND],
        more=tuple(sorted(name for name, on in rights.items() if on is True and name not in judged)),
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
        bound_to_address=_is_bound(found["ips"]),
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
        bound_to_address=_is_bound(row["ip"].split(",")),
        more=tuple(sorted(rights - _OKX_KNOWN)),
    )


# Upbit, GET /v1/pockets/api_keys, since June 2026: for keys of the main pocket that may manage pockets. Its rights are
# named in English or Korean: word -> what it lets whoever has the key do, unless the name says that it looks only.
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
_LOOKS_ONLY = ("view", "read", "list", "조회")
_UPBIT_TRADES = ("order", "주문하기")
_UPBIT_READS = ("asset", "account", "자산조회")
_REFUSALS = frozenset(
    {TroubleKind.RIGHTS, TroubleKind.UNKNOWN, TroubleKind.FORBIDDEN}
)  # this key may not ask, or not yet


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
    acting = [name for name in rights if not any(word in name for word in _LOOKS_ONLY)]
    harms = {does: None for name in acting for word, does in _UPBIT_HARMS.items() if word in name}
    judged = (*_UPBIT_HARMS, *_UPBIT_TRADES, "deposit", "입금하기")
    return KeyRights(
        harms=tuple(harms),
        reads=any(word in name for name in rights for word in _UPBIT_READS) or "pocket" in " ".join(rights),
        trades=any(word in name for name in acting for word in _UPBIT_TRADES),
        trading_ends=None,
        ends=_time(client, row.get("expired_at")),
        bound_to_address=isinstance(row.get("allowed_ips"), list) and _is_bound(row["allowed_ips"]),
        more=tuple(sorted(name for name in acting if not any(word in name for word in judged))),
    )


_READERS: Mapping[str, Callable[[ExchangeClient, str], KeyRights | None]] = MappingProxyType(
    {"binance": _binance, "bybit": _bybit, "okx": _okx, "upbit": _upbit}
)


_ANYWHERE = frozenset({"*", "0.0.0.0", "::"})  # noqa: S104 - compared, not bound
_WIDEST = 8  # bits of a prefix; what is shorter is a good part of the internet


def _is_bound(addresses: list[Any]) -> bool:
    listed = [str(address).strip() for address in addresses if str(address).strip()]
    return bool(listed) and not any(address in _ANYWHERE or _is_wide(address) for address in listed)


def _is_wide(address: str) -> bool:
    _, slash, bits = address.partition("/")
    return bool(slash) and bits.isdecimal() and int(bits) < _WIDEST


def _time(client: ExchangeClient, text: Any) -> datetime | None:
    if text in {None, ""}:
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
