"""What Telegram says of a chat and of the bot in it, and whether a message would be taken."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.alerts.chat_rights import write_right

GROUP, CLOSED = {"type": "supergroup"}, {"type": "supergroup", "permissions": {"can_send_messages": False}}
OPEN = {"type": "supergroup", "permissions": {"can_send_messages": True}}
CHANNEL, FORUM = {"type": "channel"}, {"type": "supergroup", "is_forum": True}


@pytest.mark.parametrize(
    ("chat", "member", "denied", "doubt"),
    [
        ({"type": "private"}, {}, "", ""),
        (GROUP, {"status": "member"}, "", ""),
        (OPEN, {"status": "member"}, "", ""),
        (GROUP, {"status": "left"}, "not in the chat", ""),
        (GROUP, {"status": "kicked"}, "not in the chat", ""),
        (GROUP, {"status": "restricted", "can_send_messages": False}, "restricted", ""),
        (GROUP, {"status": "restricted"}, "restricted", ""),
        (GROUP, {"status": "restricted", "can_send_messages": True}, "", ""),
        (CLOSED, {"status": "member"}, "may not send messages", ""),
        (CLOSED, {"status": "administrator"}, "", ""),
        (CHANNEL, {"status": "administrator", "can_post_messages": True}, "", ""),
        (CHANNEL, {"status": "administrator", "can_post_messages": False}, "may not post", ""),
        (CHANNEL, {"status": "member"}, "may not post", ""),
        (CHANNEL, {"status": "creator"}, "", ""),
        (FORUM, {"status": "member"}, "", "closed one is refused"),
        (FORUM, {"status": "administrator"}, "", "closed one is refused"),
        (FORUM, {"status": "administrator", "can_manage_topics": True}, "", ""),
        (GROUP, {}, "", "not known to be a member"),
        (GROUP, {"status": "owner-of-the-future"}, "", "not known to be a member"),
        ({}, {"status": "member"}, "", ""),
        ({"type": "supergroup", "permissions": "all"}, {"status": "member"}, "", ""),
    ],
)
def test_x5_the_right_to_write(chat: dict[str, Any], member: dict[str, Any], denied: str, doubt: str) -> None:
    """A right that is not there is said; one that cannot be determined is a doubt, never a yes."""
    right = write_right(chat, member)

    assert (denied in right.denied, bool(right.denied)) == (True, bool(denied))
    assert (doubt in right.doubt, bool(right.doubt)) == (True, bool(doubt))
