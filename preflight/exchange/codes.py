"""Error code -> what it means, a table an exchange: from the exchanges' own documents.

A code that is in no table is not guessed at: it stays what ccxt's class or the HTTP status says, and is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from preflight.exchange.kinds import TroubleKind

# ccxt id of an exchange's site for another region or market -> whose codes it answers with.
_FAMILY: Mapping[str, str] = MappingProxyType(
    {
        "binancecoinm": "binance",
        "binanceus": "binance",
        "binanceusdm": "binance",
        "bybiteu": "bybit",
        "kucoineu": "kucoin",
        "kucoinfutures": "kucoin",
        "myokx": "okx",
        "okxus": "okx",
    }
)
CODES: Mapping[str, Mapping[str, TroubleKind]] = MappingProxyType(
    {
        # https://developers.binance.com/docs/binance-spot-api-docs/errors
        "binance": {
            "-1000": TroubleKind.SERVER_ERROR,
            "-1001": TroubleKind.SERVER_ERROR,
            "-1002": TroubleKind.RIGHTS,
            "-1003": TroubleKind.RATE_LIMIT,
            "-1004": TroubleKind.UNAVAILABLE,
            "-1005": TroubleKind.IP,
            "-1006": TroubleKind.SERVER_ERROR,
            "-1007": TroubleKind.SERVER_ERROR,  # its own backend was late
            "-1008": TroubleKind.UNAVAILABLE,
            "-1011": TroubleKind.IP,
            "-1016": TroubleKind.UNAVAILABLE,
            "-1021": TroubleKind.CLOCK,
            "-1022": TroubleKind.SIGNATURE,
            "-1034": TroubleKind.RATE_LIMIT,
            "-1099": TroubleKind.KEY_IP_OR_RIGHTS,
            "-1100": TroubleKind.SYMBOL,  # illegal characters: of all that is asked only symbols are not ours
            "-1101": TroubleKind.SYMBOL,
            "-1102": TroubleKind.SYMBOL,
            "-1121": TroubleKind.SYMBOL,
            "-2008": TroubleKind.KEY,
            "-2014": TroubleKind.KEY,
            "-2015": TroubleKind.KEY_IP_OR_RIGHTS,
            "-2017": TroubleKind.SUSPENDED,
            "-3022": TroubleKind.SUSPENDED,
        },
        # https://docs.upbit.com/kr/reference: errors by name
        "upbit": {
            "expired_access_key": TroubleKind.EXPIRED,
            "invalid_access_key": TroubleKind.KEY,
            "jwt_verification": TroubleKind.SIGNATURE,
            "no_authorization_i_p": TroubleKind.IP,
            "no_authorization_ip": TroubleKind.IP,
            "no_authorization_token": TroubleKind.KEY,
            "nonce_used": TroubleKind.NONCE,
            "out_of_scope": TroubleKind.RIGHTS,
            "server_error": TroubleKind.SERVER_ERROR,
            "thirdparty_agreement_required": TroubleKind.AGREEMENT,
            "too_many_requests": TroubleKind.RATE_LIMIT,
        },
        # https://apidocs.bithumb.com/docs/api-주요-에러-코드: errors by name, of the API from 2.0 on
        "bithumb": {
            "blocked_member_id": TroubleKind.SUSPENDED,
            "expired_jwt": TroubleKind.CLOCK,
            "invalid_access_key": TroubleKind.KEY,
            "jwt_verification": TroubleKind.SIGNATURE,
            "NotAllowIP": TroubleKind.IP,
            "out_of_scope": TroubleKind.RIGHTS,
            "server_error": TroubleKind.SERVER_ERROR,
            "too_many_requests": TroubleKind.RATE_LIMIT,
        },
        # https://bybit-exchange.github.io/docs/v5/error
        "bybit": {
            "-1": TroubleKind.CLOCK,
            "-2015": TroubleKind.EXPIRED,
            "429": TroubleKind.UNAVAILABLE,
            "10000": TroubleKind.SERVER_ERROR,
            "10002": TroubleKind.CLOCK,
            "10003": TroubleKind.KEY,
            "10004": TroubleKind.SIGNATURE,
            "10005": TroubleKind.RIGHTS,
            "10006": TroubleKind.RATE_LIMIT,
            "10007": TroubleKind.KEY_REFUSED,
            "10008": TroubleKind.SUSPENDED,
            "10009": TroubleKind.BANNED,
            "10010": TroubleKind.IP,
            "10016": TroubleKind.SERVER_ERROR,
            "10017": TroubleKind.NO_ENDPOINT,
            "10018": TroubleKind.RATE_LIMIT,
            "10019": TroubleKind.UNAVAILABLE,
            "10024": TroubleKind.LOCATION,
            "10027": TroubleKind.SUSPENDED,
            "10029": TroubleKind.SYMBOL,
            "10032": TroubleKind.OTHER_WORLD,
            "10404": TroubleKind.NO_ENDPOINT,
            "10429": TroubleKind.RATE_LIMIT,
            "33004": TroubleKind.EXPIRED,
        },
        # https://www.okx.com/docs-v5/en/#error-code-rest-api
        "okx": {
            "50001": TroubleKind.UNAVAILABLE,
            "50004": TroubleKind.SERVER_ERROR,  # its own backend was late
            "50005": TroubleKind.UNAVAILABLE,
            "50007": TroubleKind.SUSPENDED,
            "50008": TroubleKind.KEY,
            "50009": TroubleKind.SUSPENDED,
            "50011": TroubleKind.RATE_LIMIT,
            "50012": TroubleKind.SUSPENDED,
            "50013": TroubleKind.UNAVAILABLE,
            "50026": TroubleKind.SERVER_ERROR,
            "50027": TroubleKind.SUSPENDED,
            "50030": TroubleKind.RIGHTS,
            "50061": TroubleKind.RATE_LIMIT,
            "50100": TroubleKind.SUSPENDED,
            "50101": TroubleKind.OTHER_WORLD,
            "50102": TroubleKind.CLOCK,
            "50103": TroubleKind.KEY,
            "50104": TroubleKind.PASSPHRASE,
            "50105": TroubleKind.PASSPHRASE,
            "50106": TroubleKind.SIGNATURE,
            "50107": TroubleKind.CLOCK,
            "50110": TroubleKind.IP,
            "50111": TroubleKind.KEY,
            "50112": TroubleKind.CLOCK,
            "50113": TroubleKind.SIGNATURE,
            "50114": TroubleKind.KEY_REFUSED,
            "50119": TroubleKind.KEY,
            "50120": TroubleKind.RIGHTS,
            "51001": TroubleKind.SYMBOL,
        },
        # https://www.kucoin.com/docs/errors-code/http-status-code
        "kucoin": {
            "200003": TroubleKind.RATE_LIMIT,
            "400001": TroubleKind.KEY_REFUSED,
            "400002": TroubleKind.CLOCK,
            "400003": TroubleKind.KEY,
            "400004": TroubleKind.PASSPHRASE,
            "400005": TroubleKind.SIGNATURE,
            "400006": TroubleKind.IP,
            "400007": TroubleKind.RIGHTS,
            "400302": TroubleKind.LOCATION,
            "400500": TroubleKind.LOCATION,
            "408000": TroubleKind.SERVER_ERROR,
            "411100": TroubleKind.SUSPENDED,
            "429000": TroubleKind.RATE_LIMIT,
            "500000": TroubleKind.SERVER_ERROR,
            "900001": TroubleKind.SYMBOL,
        },
        # https://www.bitget.com/api-doc/common/error-code/restapi
        "bitget": {
            "1001": TroubleKind.RATE_LIMIT,
            "40001": TroubleKind.KEY,
            "40002": TroubleKind.SIGNATURE,
            "40003": TroubleKind.SIGNATURE,
            "40004": TroubleKind.CLOCK,
            "40005": TroubleKind.CLOCK,
            "40006": TroubleKind.KEY,
            "40008": TroubleKind.CLOCK,
            "40009": TroubleKind.SIGNATURE,
            "40010": TroubleKind.SIGNATURE,
            "40011": TroubleKind.PASSPHRASE,
            "40012": TroubleKind.PASSPHRASE,
            "40013": TroubleKind.SUSPENDED,
            "40014": TroubleKind.RIGHTS,
            "40015": TroubleKind.SERVER_ERROR,
            "40018": TroubleKind.IP,
            "40031": TroubleKind.SUSPENDED,
            "40037": TroubleKind.KEY,
            "40099": TroubleKind.OTHER_WORLD,
            "40200": TroubleKind.MAINTENANCE,
            "40604": TroubleKind.UNAVAILABLE,
            "40725": TroubleKind.SERVER_ERROR,
            "429": TroubleKind.RATE_LIMIT,
        },
    }
)


def meaning_of(exchange: str, code: str) -> TroubleKind | None:
    """Return what a code means; None where it is in no table.

    Args:
        exchange: ccxt id.
        code: As the exchange gave it.
    """
    return CODES.get(_FAMILY.get(exchange, exchange), {}).get(code)
