"""alert_channel: what goes wrong would be read by somebody, since Telegram lets the bot write to its chat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from preflight.check import Context
from preflight.message import AND, joined, message
from preflight.model import Env, Outcome, Status

if TYPE_CHECKING:
    from preflight.alerts.telegram_answer import TelegramAnswer
    from preflight.config.sections import TelegramSection

_EXPECTED = "getMe, getChat, getChatMember and sendChatAction answer ok, and the bot may write"
_RIGHT_HINT = message(
    "let the bot write there: its rights are in the chat's own settings, under administrators or permissions"
)
_DOUBT_HINT = message(
    "make the bot an administrator that may manage topics, and set telegram.message_thread_id to the topic"
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class AlertChannelCheck:
    """The token (`getMe`), the chat (`getChat`), the right to write (`getChatMember`, `sendChatAction`); no message."""

    id: str = "alert_channel"
    proves: str = message("Telegram knows the bot and lets it write to the chat that alerts go to")
    requires: tuple[str, ...] = ()
    timeout: float = 5.0
    network: bool = True
    imports: tuple[str, ...] = ("requests",)

    def run(self, ctx: Context) -> Outcome:
        """Ask the questions, one after the other, within what the check has of time."""
        settings = ctx.settings.telegram
        problem = _not_configured(settings, ctx.settings.env) or _in_the_clear(settings, ctx.settings.env)
        if problem is not None:
            return problem
        talk = _Talk(ctx, end=ctx.clock() + ctx.settings.timeout_of(self.id, self.timeout) - 0.3)
        try:
            return talk.hold()
        except _RefusedError as e:
            return e.outcome


class _RefusedError(Exception):
    """A question was not answered with ok: what the check says of that."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.summary)
        self.outcome = outcome


class _Talk:
    """The questions of one run, each with its time."""

    def __init__(self, ctx: Context, *, end: float) -> None:
        self._ctx = ctx
        self._end = end
        self._telegram = ctx.open_telegram(ctx.settings)
        self._timings: dict[str, float] = {}

    def hold(self) -> Outcome:
        """Ask all of them.

        Raises:
            _RefusedError: One was not answered with ok.
        """
        from preflight.alerts.chat_rights import is_private, write_right  # noqa: PLC0415 - in the check's own process

        settings = self._ctx.settings.telegram
        chat_id = {"chat_id": settings.chat_id.get_secret_value() if settings.chat_id is not None else ""}
        bot = self._ask("getMe", {})
        chat = self._ask("getChat", chat_id)
        member = {} if is_private(chat) else self._ask("getChatMember", {**chat_id, "user_id": bot.get("id", 0)})
        self._ask("sendChatAction", {**chat_id, **settings.topic, "action": "typing"})
        right = write_right(chat, member)
        if right.denied or right.doubt:
            return Outcome(
                status=Status.FAIL if right.denied else Status.WARN,
                summary=(
                    message("Telegram would refuse a message: {denied}", denied=right.denied)
                    if right.denied
                    else message("Telegram may refuse a message: {doubt}", doubt=right.doubt)
                ),
                hint=_RIGHT_HINT if right.denied else _DOUBT_HINT,
                expected=_EXPECTED,
                actual="denied" if right.denied else "in doubt",
                timings=self._timings,
            )
        return Outcome(
            status=Status.PASS,
            summary=message(
                "Telegram lets the bot write to the chat ({ms:.0f} ms)", ms=sum(self._timings.values()) * 1000
            ),
            expected=_EXPECTED,
            actual=_EXPECTED,
            timings=self._timings,
        )

    def _ask(self, method: str, params: dict[str, Any]) -> Mapping[str, Any]:
        begun = self._ctx.clock()
        timeout = max(0.1, min(self._ctx.settings.telegram.timeout, self._end - begun))
        answer: TelegramAnswer = self._telegram.ask(method, params, timeout=timeout)
        self._timings[method] = self._ctx.clock() - begun
        problem = _judge(method, answer, self._timings, test=self._ctx.settings.line("alerts test"))
        if problem is not None:
            raise _RefusedError(problem)
        return answer.raw


def _not_configured(settings: TelegramSection, env: Env) -> Outcome | None:
    given = {"telegram.token": settings.token, "telegram.chat_id": settings.chat_id}
    missing = [key for key, value in given.items() if value is None or not value.get_secret_value()]
    if not missing:
        return None
    half = len(missing) < len(given)  # whoever set one of them meant to be told
    return Outcome(
        status=Status.FAIL if env is Env.LIVE or half else Status.WARN,
        summary=message("no alert can be sent: {missing} not set", missing=joined(missing, AND)),
        hint=message(
            "set PREFLIGHT_TELEGRAM__TOKEN_FILE and PREFLIGHT_TELEGRAM__CHAT_ID_FILE; docs/alerts.md says how"
        ),
        expected=_EXPECTED,
        actual="not configured",
    )


def _in_the_clear(settings: TelegramSection, env: Env) -> Outcome | None:
    """In live the token must not travel where others can read it."""
    parts = urlsplit(settings.url)
    if env is not Env.LIVE or parts.scheme == "https" or parts.hostname in _LOOPBACK:
        return None
    return Outcome(
        status=Status.FAIL,
        summary=message("telegram.url is not https: the bot's token would travel in the clear"),
        hint=message("set PREFLIGHT_TELEGRAM__URL to an https address, or to a Bot API server on this machine"),
        expected="https, or this machine",
        actual=parts.scheme or "no scheme",
    )


def _judge(method: str, answer: TelegramAnswer, timings: dict[str, float], *, test: str) -> Outcome | None:
    """Tell a no from no answer: what Telegram refuses is FAIL, what nobody answered is ERROR."""
    from preflight.alerts.telegram_answer import AnswerKind  # noqa: PLC0415 - only in the check's own process

    if answer.kind is AnswerKind.OK:
        return None
    says_no = answer.kind in {AnswerKind.BAD_REQUEST, AnswerKind.REFUSED} or answer.refused
    return Outcome(
        status=Status.FAIL if says_no else Status.ERROR,
        summary=message("{method}: {reason}", method=method, reason=answer.reason),
        hint=message("`{test}` shows whether a message arrives; docs/alerts.md says how to set it up", test=test),
        expected=_EXPECTED,
        actual=f"HTTP {answer.status}" if answer.status is not None else "no answer",
        timings=timings,
    )
