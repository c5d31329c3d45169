"""What stands between a client and an exchange, and on the exchange's own order: Cloudflare, CloudFront. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from preflight.exchange.kinds import ExchangeAnswer, TroubleKind

_LOOKED_AT = 65_536  # characters of a body
# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/
_CLOUDFLARE: Mapping[str, TroubleKind] = MappingProxyType(
    {
        "1005": TroubleKind.BANNED,  # the network of the address
        "1006": TroubleKind.BANNED,
        "1007": TroubleKind.BANNED,
        "1008": TroubleKind.BANNED,
        "1009": TroubleKind.LOCATION,
        "1010": TroubleKind.FIREWALL,
        "1012": TroubleKind.FIREWALL,
        "1015": TroubleKind.RATE_LIMIT,
        "1020": TroubleKind.FIREWALL,
        "1106": TroubleKind.BANNED,
    }
)
# As a page ("Error 1009"; its number in a span of its own), as plain text ("error code: 1009"), as JSON.
_NUMBER = re.compile(r"error(?:[ _-]?code)?(?:<[^<>]{1,60}>|\W){0,8}?(1\d{3})\b", re.IGNORECASE)
_BY_COUNTRY = re.compile(
    r"block access from your country|(restricted|your|unsupported) (location|region|country|jurisdiction)",
    re.IGNORECASE,
)


def why_blocked(last: ExchangeAnswer) -> TroubleKind | None:
    """Return what a refusal (403, 429, 5xx) of such a network means; None where it is none, or gives no reason.

    Args:
        last: An answer whose HTTP status is a refusal.
    """
    text = last.text[:_LOOKED_AT]
    if "cloudflare" in f"{last.headers.get('Server', '')} {text}".lower() or text.startswith("error code: "):
        if last.headers.get("cf-mitigated", ""):  # a riddle for a browser
            return TroubleKind.FIREWALL
        found = (_CLOUDFLARE.get(number) for number in _NUMBER.findall(text))
        if (kind := next((kind for kind in found if kind is not None), None)) is not None:
            return kind
    return TroubleKind.LOCATION if last.status == 403 and _BY_COUNTRY.search(text) else None
