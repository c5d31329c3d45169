from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from acceptance.world.telegram import TelegramStandin
from preflight.check import Context
from preflight.checks.alert_channel import AlertChannelCheck
from preflight.config.settings import Settings
from preflight.model import Outcome, Status

TOKEN, CHAT = "1234567890:canary-TOKEN", "-1009876543210"
ALL = ["getMe", "getChat", "getChatMember", "sendChatAction"]


@pytest.fixture
def telegram() -> Iterator[TelegramStandin]:
    """A Bot API server."""
    with TelegramStandin(token=TOKEN, chat_id=CHAT) as standin:
        yield standin


@pytest.fixture
def ask(
    telegram: TelegramStandin, make_context: Callable[..., Context], make_settings: Callable[..., Settings]
) -> Callable[..., Outcome]:
    """Run the check: `ask(token=..., env=...)`."""

    def run(env: str = "paper", **section: object) -> Outcome:
        base: dict[str, object] = {"token": TOKEN, "chat_id": CHAT, "url": telegram.url, "timeout": 0.3}
        settings = make_settings(env=env, telegram={**base, **section})
        return AlertChannelCheck().run(make_context(settings=settings))

    return run


def test_all_questions_are_answered(ask: Callable[..., Outcome], telegram: TelegramStandin) -> None:
    """A bot that may write passes; nothing is written to the chat to find out."""
    outcome = ask()

    assert outcome.status is Status.PASS
    assert sorted(outcome.timings) == sorted(ALL)
    assert (telegram.asked, telegram.texts) == (ALL, [])


@pytest.mark.parametrize(("env", "status"), [("live", "fail"), ("paper", "warn"), ("dev", "warn"), ("test", "warn")])
def test_not_configured(env: str, status: str, ask: Callable[..., Outcome]) -> None:
    """Nothing configured is a FAIL in live and a WARN elsewhere, with what to set."""
    outcome = ask(env, token=None, chat_id=None)

    assert outcome.status == status
    assert "PREFLIGHT_TELEGRAM__TOKEN_FILE" in outcome.hint


@pytest.mark.parametrize("missing", ["token", "chat_id"])
def test_half_configured(missing: str, ask: Callable[..., Outcome]) -> None:
    """One of the two alone is a FAIL everywhere: somebody meant to be told."""
    outcome = ask(**{missing: None})

    assert (outcome.status, missing in outcome.summary) == (Status.FAIL, True)


def test_plain_http_in_live(ask: Callable[..., Outcome]) -> None:
    """In live the token does not go out in the clear; a server on this machine is fine."""
    assert ask("live", url="http://telegram.example").status is Status.FAIL
    assert ask("live").status is Status.PASS


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("401", Status.FAIL),
        ("403", Status.FAIL),
        ("404", Status.FAIL),
        ("400-any", Status.FAIL),
        ("302", Status.FAIL),
        ("500", Status.ERROR),
        ("429", Status.ERROR),
        ("garbage", Status.ERROR),
        ("timeout-before", Status.ERROR),
        ("drip", Status.ERROR),
        ("drop-before", Status.ERROR),
    ],
)
def test_faults(
    method: str, fault: str, status: Status, ask: Callable[..., Outcome], telegram: TelegramStandin
) -> None:
    """What Telegram refuses is FAIL, what it does not answer is ERROR; each names the question and a next step."""
    telegram.fault(fault, methods=[method])
    outcome = ask()

    assert outcome.status is status
    assert outcome.summary.startswith(f"{method}: Telegram: ")
    assert outcome.hint
    assert TOKEN not in str(outcome)
    assert CHAT not in str(outcome)


def test_wrong_chat(ask: Callable[..., Outcome]) -> None:
    """A chat that the bot is not in is a FAIL of getChat."""
    outcome = ask(chat_id="-100555")

    assert outcome.status is Status.FAIL
    assert "chat not found" in outcome.summary


def test_nobody_listens(ask: Callable[..., Outcome]) -> None:
    """A refused connection is a FAIL, as for every other server."""
    assert ask(url="http://127.0.0.1:1").status is Status.FAIL


def test_x5_a_group_in_which_the_bot_may_not_write(ask: Callable[..., Outcome], telegram: TelegramStandin) -> None:
    """`sendChatAction` is answered with ok there all the same."""
    telegram.state.kind = {"type": "supergroup", "permissions": {"can_send_messages": False}}
    outcome = ask("live")

    assert (outcome.status, telegram.asked, telegram.texts) == (Status.FAIL, ALL, [])
    assert "may not send messages" in outcome.summary


def test_x5_a_group_whose_topics_may_be_closed(ask: Callable[..., Outcome], telegram: TelegramStandin) -> None:
    """Whether a topic is closed no question tells without sending: a warning, until the bot may write to all."""
    telegram.state.kind = {"type": "supergroup", "is_forum": True}
    assert ask("live").status is Status.WARN

    telegram.state.member = {"status": "administrator", "can_manage_topics": True}
    assert ask("live").status is Status.PASS


def test_x5_a_private_chat_has_no_members(ask: Callable[..., Outcome], telegram: TelegramStandin) -> None:
    """Nothing is asked that Telegram answers for groups only."""
    telegram.state.kind = {"type": "private", "first_name": "operator"}
    assert (ask("live").status, telegram.asked) == (Status.PASS, ["getMe", "getChat", "sendChatAction"])


def test_x10_a_group_that_became_a_supergroup(ask: Callable[..., Outcome], telegram: TelegramStandin) -> None:
    """The new id is told, and where to write it."""
    telegram.state.migrated_to = -1005550001111
    outcome = ask()

    assert outcome.status is Status.FAIL
    assert "-1005550001111" in outcome.summary
    assert "PREFLIGHT_TELEGRAM__CHAT_ID" in outcome.summary
