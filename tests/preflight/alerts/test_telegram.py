from __future__ import annotations

import logging
import time

import pytest
from pydantic import SecretStr

from acceptance.stack.ports import Ports
from acceptance.standins.telegram import FAULTS, TelegramStandin
from preflight.alerts.answer import Kind, judge
from preflight.alerts.hush import scrub
from preflight.alerts.message import Text
from preflight.alerts.telegram import NOT_CONFIGURED, Telegram
from preflight.sections import TelegramSection

HELLO = Text(html="<b>hello</b> &amp; good bye", plain="hello & good bye")
SECRETS = ("1234567890:canary-TOKEN-canary-TOKEN-canary", "canary", "9876543210")


def test_a_message_arrives(client: Telegram, telegram: TelegramStandin) -> None:
    """2xx with ok:true is an acceptance, and Telegram's message is handed back."""
    delivery = client.send(HELLO, budget=2)

    assert (delivery.accepted, delivery.result["message_id"]) == (True, 1)
    assert telegram.texts == [HELLO.html]


# fault, given once -> how many messages are in the chat after one careful and after one persistent sending
ONCE: dict[str, tuple[int, int]] = {
    "429": (1, 1),
    "400": (1, 1),  # as plain text
    "400-any": (1, 1),
    "500": (1, 1),
    "timeout-before": (0, 1),
    "timeout-after": (1, 2),
    "drop-before": (0, 1),
    "drop-after": (1, 2),
    "garbage": (0, 1),
    "drip": (0, 1),
    "401": (0, 0),
    "403": (0, 0),
    "404": (0, 0),
    "302": (0, 0),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_once(fault: str, client: Telegram, telegram: TelegramStandin) -> None:
    """A P0 is sent until it is accepted; a P1 is not sent again where it may have arrived."""
    telegram.fault(fault, retry_after=0.1)
    client.send(HELLO, budget=2, careful=True)
    careful = len(telegram.texts)
    telegram.state.reset()
    telegram.fault(fault, retry_after=0.1)
    client.send(HELLO, budget=2)

    assert (careful, len(telegram.texts)) == ONCE[fault]


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "400"])
def test_a_fault_for_ever(fault: str, client: Telegram, telegram: TelegramStandin) -> None:
    """What is never accepted is given up within the budget, with a reason, and is not said to be accepted."""
    telegram.fault(fault, times=1000, retry_after=0.1)
    began = time.monotonic()
    delivery = client.send(HELLO, budget=1.0)

    assert not delivery.accepted
    assert delivery.reason.startswith("Telegram: ")
    assert time.monotonic() - began < 1.6


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("401", "@BotFather"),
        ("403", "may not write"),
        ("404", "no such bot"),
        ("302", "redirects"),
        ("400-any", "CHAT_ID"),
    ],
)
def test_a_refusal_is_explained(fault: str, told: str, client: Telegram, telegram: TelegramStandin) -> None:
    """Each refusal says what to do about it."""
    telegram.fault(fault, times=2)

    assert told in client.send(HELLO, budget=1).reason


def test_retry_after_is_honoured(client: Telegram, telegram: TelegramStandin) -> None:
    """The next try comes no sooner than Telegram asks for."""
    telegram.fault("429", retry_after=0.5)
    client.send(HELLO, budget=2)

    refused, accepted = (request["at"] for request in telegram.state.requests)
    assert accepted - refused >= 0.5


def test_retry_after_beyond_the_budget_is_not_waited_for(client: Telegram, telegram: TelegramStandin) -> None:
    """Who asks for a minute gets no second try now."""
    telegram.fault("429", retry_after=60)
    began = time.monotonic()

    assert not client.send(HELLO, budget=1).accepted
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize("value", [-1, "soon", None, [], True, float("inf")], ids=str)
def test_a_mad_retry_after_is_ignored(value: object) -> None:
    """What is no number of seconds is as if it was not there."""
    body = f'{{"ok": false, "parameters": {{"retry_after": {"1e999" if value == float("inf") else "null"}}}}}'.encode()
    assert judge(429, body, url="u").retry_after is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b'{"ok": true, "result": {}}', Kind.OK),
        (201, b'{"ok": true}', Kind.OK),
        (200, b'{"ok": "true"}', Kind.UNSURE),
        (200, b'{"ok": false}', Kind.UNSURE),
        (200, b"", Kind.UNSURE),
        (200, b"[" * 100_000, Kind.UNSURE),
        (500, b'{"ok": true}', Kind.AGAIN),
        (302, b'{"ok": true}', Kind.REFUSED),
        (400, b'{"ok": true}', Kind.BAD_REQUEST),
    ],
)
def test_accepted_is_2xx_and_ok(status: int, body: bytes, kind: Kind) -> None:
    """Neither a status nor an ok:true alone is an acceptance."""
    assert judge(status, body, url="u").kind is kind


def test_nobody_listens(section: TelegramSection) -> None:
    """A refused connection is told as such: the message certainly did not arrive."""
    ports = Ports.free(("redis",))
    port = ports.as_dict()["redis"]
    ports.release()
    closed = section.model_copy(update={"url": f"http://127.0.0.1:{port}"})

    delivery = Telegram(closed).send(HELLO, budget=0.3)

    assert (delivery.accepted, delivery.uncertain) == (False, False)
    assert "connection refused" in delivery.reason


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x", "http://[", "http://127.0.0.1:99999", "http://\ud800"])
def test_an_impossible_url_is_a_reason(url: str, section: TelegramSection) -> None:
    """No URL makes it raise."""
    delivery = Telegram(section.model_copy(update={"url": url})).send(HELLO, budget=0.3)

    assert not delivery.accepted
    assert delivery.reason


def test_not_configured() -> None:
    """Without token or chat nothing is asked, and it is said what to set."""
    assert Telegram(TelegramSection()).send(HELLO, budget=1).reason == NOT_CONFIGURED


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("token", [SECRETS[0], "12 34/canary?x#ü:%"], ids=["usual", "odd"])
def test_no_secret_is_logged_or_told(
    fault: str, token: str, section: TelegramSection, caplog: pytest.LogCaptureFixture
) -> None:
    """With every logger at DEBUG, through every error, neither token nor chat id is in a log, a reason or a result."""
    with TelegramStandin(token=token, chat_id="-1009876543210") as telegram, caplog.at_level(logging.DEBUG):
        client = Telegram(section.model_copy(update={"token": SecretStr(token), "url": telegram.url, "timeout": 0.1}))
        telegram.fault(fault, times=1000)
        delivery = client.send(HELLO, budget=0.3)
        answer = client.ask("getMe", {}, timeout=0.3)
        logging.getLogger("urllib3.connectionpool").debug("GET /bot%s/getMe", token)
        try:
            raise ValueError(f"http://x/bot{token}/getMe")
        except ValueError:
            logging.getLogger("urllib3.connectionpool").exception("broken")

    seen = f"{caplog.text}{delivery}{answer}"
    assert "[secret]" in caplog.text
    for secret in (token, *SECRETS):
        assert secret not in seen


def test_scrub_knows_how_urls_spell_it() -> None:
    """A secret that is quoted for a URL is one too."""
    assert scrub("a 12%3Ax%2Fy b 12:x%2Fy c 12:x/y", ["12:x/y"]) == "a [secret] b [secret] c [secret]"
