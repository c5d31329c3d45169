from __future__ import annotations

import json

import pytest

from preflight.exchange.blocked import why_blocked
from preflight.exchange.kinds import ExchangeAnswer, TroubleKind

PAGES = (
    '<html><title>Access denied</title><span class="cf-error-code">{}</span> Cloudflare Ray ID: 1234</html>',
    '<h1><span data-translate="error">Error</span> <span>{}</span></h1> Performance by Cloudflare',
    "error code: {}",
    json.dumps({"title": "Access denied", "status": 403, "error_code": 0, "cloudflare_error": True}).replace(
        "0,", "{},"
    ),
)


@pytest.mark.parametrize("page", PAGES, ids=["page", "old page", "text", "json"])
@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("1005", TroubleKind.BANNED),
        ("1006", TroubleKind.BANNED),
        ("1007", TroubleKind.BANNED),
        ("1008", TroubleKind.BANNED),
        ("1009", TroubleKind.LOCATION),
        ("1010", TroubleKind.FIREWALL),
        ("1012", TroubleKind.FIREWALL),
        ("1015", TroubleKind.RATE_LIMIT),
        ("1020", TroubleKind.FIREWALL),
        ("1106", TroubleKind.BANNED),
        ("1999", None),
    ],
)
def test_x14_cloudflare_by_its_numbers(page: str, number: str, kind: TroubleKind | None) -> None:
    """A banned country, a banned address and a rule of the exchange's own firewall are three things."""
    text = page.replace("{}", number)
    assert why_blocked(ExchangeAnswer(status=403, text=text, headers={}, seconds=0.1)) is kind


@pytest.mark.parametrize(
    ("text", "headers", "kind"),
    [
        (
            "<title>Just a moment...</title>",
            {"Server": "cloudflare", "cf-mitigated": "challenge"},
            TroubleKind.FIREWALL,
        ),
        ("Service unavailable from a restricted location", {}, TroubleKind.LOCATION),
        ('{"message": "not offered in your country"}', {}, TroubleKind.LOCATION),
        ("<html>Error 1009 of another company's proxy</html>", {}, None),
        ("<html>Request blocked</html>", {}, None),
    ],
)
def test_x14_by_words(text: str, headers: dict[str, str], kind: TroubleKind | None) -> None:
    """A riddle for browsers, and a country in the exchange's own words; a number is Cloudflare's only on its pages."""
    assert why_blocked(ExchangeAnswer(status=403, text=text, headers=headers, seconds=0.1)) is kind
