from __future__ import annotations

import errno
import logging
import socket
import time
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from pytest_httpserver import HTTPServer
from requests.exceptions import SSLError

from acceptance.stack.ports import Ports
from acceptance.world.telegram import FAULTS, TelegramStandin
from acceptance.world.tls import Authority
from preflight.alerts.message import Text
from preflight.alerts.telegram import NOT_CONFIGURED, Telegram
from preflight.alerts.telegram_answer import AnswerKind
from preflight.config.sections import TelegramSection
from preflight.redaction import scrub

HELLO = Text(html="<b>hello</b> &amp; good bye", plain="hello & good bye")
SECRETS = ("1234567890:canary-TOKEN-canary-TOKEN-canary", "canary", "9876543210")


def test_a_message_arrives(client: Telegram, telegram: TelegramStandin) -> None:
    """2xx with ok:true is an acceptance, and Telegram's message is handed back."""
    delivery = client.send(HELLO, budget=2)

    assert (delivery.accepted, delivery.result["message_id"]) == (True, 1)
    assert telegram.texts == [HELLO.html]


def test_x19_a_message_goes_to_its_topic(telegram: TelegramStandin) -> None:
    """In a group with topics the one that is set is written to."""
    settings = TelegramSection(
        token=SecretStr(telegram.state.token),
        chat_id=SecretStr(telegram.state.chat_id),
        url=telegram.url,
        message_thread_id=42,
    )

    assert Telegram(settings).send(HELLO, budget=2).accepted
    assert [message["message_thread_id"] for message in telegram.state.chat] == [42]


