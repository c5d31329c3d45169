"""What a person reads: an alert as Telegram's HTML and as plain text, in Korean, English or both.

Telegram takes 4096 UTF-16 units. What is too long is cut between characters, so that no entity and no surrogate pair
is broken and every tag is closed; the last line then says how much was left out.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from preflight.alerts.alert import Alert, Severity
from preflight.config.sections import Language
from preflight.language import speaker
from preflight.message import message

LIMIT = 4096  # UTF-16 units, https://core.telegram.org/bots/api#sendmessage
_TAIL_ROOM = 80  # units kept for the line that says how much was left out


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line."""

    text: str  # as it is; escaped when it is written
    tag: str = ""  # b, i or code


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A message in both forms; `plain` is what is sent where Telegram refuses the other."""

    html: str
    plain: str


_ICON = {Severity.P0: "🔴", Severity.P1: "🟡", Severity.P2: "🔵", Severity.P3: "🟢"}
_MARK = {"fail": "✗", "error": "?", "skip": "-", "warn": "!"}

_WORDS = {
    "NO_GO": message("the bot must not go: a check failed"),
    "UNVERIFIED": message("the bot must not go: a required check could not tell"),
    "UNRECORDED": message("the bot must not go: the run could not be recorded"),
    "WARNED": message("the bot must not go: --strict, and there are warnings"),
    "GO": message("the bot may go, with warnings"),
    "late": message("late: it could not be delivered when it happened, at"),
    "time": message("time"),
    "host": message("host"),
    "run": message("run"),
    "report": message("report"),
    "it said": message("it said"),
    "held back": message("warnings held back since the last message"),
    "because": message("because"),
    "despite": message("despite"),
    "left out": message("characters left out"),
    "test": message("this is a test message; nothing is to be done"),
}


def word(name: str, lang: Language) -> str:
    """Return a fixed phrase in the language asked for."""
    return " / ".join(say(_WORDS[name], lang))


def say(text: str, lang: Language) -> tuple[str, ...]:
    """Return a text in the languages asked for; once, where its Korean is the same or not known."""
    if lang is Language.EN:
        return (text,)
    korean = speaker("ko")(text)
    return (korean,) if lang is Language.KO or korean == text else (korean, text)


def moment(at: float) -> str:
    """Give Unix seconds as a person reads them; what no calendar holds is given as a number."""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, OSError, ValueError):
        return f"{at:.0f} s"


def render(alert: Alert, lang: Language, *, late: bool = False) -> Text:
    """Write an alert.

    Args:
        alert: What to say.
        lang: In which language.
        late: It has been waiting: say so, with the time at which it happened.
    """
    return _text(list(_lines(alert, lang, late=late)), lang)


def render_test(env: str, host: str, run_id: str, at: float, lang: Language) -> Text:
    """Write the message of `preflight alerts test`."""
    lines: list[Line] = [
        (Span("🔔 "), Span(f"preflight {env}", "b")),
        (Span(word("test", lang)),),
        *_facts(((("time"), moment(at)), ("host", host), ("run", run_id)), lang),
    ]
    return _text(lines, lang)


def units(text: str) -> int:
    """Count UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _lines(alert: Alert, lang: Language, *, late: bool) -> Iterator[Line]:
    yield Span(f"{_ICON[alert.severity]} "), Span(f"{alert.severity} {alert.verdict} · {alert.env}", "b")
    if alert.verdict in _WORDS:
        yield (Span(word(alert.verdict, lang)),)
    if late:
        yield (Span(f"⏳ {word('late', lang)} {moment(alert.at)}"),)
    # What tells where to look comes before what may be cut.
    facts = [("time", moment(alert.at)), ("host", alert.host), ("run", alert.run_id)]
    if alert.report is not None:
        facts.append(("report", alert.report))
    if alert.held_back:
        facts.append(("held back", str(alert.held_back)))
    yield from _facts(facts, lang)
    for finding in alert.findings:
        summary, *also = say(finding.summary, lang)
        yield (Span(""),)
        yield (
            Span(f"{_MARK.get(finding.status, '?')} "),
            Span(finding.check, "b"),
            Span(f" {finding.status.upper()}: {summary}"),
        )
        yield from ((Span(more),) for more in also)
        if finding.hint:
            yield from ((Span(f"→ {hint}"),) for hint in say(finding.hint, lang))
        if finding.said:
            yield Span(f"{word('it said', lang)}: "), Span(finding.said, "code")
    if alert.reasons:
        yield (Span(""),)
    why = word("despite" if alert.verdict == "GO" else "because", lang)  # a GO's reasons are its warnings
    for reason in alert.reasons:
        yield from ((Span(f"{why}: {said}"),) for said in say(reason, lang))


def _facts(facts: Sequence[tuple[str, str]], lang: Language) -> Iterator[Line]:
    for name, value in facts:
        yield Span(f"{word(name, lang)}: "), Span(value, "code")


def _text(lines: Sequence[Line], lang: Language) -> Text:
    return Text(html=fit(lines, lang, marked=True), plain=fit(lines, lang, marked=False))


def fit(lines: Sequence[Line], lang: Language, *, marked: bool, limit: int = LIMIT) -> str:
    """Write lines within the limit.

    Args:
        lines: What to write.
        lang: Language of the last line, where something is left out.
        marked: Whether as HTML (escaped, with tags) or as plain text.
        limit: UTF-16 units; room for the last line must be in it.
    """
    spans = [span for line in lines for span in (*line, Span("\n"))][:-1]
    whole = "".join(_written(span, marked=marked) for span in spans)
    if units(whole) <= limit:
        return whole
    room = limit - _TAIL_ROOM
    written: list[str] = []
    left = sum(len(span.text) for span in spans)
    for span in spans:
        piece = _as_much(span, room, marked=marked)
        written.append(_written(piece, marked=marked))
        room -= units(written[-1])
        left -= len(piece.text)
        if piece.text != span.text:
            break
    return f"{''.join(written).rstrip()}\n… {left} {word('left out', lang)}"


def _as_much(span: Span, room: int, *, marked: bool) -> Span:
    """Cut a span so that it fits, between two characters."""
    if units(_written(span, marked=marked)) <= room:
        return span
    room -= units(_written(Span("", span.tag), marked=marked))
    end = 0
    for character in span.text:
        room -= units(_escaped(character) if marked else character)
        if room < 0:
            break
        end += 1
    return Span(span.text[:end], span.tag if end else "")


def _written(span: Span, *, marked: bool) -> str:
    if not marked:
        return writable(span.text)
    text = _escaped(span.text)
    return f"<{span.tag}>{text}</{span.tag}>" if span.tag else text


def _escaped(text: str) -> str:
    return html.escape(writable(text), quote=False)


def writable(text: str) -> str:
    """Replace what UTF-8 cannot write, and NUL, which Postgres cannot hold; nothing gets longer or shorter."""
    return "".join("\N{REPLACEMENT CHARACTER}" if c == "\0" or 0xD800 <= ord(c) <= 0xDFFF else c for c in text)
