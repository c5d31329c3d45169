"""What Telegram's answers mean.

from preflight.message import message
https://core.telegram.org/bots/api#making-requests
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any

from preflight.message import cleaned, message

_MAX_DESCRIPTION = 200  # characters of what the server says
_GATEWAY = frozenset({502, 504})  # what answers is in between: the server behind it may have accepted
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class AnswerKind(Enum):
    """What to conclude from an answer."""

    OK = auto()  # 2xx and ok: true, and nothing else
    AGAIN = auto()  # certainly not accepted; another try may be
    UNSURE = auto()  # it may have been accepted
    BAD_REQUEST = auto()  # 400: perhaps the formatting
    REFUSED = auto()  # certainly not accepted, and another try would not be either


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramAnswer:
    """What came back from one question."""

    kind: AnswerKind
    reason: str = ""  # one sentence for a person; empty for OK
    status: int | None = None  # HTTP status; None: there was no answer
    refused: bool = False  # nobody listens there
    retry_after: float | None = None  # seconds the server asks to wait
    result: Mapping[str, str | int] = field(default_factory=dict)  # of an OK: `message_id`, `chat` (its name)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # of an OK: all of it, to judge and not to show

    def cleaned(self, clean: Callable[[str], str]) -> TelegramAnswer:
        """Give the answer with its texts cleaned."""
        result = {key: clean(value) if isinstance(value, str) else value for key, value in self.result.items()}
        return replace(self, reason=cleaned(self.reason, clean), result=result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one message."""

    accepted: bool  # 2xx and ok: true
    uncertain: bool = False  # not accepted as far as is known, but it may have arrived
    reason: str = ""  # why it was not accepted
    result: Mapping[str, str | int] = field(default_factory=dict)  # as of the answer, where it was


def untold(kind: AnswerKind, reason: str, *, refused: bool = False) -> TelegramAnswer:
    """Make the answer of a question that got none."""
    return TelegramAnswer(kind=kind, reason=message("Telegram: {reason}", reason=reason), refused=refused)


def judge(status: int, body: bytes, *, url: str) -> TelegramAnswer:
    """Conclude from an HTTP status and a body, believing neither alone."""
    data = _object(body)
    if 200 <= status < 300:
        if data.get("ok") is True:
            result = data.get("result")
            raw = result if isinstance(result, dict) else {}
            return TelegramAnswer(kind=AnswerKind.OK, status=status, result=_known(result), raw=raw)
        return TelegramAnswer(
            kind=AnswerKind.UNSURE,
            status=status,
            reason=message(
                "Telegram: {status} without ok:true; check that {url} is a Bot API server", status=status, url=url
            ),
        )
    if status == 429:
        after = _seconds(data.get("parameters"))
        return TelegramAnswer(
            kind=AnswerKind.AGAIN,
            status=status,
            reason=message("Telegram: too many messages; it asks to wait {after:g} s", after=after or 0),
            retry_after=after,
        )
    if status in _GATEWAY:
        reason = message(
            "Telegram: {status}: a gateway had no answer from the server; the message may have arrived", status=status
        )
        return TelegramAnswer(kind=AnswerKind.UNSURE, status=status, reason=reason)
    if status == 400 and (new := _migrated(data.get("parameters"))) is not None:
        return TelegramAnswer(
            kind=AnswerKind.REFUSED,
            status=status,
            reason=message(
                "Telegram: the group has become a supergroup: its chat id is now {new}; write it into "
                "PREFLIGHT_TELEGRAM__CHAT_ID or the file of __CHAT_ID_FILE",
                new=new,
            ),
        )
    kind = AnswerKind.AGAIN if status >= 500 else AnswerKind.BAD_REQUEST if status == 400 else AnswerKind.REFUSED
    said = _said(data.get("description"))
    words = f" ({said})" if said else ""
    return TelegramAnswer(
        kind=kind,
        status=status,
        reason=message("Telegram: {status}{words}{advice}", status=status, words=words, advice=_advice(status, url)),
    )


def _advice(status: int, url: str) -> str:
    if 300 <= status < 400:
        return message(
            "; {url} redirects, which is not followed: set PREFLIGHT_TELEGRAM__URL to the server itself", url=url
        )
    return {
        400: message("; check PREFLIGHT_TELEGRAM__CHAT_ID: the bot must have been added to that chat"),
        401: message("; the token is wrong or was revoked: ask @BotFather for a new one"),
        403: message("; the bot may not write there: add it to the chat, or start it there, and let it write"),
        404: message("; no such bot at {url}: check PREFLIGHT_TELEGRAM__TOKEN and __URL", url=url),
    }.get(status, "")


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _said(description: object) -> str:
    return _NOT_TEXT.sub(" ", description)[:_MAX_DESCRIPTION] if isinstance(description, str) else ""


def _known(result: object) -> dict[str, str | int]:
    """Pick what is told to a person; the rest, the chat's id among it, is nobody's business."""
    if not isinstance(result, dict):
        return {}
    found: dict[str, str | int] = {}
    number, chat = result.get("message_id"), result.get("chat")
    if isinstance(number, int):
        found["message_id"] = number
    if isinstance(chat, dict):
        names = (chat.get(key) for key in ("title", "username", "type"))
        found["chat"] = next((_said(name) for name in names if isinstance(name, str) and name), "")
    return found


def _migrated(parameters: object) -> int | None:
    """Read the id under which a group goes on. It is not known to be a secret yet, and is what has to be written."""
    new = parameters.get("migrate_to_chat_id") if isinstance(parameters, dict) else None
    return new if isinstance(new, int) and not isinstance(new, bool) else None


def _seconds(parameters: object) -> float | None:
    value = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        return None
    return float(min(value, 10**6))
