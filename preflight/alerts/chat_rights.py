"""Whether a bot may write to a chat, from what Telegram says of both: `getChat` and `getChatMember`. Pure.

`sendChatAction` is answered with ok where a message would be refused: in a closed topic, in a group in which nobody may
write, in a channel whose administrator may not post. https://core.telegram.org/bots/api#chatmember
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preflight.message import message

_IN_CHARGE = frozenset({"creator", "administrator"})
_OUTSIDE = frozenset({"left", "kicked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRight:
    """What is known of the right to write."""

    denied: str = ""  # why a message would be refused; empty where nothing says so
    doubt: str = ""  # why it may be refused, where Telegram does not tell


def is_private(chat: Mapping[str, Any]) -> bool:
    """Tell whether the chat is with one person: it has no members to ask about."""
    return chat.get("type") == "private"


def write_right(chat: Mapping[str, Any], member: Mapping[str, Any]) -> WriteRight:
    """Judge the right to write.

    Args:
        chat: The result of `getChat`.
        member: The result of `getChatMember` for the bot itself; empty for a private chat.
    """
    if is_private(chat):
        return WriteRight()
    status = member.get("status")
    denied = _denied(chat, member)
    if denied:
        return WriteRight(denied=denied)
    if status not in _IN_CHARGE | {"member", "restricted"}:
        return WriteRight(
            doubt=message(
                "Telegram calls the bot {status!r}, which is not known to be a member", status=str(status)[:40]
            )
        )
    manages = status == "creator" or member.get("can_manage_topics") is True
    if chat.get("is_forum") is True and not manages:
        return WriteRight(doubt=message("the group has topics, and a message to a closed one is refused"))
    return WriteRight()


def _denied(chat: Mapping[str, Any], member: Mapping[str, Any]) -> str:
    status, permissions = member.get("status"), chat.get("permissions")
    open_to_members = not (isinstance(permissions, dict) and permissions.get("can_send_messages") is False)
    posts = status == "creator" or (status == "administrator" and member.get("can_post_messages") is True)
    reasons = (
        (status in _OUTSIDE, message("the bot is not in the chat any more")),
        (chat.get("type") == "channel" and not posts, message("the bot may not post in the channel")),
        (
            status == "restricted" and member.get("can_send_messages") is not True,
            message("the bot is restricted: it may not send messages"),
        ),
        (
            status not in _IN_CHARGE and not open_to_members,
            message("members of the group may not send messages, and the bot is not an administrator"),
        ),
    )
    return next((reason for applies, reason in reasons if applies), "")
