"""What an exchange's refusal says: its code and its own words, in whatever shape its body has. Pure.

Each exchange has a shape of its own: `{"code", "msg"}`, `{"error": {"name", "message"}}`, `{"error": ["EAPI:..."]}`,
`{"status": "error", "err-msg"}`, `{"reason": {"__all__": [...]}}`, `["error", 10100, "..."]`, a web page, plain text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from preflight.exchange.kinds import ExchangeAnswer
from preflight.redaction import scrub

_LONGEST_REFUSAL = 65_536  # characters; a body beyond that is data, and is not looked into
_MOST_VALUES = 1_000  # of a body that are looked at
_DEEPEST = 8  # levels of it
_LONGEST_PIECE = 4_096  # characters of one text, before secrets are taken out of it
_MAX_TEXT = 300  # characters of an exchange's own words that are worth repeating
_MAX_CODE = 40
_ERRORS = frozenset({"error", "errors", "err", "errorresponse"})  # names of what holds an error's own object
_CODES = ("code", "retcode", "errorcode", "errcode", "errno", "label")  # best first
_WORDS = re.compile(r"(message|msg|description|desc|details?|reason|text)$")
_SAYS_NOTHING = frozenset({"", "ok", "success", "successful", "error", "fail", "failed", "failure", "true", "false"})
_FINE = frozenset({"", "0", "200", "0000", "00000", "200000", "ok", "success"})  # codes of an answer that is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refusal in the exchange's own terms; both empty where the answer is none."""

    code: str
    words: str


def read_refusal(last: ExchangeAnswer, secrets: Iterable[str] = ()) -> Refusal:
    """Find the code and the words of an answer.

    Args:
        last: The answer, of any status.
        secrets: What was sent: it is taken out before anything is cut, so that no half of it stays.
    """
    if len(last.text) > _LONGEST_REFUSAL:
        return Refusal(code="", words="")
    known = tuple(secrets)
    try:
        body = json.loads(last.text)
    except (ValueError, RecursionError):
        return Refusal(code="", words=_cut(_plain_words(last), _MAX_TEXT, known))
    pieces = dict.fromkeys(
        " ".join(piece[:_LONGEST_PIECE].split()) for piece in _best(body, refused=last.status >= 400)
    )
    return Refusal(
        code=_cut(_code(body), _MAX_CODE, known),
        words=_cut("; ".join(piece for piece in pieces if piece), _MAX_TEXT, known),
    )


def _cut(text: str, most: int, secrets: tuple[str, ...]) -> str:
    return scrub(text[:_LONGEST_PIECE], secrets)[:most]


def _plain_words(last: ExchangeAnswer) -> str:
    """Return the title of a web page, or a short text that is neither that nor the beginning of JSON."""
    text = last.text.strip()
    if text[:1] == "<":
        title = re.search(r"<title[^>]{0,200}>([^<]{1,300})", text, re.IGNORECASE)
        return "" if title is None else " ".join(title[1].split())
    return "" if text[:1] in {"{", "[", '"'} or len(text) > _MAX_TEXT else " ".join(text.split())


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _code(body: Any) -> str:
    """Return the code: of the object that is the error, else of the whole; `error` itself where it is no object."""
    if isinstance(body, list):  # Bitfinex: ["error", 10100, "apikey: invalid"]
        return str(body[1]) if body[:1] == ["error"] and len(body) > 1 else ""
    if not isinstance(body, dict):
        return ""
    errors = [(one, ("name", *_CODES, "id")) for name in body if _plain(name) in _ERRORS for one in _first(body[name])]
    within = [(one, _CODES) for name in ("data", "result") for one in _first(body.get(name))]  # bitbank has it there
    for holder, names in (*errors, (body, _CODES), *within):
        found = {_plain(name): str(value) for name, value in holder.items() if _is_code(value)}
        if (code := next((found[name] for name in names if found.get(name, "") not in _FINE), "")) != "":
            return code
    status = str(body.get("status"))
    if len(status) == 4 and status.isdecimal() and status not in _FINE:  # Bithumb's old API: "5302"
        return status
    named = body.get("error")
    return str(next((one for one in (named if isinstance(named, list) else [named]) if isinstance(one, str)), ""))


def _is_code(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _first(value: Any) -> Iterator[dict[str, Any]]:
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, dict):
        yield first


def _best(body: Any, *, refused: bool) -> list[str]:
    """Return the texts that are most like words for a person, in the order in which they stand there."""
    ranked: dict[int, list[str]] = {}
    for rank, text in _texts(body, refused=refused):
        if text.strip().lower() not in _SAYS_NOTHING:
            ranked.setdefault(rank, []).append(text)
    return ranked[min(ranked)] if ranked else []


def _texts(body: Any, *, refused: bool) -> Iterator[tuple[int, str]]:
    """Walk through a body, level by level, as far as a refusal goes.

    Yields:
        Rank and text: 0 what is named as words, 1 what is named as an error, 2 any other sentence of a refusal.
    """
    is_error = isinstance(body, list) and body[:1] == ["error"]
    level: list[tuple[int, Any]] = [(0 if is_error else 2, body)]
    seen = 0
    for _ in range(_DEEPEST):
        below: list[tuple[int, Any]] = []
        for rank, value in level:
            seen += 1
            if seen > _MOST_VALUES:
                return
            if isinstance(value, str):
                if rank < 2 or (refused and " " in value.strip()):
                    yield rank, value
            elif isinstance(value, list) and (rank < 2 or refused):
                below += [(rank, inner) for inner in value[:_MOST_VALUES]]
            elif isinstance(value, dict):
                below += [(min(rank, _rank(name)), inner) for name, inner in value.items()]
        # What is no refusal by its status has its words at the top or under what is named as an error.
        level = below if refused else [(rank, value) for rank, value in below if rank < 2]


def _rank(name: str) -> int:
    plain = _plain(name)
    return 0 if _WORDS.search(plain) else 1 if plain in _ERRORS else 2
