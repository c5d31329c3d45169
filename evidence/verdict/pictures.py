"""``pictures.json`` against the panels that its pictures were drawn from."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_TITLE: Final = re.compile(r"<dc:title>(.*?)</dc:title>", re.DOTALL)
_WORDS: Final = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)
_TEXTS: Final = 40  # that a picture's description names


def contradictions(drawn: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    """Say which picture is none, is another panel's, or says in words something else than its panel displayed.

    Args:
        drawn: ``pictures.json``; follows its schema.
        document: ``panels.json``; follows its schema.
    """
    parts, pictures = drawn["parts"], drawn["pictures"]
    panels = {panel["picture"]: panel for panel in document["panels"]}
    yield from (f"{name}: is the picture of no panel" for name in sorted(pictures.keys() - panels.keys()))
    for name, numbers in pictures.items():
        if any(number >= len(parts) for number in numbers):
            yield f"{name}: is put together from parts that are not there"
            continue
        if name in panels:
            svg = "".join(parts[number] for number in numbers)
            yield from (f"{name}: {text}" for text in _picture(svg, panels[name]))


def _picture(svg: str, panel: Mapping[str, Any]) -> Iterator[str]:
    title, words = (_found(pattern, svg) for pattern in (_TITLE, _WORDS))
    if title != _one_line(panel["title"]):
        yield f"its title is {title!r}, the panel's is {panel['title']!r}"
    if not panel["displayed"]:
        return
    newest = panel["displayed"][max(panel["displayed"], key=int)]
    texts = [f"{item['title']}: {item['text']}" if item["title"] else item["text"] for item in _seen(newest)]
    said = _one_line(f"Displayed: {', '.join(texts[:_TEXTS]) or 'nothing'}.")
    if said not in words:
        yield f"it does not say {said!r}, which its panel displayed"


def _seen(displayed: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (item for item in displayed["items"] if item["shown"])


def _found(pattern: re.Pattern[str], svg: str) -> str:
    found = pattern.search(svg)
    return "" if found is None else _one_line(html.unescape(found[1]))


def _one_line(text: str) -> str:
    return " ".join(text.split())
