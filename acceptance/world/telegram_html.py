"""Reads Telegram's HTML as Telegram does: a text that it could not parse is refused."""

from __future__ import annotations

import html
import re

_TAGS = frozenset({"b", "strong", "i", "em", "u", "s", "code", "pre", "a"})
_TOKEN = re.compile(r"<(/?)([a-z]+)[^<>]*>|<|&(lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);|&", re.DOTALL)


def parse_html(text: str) -> str | None:
    """Give the text of Telegram's HTML, or None where Telegram could not parse it."""
    opened: list[str] = []
    plain: list[str] = []
    end = 0
    for match in _TOKEN.finditer(text):
        plain.append(text[end : match.start()])
        end = match.end()
        closing, tag, entity = match[1], match[2], match[3]
        if entity is not None:
            plain.append(html.unescape(match[0]))
        elif tag is None or tag not in _TAGS:
            return None
        elif not closing:
            opened.append(tag)
        elif not opened or opened.pop() != tag:
            return None
    plain.append(text[end:])
    return None if opened else "".join(plain)
