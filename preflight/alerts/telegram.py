"""The Telegram Bot API: one question at a time, and messages with retries inside a deadline.

The token is part of the URL. So no exception leaves this module, no text of a library's exception is passed on, and
what comes from the server is cleaned before anybody sees it.
"""

from __future__ import annotations

import math
import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from preflight.alerts.message import Text
from preflight.alerts.telegram_answer import AnswerKind, Delivery, TelegramAnswer, judge, untold
from preflight.config.sections import TelegramSection
from preflight.message import message
from preflight.redaction import redact_logs, scrub
from preflight.system.deadline import LateError, within
from preflight.system.network_env import why_no_way_out

if TYPE_CHECKING:
    from requests import Response
    from tenacity import RetryCallState

NOT_CONFIGURED = message(
    "Telegram is not configured; set PREFLIGHT_TELEGRAM__TOKEN_FILE and PREFLIGHT_TELEGRAM__CHAT_ID_FILE "
    "(docs/alerts.md says how)"
)
_MAX_BYTES = 64 * 1024  # of one answer; Telegram's are a few hundred
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 2.0  # seconds between two tries, before jitter


@dataclass(slots=True)
class Telegram:
    """A bot and the chat it writes to. Making one does no I/O.

    Args:
        settings: Token, chat, server, timeouts.
        monotonic: Seconds, for deadlines.
        sleep: Waits between two tries.
    """

    settings: TelegramSection
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def configured(self) -> bool:
        """Whether there is a token and a chat."""
        return self.settings.configured

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be seen anywhere."""
        return tuple(value for value in (self._token, self._chat) if value)

    def send(self, text: Text, *, budget: float, careful: bool = False) -> Delivery:
        """Send a message, trying again while there is time.

        Args:
            text: What to send; the plain form is used where Telegram refuses the HTML.
            budget: Seconds for all tries.
            careful: Do not try again where the message may have arrived; a duplicate would be worse than a loss.
        """
        if not self.configured:
            return Delivery(accepted=False, reason=NOT_CONFIGURED)
        end = self.monotonic() + budget
        shared = {"chat_id": self._chat, **self.settings.topic, "disable_web_page_preview": True}
        answer = self._tries({**shared, "text": text.html, "parse_mode": "HTML"}, end, careful=careful)
        if answer.kind is AnswerKind.BAD_REQUEST:  # it may be the formatting: a plain message is better than none
            answer = self._tries({**shared, "text": text.plain}, end, careful=careful)
        return Delivery(
            accepted=answer.kind is AnswerKind.OK,
            uncertain=answer.kind is AnswerKind.UNSURE,
            reason=answer.reason,
            result=answer.result,
        )

    def ask(self, method: str, params: dict[str, Any], *, timeout: float) -> TelegramAnswer:
        """Ask once. Whatever happens is an answer; it holds no secret.

        Args:
            method: Such as `getMe`.
            params: Sent as JSON.
            timeout: Seconds for all of it, name lookup included.
        """
        try:
            answer = within(timeout, lambda: self._post(method, params, min(timeout, self.settings.timeout)))
        except LateError:
            answer = untold(AnswerKind.UNSURE, message("no answer within {timeout:.1f} s", timeout=timeout))
        except Exception as e:  # noqa: BLE001 - its text may hold the URL: the type must do
            answer = untold(
                AnswerKind.REFUSED,
                message("the request could not be made ({kind}); check telegram.url", kind=type(e).__name__),
            )
        return answer.cleaned(lambda text: scrub(text, self.secrets))

    def _tries(self, params: dict[str, Any], end: float, *, careful: bool) -> TelegramAnswer:
        from tenacity import Retrying, retry_if_result  # noqa: PLC0415 - only where something is sent

        def again(answer: TelegramAnswer) -> bool:
            return answer.kind is AnswerKind.AGAIN or (answer.kind is AnswerKind.UNSURE and not careful)

        def too_late(state: RetryCallState) -> bool:
            return self.monotonic() + state.upcoming_sleep >= end

        retrying = Retrying(
            retry=retry_if_result(again),
            wait=_wait,
            stop=too_late,
            sleep=self.sleep,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        answer: TelegramAnswer = retrying(
            lambda: self.ask(
                "sendMessage", params, timeout=max(0.05, min(end - self.monotonic(), 2 * self.settings.timeout))
            )
        )
        return answer

    def _post(self, method: str, params: dict[str, Any], timeout: float) -> TelegramAnswer:
        import requests  # noqa: PLC0415 - 126 ms that a GO without warnings should not pay

        redact_logs(self.secrets)
        base = self.settings.url.rstrip("/")
        with requests.Session() as session:
            # Over plain HTTP a proxy would see the token, so the environment's proxies are for HTTPS only.
            session.trust_env = urlsplit(base).scheme == "https"
            try:
                with session.post(
                    f"{base}/bot{quote(self._token, ':')}/{method}",
                    json=params,
                    timeout=timeout,
                    allow_redirects=False,  # the token is not for whoever is named there
                    stream=True,
                ) as response:
                    return judge(response.status_code, _body(response), url=base)
            except OSError as e:  # every error of requests is one, and what it says of a CA bundle is nothing else
                if session.trust_env and (why := why_no_way_out(base)) is not None:
                    return untold(AnswerKind.REFUSED, why)
                if not isinstance(e, requests.RequestException):
                    raise
                return _failed(e, timeout)

    @property
    def _token(self) -> str:
        return "" if self.settings.token is None else self.settings.token.get_secret_value()

    @property
    def _chat(self) -> str:
        return "" if self.settings.chat_id is None else self.settings.chat_id.get_secret_value()


def _body(response: Response) -> bytes:
    body = b""
    for chunk in response.iter_content(4096):
        body += chunk
        if len(body) > _MAX_BYTES:
            break
    return body


def _failed(error: Exception, timeout: float) -> TelegramAnswer:
    """Tell apart whether the message can have arrived. The text of the exception holds the URL: it is not used."""
    from requests import exceptions  # noqa: PLC0415
    from urllib3.exceptions import NameResolutionError, NewConnectionError  # noqa: PLC0415

    cause = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(cause, NameResolutionError):
        return untold(AnswerKind.AGAIN, message("its name does not resolve"))
    if isinstance(cause, NewConnectionError):
        if isinstance(cause.__cause__, ConnectionRefusedError):
            return untold(AnswerKind.AGAIN, message("connection refused"), refused=True)
        return untold(AnswerKind.AGAIN, message("no way to its address; look at this machine's network"))
    if isinstance(error, exceptions.SSLError) and _distrusts(cause):
        return untold(AnswerKind.AGAIN, message("its certificate is not trusted"))
    dropped = message("the connection was dropped; the message may have arrived")
    # The narrower classes first: the others are among their parents.
    known: tuple[tuple[type[Exception], AnswerKind, str], ...] = (
        (exceptions.SSLError, AnswerKind.UNSURE, message("TLS failed; the message may have arrived")),
        (exceptions.ConnectTimeout, AnswerKind.AGAIN, message("no connection within {timeout:g} s", timeout=timeout)),
        (
            exceptions.ReadTimeout,
            AnswerKind.UNSURE,
            message("no answer within {timeout:g} s; the message may have arrived", timeout=timeout),
        ),
        (exceptions.ProxyError, AnswerKind.AGAIN, message("the proxy refuses")),
        (exceptions.ConnectionError, AnswerKind.UNSURE, dropped),
        (exceptions.ChunkedEncodingError, AnswerKind.UNSURE, dropped),
    )
    for kind_of_error, kind, reason in known:
        if isinstance(error, kind_of_error):
            return untold(kind, reason)
    return untold(AnswerKind.UNSURE, message("the answer cannot be read ({kind})", kind=type(error).__name__))


def _distrusts(cause: object) -> bool:
    """Tell whether TLS failed before anything was sent: at the server's certificate."""
    inner = cause.args[0] if isinstance(cause, Exception) and cause.args else None
    return isinstance(inner, ssl.SSLCertVerificationError)


def _wait(state: RetryCallState) -> float:
    """Give the seconds until the next try: what Telegram asks for, at least; with jitter, so that many do not meet."""
    answer = state.outcome.result() if state.outcome is not None else None
    asked = getattr(answer, "retry_after", None) or 0.0
    backoff = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** (state.attempt_number - 1))
    wait = asked + backoff * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
    return wait if math.isfinite(wait) else _LONGEST_WAIT
