"""Error code -> what it means, a table an exchange: from the exchanges' own documents.

A code that is in no table is not guessed at: it stays what ccxt's class or the HTTP status says, and is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from preflight.exchange_kinds import Kind

CODES: Mapping[str, Mapping[str, Kind]] = MappingProxyType(
    {
        # https://developers.binance.com/docs/binance-spot-api-docs/errors
        "binance": {
            "-1003": Kind.RATE_LIMIT,
            "-1021": Kind.CLOCK,
            "-1022": Kind.SIGNATURE,
            "-1100": Kind.SYMBOL,  # illegal characters: of all that is asked only symbols are not ours
            "-1101": Kind.SYMBOL,
            "-1102": Kind.SYMBOL,
            "-1121": Kind.SYMBOL,
            "-2014": Kind.KEY,
            "-2015": Kind.KEY_IP_OR_RIGHTS,
        },
        # https://docs.upbit.com/kr/reference: errors by name
        "upbit": {
            "expired_access_key": Kind.EXPIRED,
            "invalid_access_key": Kind.KEY,
            "jwt_verification": Kind.SIGNATURE,
            "no_authorization_i_p": Kind.IP,
            "no_authorization_ip": Kind.IP,
            "no_authorization_token": Kind.KEY,
            "nonce_used": Kind.NONCE,
            "out_of_scope": Kind.RIGHTS,
            "thirdparty_agreement_required": Kind.AGREEMENT,
        },
        # https://apidocs.bithumb.com/docs/api-주요-에러-코드: errors by name, of the API from 2.0 on
        "bithumb": {
            "expired_jwt": Kind.CLOCK,
            "jwt_verification": Kind.SIGNATURE,
            "NotAllowIP": Kind.IP,
            "out_of_scope": Kind.RIGHTS,
        },
        # https://bybit-exchange.github.io/docs/v5/error
        "bybit": {
            "10002": Kind.CLOCK,
            "10003": Kind.KEY,
            "10004": Kind.SIGNATURE,
            "10005": Kind.RIGHTS,
            "10006": Kind.RATE_LIMIT,
            "10009": Kind.BANNED,
            "10010": Kind.IP,
            "10018": Kind.RATE_LIMIT,
            "10024": Kind.LOCATION,
            "10032": Kind.OTHER_WORLD,
            "33004": Kind.EXPIRED,
        },
        # https://www.okx.com/docs-v5/en/#error-code-rest-api
        "okx": {
            "50001": Kind.UNAVAILABLE,
            "50011": Kind.RATE_LIMIT,
            "50026": Kind.SERVER_ERROR,
            "50101": Kind.OTHER_WORLD,
            "50102": Kind.CLOCK,
            "50105": Kind.PASSPHRASE,
            "50110": Kind.IP,
            "50111": Kind.KEY,
            "50113": Kind.SIGNATURE,
            "50119": Kind.KEY,
            "50120": Kind.RIGHTS,
        },
        # https://www.kucoin.com/docs/errors-code/http-status-code
        "kucoin": {
            "200003": Kind.RATE_LIMIT,
            "400002": Kind.CLOCK,
            "400003": Kind.KEY,
            "400004": Kind.PASSPHRASE,
            "400005": Kind.SIGNATURE,
            "400006": Kind.IP,
            "400007": Kind.RIGHTS,
            "400302": Kind.LOCATION,
            "429000": Kind.RATE_LIMIT,
        },
        # https://www.bitget.com/api-doc/common/error-code/restapi
        "bitget": {
            "40005": Kind.CLOCK,
            "40006": Kind.KEY,
            "40008": Kind.CLOCK,
            "40009": Kind.SIGNATURE,
            "40012": Kind.PASSPHRASE,
            "40014": Kind.RIGHTS,
            "40018": Kind.IP,
            "40037": Kind.KEY,
            "40099": Kind.OTHER_WORLD,
            "429": Kind.RATE_LIMIT,
        },
    }
)
