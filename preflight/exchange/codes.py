"""Error code -> what it means, a table an exchange: from the exchanges' own documents.

A code that is in no table is not guessed at: it stays what ccxt's class or the HTTP status says, and is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from preflight.exchange.kinds import TroubleKind

CODES: Mapping[str, Mapping[str, TroubleKind]] = MappingProxyType(
    {
        # https://developers.binance.com/docs/binance-spot-api-docs/errors
        "binance": {
            "-1003": TroubleKind.RATE_LIMIT,
            "-1021": TroubleKind.CLOCK,
            "-1022": TroubleKind.SIGNATURE,
            "-1100": TroubleKind.SYMBOL,  # illegal characters: of all that is asked only symbols are not ours
            "-1101": TroubleKind.SYMBOL,
            "-1102": TroubleKind.SYMBOL,
            "-1121": TroubleKind.SYMBOL,
            "-2014": TroubleKind.KEY,
            "-2015": TroubleKind.KEY_IP_OR_RIGHTS,
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
            "thirdparty_agreement_required": TroubleKind.AGREEMENT,
        },
        # https://apidocs.bithumb.com/docs/api-주요-에러-코드: errors by name, of the API from 2.0 on
        "bithumb": {
            "expired_jwt": TroubleKind.CLOCK,
            "jwt_verification": TroubleKind.SIGNATURE,
            "NotAllowIP": TroubleKind.IP,
            "out_of_scope": TroubleKind.RIGHTS,
        },
        # https://bybit-exchange.github.io/docs/v5/error
        "bybit": {
            "10002": TroubleKind.CLOCK,
            "10003": TroubleKind.KEY,
            "10004": TroubleKind.SIGNATURE,
            "10005": TroubleKind.RIGHTS,
            "10006": TroubleKind.RATE_LIMIT,
            "10009": TroubleKind.BANNED,
            "10010": TroubleKind.IP,
            "10018": TroubleKind.RATE_LIMIT,
            "10024": TroubleKind.LOCATION,
            "10032": TroubleKind.OTHER_WORLD,
            "33004": TroubleKind.EXPIRED,
        },
        # https://www.okx.com/docs-v5/en/#error-code-rest-api
        "okx": {
            "50001": TroubleKind.UNAVAILABLE,
            "50011": TroubleKind.RATE_LIMIT,
            "50026": TroubleKind.SERVER_ERROR,
            "50101": TroubleKind.OTHER_WORLD,
            "50102": TroubleKind.CLOCK,
            "50105": TroubleKind.PASSPHRASE,
            "50110": TroubleKind.IP,
            "50111": TroubleKind.KEY,
            "50113": TroubleKind.SIGNATURE,
            "50119": TroubleKind.KEY,
            "50120": TroubleKind.RIGHTS,
        },
        # https://www.kucoin.com/docs/errors-code/http-status-code
        "kucoin": {
            "200003": TroubleKind.RATE_LIMIT,
            "400002": TroubleKind.CLOCK,
            "400003": TroubleKind.KEY,
            "400004": TroubleKind.PASSPHRASE,
            "400005": TroubleKind.SIGNATURE,
            "400006": TroubleKind.IP,
            "400007": TroubleKind.RIGHTS,
            "400302": TroubleKind.LOCATION,
            "429000": TroubleKind.RATE_LIMIT,
        },
        # https://www.bitget.com/api-doc/common/error-code/restapi
        "bitget": {
            "40005": TroubleKind.CLOCK,
            "40006": TroubleKind.KEY,
            "40008": TroubleKind.CLOCK,
            "40009": TroubleKind.SIGNATURE,
            "40012": TroubleKind.PASSPHRASE,
            "40014": TroubleKind.RIGHTS,
            "40018": TroubleKind.IP,
            "40037": TroubleKind.KEY,
            "40099": TroubleKind.OTHER_WORLD,
            "429": TroubleKind.RATE_LIMIT,
        },
    }
)
