"""Telling a secret from what stands in for one in an example file. Judges values; never repeats them."""

from __future__ import annotations

import re
from itertools import pairwise

from preflight.message import message

MIN_LENGTH = 8  # characters; shorter is guessed in no time

# Whatever stands beside one of these words, the value is not a secret: `changeme-please`, `binance_xxxx`.
_STAND_INS = frozenset(
    {"changeme", "changethis", "dummy", "example", "fixme", "insert", "placeholder", "redacted", "replaceme", "todo"}
)
# A value made of nothing but such words is not a secret either: `my-secret-password`, `postgres123`.
_FILLERS = _STAND_INS | frozenset(
    re.findall(
        r"\w+",
        """a access account admin api bot change chat code default demo dev fake foo bar here hidden id in is key
        letmein live me my none null of only paper pass passphrase passwd password please private prod production pw
        qwerty replace root sample sandbox secret set some string telegram test testing testnet the this to token user
        value welcome your arbitrage binance grafana postgres postgresql redis upbit""",
    )
)
_IN_BRACKETS = re.compile(r"<.*>|\$\{.*\}|\$\(.*\)|\{\{.*\}\}|\[.*\]|%.*%|\$[A-Z_][A-Z0-9_]*", re.DOTALL)
# Printed in the Bot API's own pages, and so in many a copy of them.
_PUBLISHED = frozenset({"123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11", "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"})


def why_placeholder(value: str, *, service: str = "", min_length: int = MIN_LENGTH) -> str | None:
    """Return why a value cannot be the secret that it should be, or None where nothing speaks against it.

    Args:
        value: What was given. The answer never holds any of it.
        service: The name of what it is for: that name alone is no secret.
        min_length: Characters it must have; 1 for what is short by nature, such as a chat id.
    """
    text = value.strip()
    words = [word.strip("0123456789") for word in re.split(r"[^a-z0-9]+", text.lower())]
    words = [word for word in words if word]
    reasons = (
        (len(text) < min_length, message("is shorter than {min_length} characters", min_length=min_length)),
        (len(text) > 1 and len(set(text)) == 1, message("is one character over and over")),
        (_IN_BRACKETS.fullmatch(text) is not None, message("is a template that was not filled in")),
        (text in _PUBLISHED, message("is an example out of the documentation")),
        (min_length > 1 and _counts_up(text), message("counts up, such as 12345678")),
        (words[:1] == ["your"], message("begins with `your`")),
        (any(_stands_in(word) for word in words), message("holds a word such as `changeme` or `xxx`")),
        (
            bool(words) and all(_stands_in(word) or word in _FILLERS | {service.lower()} for word in words),
            message("is nothing but words such as `password` or the service's name"),
        ),
    )
    return next((reason for applies, reason in reasons if applies), None)


def why_no_chat_id(value: str) -> str | None:
    """Return why a value cannot be Telegram's id of a chat, or None. An id is no secret: its form is all there is."""
    if re.fullmatch(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,31}", value.strip()):
        return None
    return message("is not a chat id: a number such as -1001234567890, or the @name of a public channel or group")


def _stands_in(word: str) -> bool:
    return word in _STAND_INS or re.fullmatch(r"x{3,}", word) is not None


def _counts_up(text: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return steps in ({1}, {-1}) or text in {"1234567890", "0987654321"}