def test_x5_a_closed_topic_is_a_refusal(client: Telegram, telegram: TelegramStandin) -> None:
    """What Telegram says of it is handed on, and nothing counts as sent."""
    telegram.state.closed_topics = True
    delivery = client.send(HELLO, budget=2)

    assert (delivery.accepted, telegram.texts) == (False, [])
    assert "TOPIC_CLOSED" in delivery.reason


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "https_proxy",
            "socks5://bot:canary@127.0.0.1:1080",
            "https_proxy names a SOCKS proxy (socks5://127.0.0.1:1080)",
        ),
        (
            "https_proxy",
            "http://bot:canary@127.0.0.1:x",
            "https_proxy is not the address of a proxy (http://127.0.0.1...)",
        ),
        ("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem", "REQUESTS_CA_BUNDLE names /nowhere/ca.pem, which cannot be read"),
    ],
)
def test_x13_what_lets_nothing_out(name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy or a CA bundle that cannot be used is named by its variable, and is no cause to try again."""
    monkeypatch.setenv(name, value)
    settings = TelegramSection(token=SecretStr(SECRETS[0]), chat_id=SecretStr(SECRETS[2]), url="https://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    answer = Telegram(settings).ask("getMe", {}, timeout=2)

    assert (answer.kind, answer.reason.startswith(f"Telegram: {says}")) == (AnswerKind.REFUSED, True), answer.reason
    assert "canary" not in answer.reason


# fault, given once -> how many messages are in the chat after one careful and after one persistent sending
ONCE: dict[str, tuple[int, int]] = {
    "429": (1, 1),
    "400": (1, 1),  # as plain text
    "400-any": (1, 1),
    "500": (1, 1),
    "504-after": (1, 2),
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


def test_the_waits_grow(section: TelegramSection, telegram: TelegramStandin) -> None:
    """Each wait is up to twice the one before, and none is longer than two seconds."""
    slept: list[float] = []
    telegram.fault("500", times=6)
    delivery = Telegram(section, sleep=slept.append).send(HELLO, budget=10)

    assert delivery.accepted
    longest = (0.2, 0.4, 0.8, 1.6, 2.0, 2.0)
    assert [limit / 2 <= wait <= limit for wait, limit in zip(slept, longest, strict=True)] == [True] * 6


def test_nobody_listens(section: TelegramSection) -> None:
    """A refused connection is told as such: the message certainly did not arrive."""
    ports = Ports.free(("redis",))
    port = ports.as_dict()["redis"]
    ports.release()
    closed = section.model_copy(update={"url": f"http://127.0.0.1:{port}"})

    delivery = Telegram(closed).send(HELLO, budget=0.3)

    assert (delivery.accepted, delivery.uncertain) == (False, False)
    assert "connection refused" in delivery.reason
    assert Telegram(closed).ask("getMe", {}, timeout=1).refused


def test_an_unreachable_network_is_no_refusal(client: Telegram, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this machine has no way there nobody refused anything: not sent for certain, and nothing is known."""

    def unreachable(*_: object, **__: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    answer = client.ask("getMe", {}, timeout=1)

    assert (answer.kind, answer.refused) == (AnswerKind.AGAIN, False)
    assert "no way to its address" in answer.reason


def test_an_untrusted_certificate_is_certainly_no_acceptance(section: TelegramSection, tmp_path: Path) -> None:
    """TLS fails at the certificate before anything is sent."""
    with HTTPServer(host="127.0.0.1", ssl_context=Authority(tmp_path).context("localhost")) as server:
        url = f"https://127.0.0.1:{server.port}"
        answer = Telegram(section.model_copy(update={"url": url, "timeout": 5.0})).ask("getMe", {}, timeout=5)

    assert (answer.kind, answer.reason) == (AnswerKind.AGAIN, "Telegram: its certificate is not trusted")


def test_a_broken_tls_connection_may_have_been_an_acceptance(client: Telegram, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other failure of TLS can come after the message was taken."""

    def broken(*_: object, **__: object) -> None:
        raise SSLError("EOF occurred in violation of protocol")

    monkeypatch.setattr("requests.Session.post", broken)

    assert client.ask("sendMessage", {}, timeout=1).kind is AnswerKind.UNSURE


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x", "http://[", "http://127.0.0.1:99999", "http://\ud800"])
def test_an_impossible_url_is_a_reason(url: str, section: TelegramSection) -> None:
    """No URL makes it raise."""
    delivery = Telegram(section.model_copy(update={"url": url})).send(HELLO, budget=0.3)

    assert not delivery.accepted
    assert delivery.reason


@pytest.mark.parametrize("url", ["https://user:hunter2@api.example", "http://hunter2@127.0.0.1:1/x", "//a@b"])
def test_a_login_in_the_url_is_refused(url: str) -> None:
    """A password there would stand in every sentence that names the server; the refusal does not repeat it."""
    with pytest.raises(ValidationError, match="without a login") as caught:
        TelegramSection.model_validate({"url": url})
    assert all("hunter2" not in error["msg"] for error in caught.value.errors())


@pytest.mark.parametrize(
    "url", ["https://api.telegram.org", "http://127.0.0.1:8081", "https://proxy.example/a@b?c=d@e"]
)
def test_a_url_without_a_login_is_taken(url: str) -> None:
    """A Bot API server of one's own may stand anywhere."""
    assert TelegramSection.model_validate({"url": url}).url == url


@pytest.mark.parametrize(("deadline", "taken"), [(10, True), (10.1, False), (0, False), (float("inf"), False)])
def test_nobody_waits_longer_than_ten_seconds_for_an_alert(deadline: float, taken: bool) -> None:
    """A P0 that is not delivered within 10 s waits in the spool: no setting makes that longer."""
    try:
        section = TelegramSection.model_validate({"deadline": deadline})
    except ValidationError:
        assert not taken
    else:
        assert taken
        assert section.deadline == deadline


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


def test_over_plain_http_no_proxy_is_asked(
    client: Telegram, telegram: TelegramStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would see the token: the environment's proxies are for HTTPS only."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0)
        for name in ("http_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        assert client.send(HELLO, budget=2).accepted
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert telegram.texts == [HELLO.html]
