"""Known secret values are taken out of whatever enters a bundle.

A secret seldom appears as typed: a URL quotes it, an ``Authorization`` header wraps it in base64, JUnit
escapes it for XML, a report log for JSON, an assertion shows its ``repr``. Every such form is computed
beforehand and replaced by ``***``, also where lines are folded in the middle of it.
"""

from __future__ import annotations

import base64
import html
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

#: What stands in place of a secret. Shorter than any form it replaces, so that each replacement shortens
#: the data and repeating until nothing is found must end.
MARK = b"***"
#: Characters. A shorter value cannot be told from ordinary text.
SHORTEST_SECRET = 4
#: Characters. A line of a many-line secret (a PEM key) from this length on counts as a secret of its own,
#: because logs indent and prefix lines.
SHORTEST_LINE = 16
# Characters of base64 that name a secret inside a longer encoded text; fewer would match by accident.
_SHORTEST_BASE64 = 6
_ASCII = 0x80
# Which characters `quote` leaves alone: none, the default, and those that requests keeps in a URL.
_SAFE_IN_URLS = ("", "/", "!$&'()*+,;=:@/", "!#$%&'()*+,/:;=?@[]~")


# How a line ends and the next one begins, real or escaped for JSON: indented, quoted by pytest, or with what
# `docker compose logs` and loggers put in front.
_LINE_END = rb"(?:\r?\n|(?:\\r)?\\n)"
_BREAKS = (
    re.compile(_LINE_END + rb"(?:E(?= ))?[ \t]*"),
    re.compile(_LINE_END + rb"(?:[\w.-]+ *\| ?)?(?:\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?)?[ \t]*"),
)
# Bytes. A shorter form may come about by accident where a line ends.
_SHORTEST_SPLIT = 8
# Bytes. Of a longer run its beginning will do, which more forms have in common.
_LONGEST_RUN = 8


class _Unfolded:
    """Text without its line breaks, and the way back into the text with them."""

    def __init__(self, data: bytes, breaks: re.Pattern[bytes]) -> None:
        self._starts = [0]  # of each piece, without breaks
        self._origins = [0]  # of each piece, in `data`
        pieces, length, end = [], 0, 0
        for found in breaks.finditer(data):
            pieces.append(data[end : found.start()])
            length += found.start() - end
            end = found.end()
            self._starts.append(length)
            self._origins.append(end)
        self.text = b"".join([*pieces, data[end:]])
        self.pieces = len(self._starts)

    def origin(self, place: int) -> int:
        """Return where a byte of `text` stands in the data."""
        piece = bisect_right(self._starts, place) - 1
        return self._origins[piece] + place - self._starts[piece]


class Redactor:
    """The secret values known so far, and the means to take them out of text, bytes and documents."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: dict[bytes, tuple[bytes, ...]] = {}  # by the run of letters or digits that each of them contains
        for secret in secrets:
            self.know(secret)

    def know(self, secret: str) -> None:
        """Add a secret value.

        Raises:
            ValueError: the value is shorter than `SHORTEST_SECRET`; the value itself is not in the text.
        """
        if len(secret) < SHORTEST_SECRET:
            message = (
                f"a secret of {len(secret)} characters cannot be told from ordinary text: "
                f"use one of at least {SHORTEST_SECRET}"
            )
            raise ValueError(message)
        values = [secret, *(line for line in secret.splitlines() if len(line) >= SHORTEST_LINE)]
        known = {form for same in self._forms.values() for form in same}
        self._forms = _by_run(known.union(*(forms(value) for value in values)))

    def found_in(self, data: bytes) -> bool:
        """Say whether any form of any known secret stands in `data`, on one line or split over several."""
        return any(form in data for form in self._possible(data)) or any(self._split_in(data))

    def _possible(self, data: bytes) -> list[bytes]:
        """Give the forms that may stand in `data`, longest first: a form that contains another goes as a whole.

        Most strings hold no secret, and of one that holds some only that one's forms need be looked for.
        """
        found = [form for run, same in self._forms.items() if run in data for form in same]
        return sorted(found, key=lambda form: (-len(form), form))

    def redact(self, data: bytes) -> bytes:
        """Return `data` with every form of every known secret replaced by `MARK`."""
        while self.found_in(data):  # what is left and right of a replaced form may make up another one
            for form in self._possible(data):
                data = data.replace(form, MARK)
            data = _masked(data, self._split_in(data))
        return data

    def _split_in(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Find forms that are split over lines: where each begins and ends in `data`."""
        for breaks in _BREAKS if self._forms else ():
            unfolded = _Unfolded(data, breaks)
            if unfolded.pieces == 1:
                continue
            for form in self._possible(unfolded.text):
                if len(form) < _SHORTEST_SPLIT:
                    break  # the longest come first
                place = unfolded.text.find(form)
                while place >= 0:
                    yield unfolded.origin(place), unfolded.origin(place + len(form) - 1) + 1
                    place = unfolded.text.find(form, place + len(form))

    def redact_text(self, text: str) -> str:
        """Return `text` with every form of every known secret replaced."""
        return self.redact(to_bytes(text)).decode("utf-8", "replace")

    def redact_tree(self, document: object) -> object:
        """Return a copy of a JSON-like document with its strings, keys included, redacted."""
        if isinstance(document, str):
            return self.redact_text(document)
        if isinstance(document, dict):
            return {self.redact_tree(key): self.redact_tree(value) for key, value in document.items()}
        if isinstance(document, list | tuple):
            return [self.redact_tree(value) for value in document]
        return document


def _by_run(every: Iterable[bytes]) -> dict[bytes, tuple[bytes, ...]]:
    """Sort forms by a run of letters and digits that they contain; where a run is not, none of its forms is."""
    found: dict[bytes, list[bytes]] = {}
    for form in sorted(every, key=lambda form: (len(form), form)):
        run = next((run for run in found if run in form), None)
        if run is None:
            run = max((*re.findall(rb"[0-9A-Za-z]{4,}", form), b""), key=len)[:_LONGEST_RUN] or form
        found.setdefault(run, []).append(form)
    return {run: tuple(same) for run, same in found.items()}


def _masked(data: bytes, places: Iterable[tuple[int, int]]) -> bytes:
    """Replace places, which may overlap, by `MARK`."""
    kept, end = [], 0
    for start, stop in sorted(places):
        if start >= end:
            kept += [data[end:start], MARK]
        end = max(end, stop)
    return b"".join([*kept, data[end:]])


def to_bytes(text: str) -> bytes:
    """Encode as UTF-8; a lone surrogate, which a captured output may hold, is written as an escape."""
    return text.encode("utf-8", "backslashreplace")


def forms(secret: str) -> frozenset[bytes]:
    """Every spelling of `secret` that is looked for, each longer than `MARK`.

    Text escapes (URL, JSON, XML, `repr`) are applied up to twice, since a JSON document inside a JSON
    string is common; base64 and hexadecimal once, and then escaped once.
    """
    once = _spread([secret])
    written = _spread(once)
    for text in once:
        data = to_bytes(text)
        packed = {data.hex(), data.hex().upper(), *_base64_pieces(data)}
        written |= _spread(packed)
    return frozenset(to_bytes(text) for text in written if len(to_bytes(text)) > len(MARK))


def _spread(texts: Iterable[str]) -> set[str]:
    """The texts and every single escape of each."""
    return {spelling for text in texts for spelling in (text, *_escapes(text))}


def _escapes(text: str) -> set[str]:
    plain, ascii_only = (json.dumps(text, ensure_ascii=flag)[1:-1] for flag in (False, True))
    spellings = {plain, ascii_only, plain.replace("/", "\\/"), ascii_only.replace("/", "\\/")}
    spellings |= _reprs(text) | _xml(text)
    quoted = {quote(text, safe=safe, errors="backslashreplace") for safe in _SAFE_IN_URLS}
    quoted |= {quote_plus(text, errors="backslashreplace"), _percent(text)}
    return spellings | quoted | {_lower_hex(spelling) for spelling in quoted}


def _percent(text: str) -> str:
    """Percent encoding as strict tools write it: everything but letters and digits."""
    return "".join(chr(byte) if chr(byte).isalnum() and byte < _ASCII else f"%{byte:02X}" for byte in to_bytes(text))


def _lower_hex(quoted: str) -> str:
    """The same percent encoding with small hexadecimal letters."""
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)


def _reprs(text: str) -> set[str]:
    """What `repr` and `ascii` make of the text, whichever quote its neighbours make Python choose."""
    spellings = {repr(text.encode("utf-8", "backslashreplace"))[2:-1]}
    for show in (repr, ascii):
        # With a double quote added Python encloses in single quotes and leaves double ones alone.
        body = show('"' + text)[2:-1]
        spellings |= {body, body.replace("\\'", "'")}
    return spellings


def _xml(text: str) -> set[str]:
    """Text and attribute spellings, by html.escape, saxutils and ElementTree."""
    text_node = html.escape(text, quote=False)
    quoted = text_node.replace('"', "&quot;")
    spellings = {text_node, quoted, *(quoted.replace("'", entity) for entity in ("&#x27;", "&#39;", "&apos;"))}
    for tab in ("&#09;", "&#9;"):  # ElementTree's and saxutils'
        spellings |= {one.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", tab) for one in tuple(spellings)}
    return spellings


def _base64_pieces(data: bytes) -> set[str]:
    """What base64 shows of `data` wherever it starts inside a longer text, as in ``user:password``.

    Only the characters that `data` alone decides are kept: its first and last ones share bits with the
    neighbours.
    """
    pieces = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            whole = encode(b"\0" * offset + data).decode("ascii").rstrip("=")
            first = (0, 2, 3)[offset]
            last = len(whole) if (offset + len(data)) % 3 == 0 else len(whole) - 1
            if last - first >= _SHORTEST_BASE64:
                pieces.add(whole[first:last])
        pieces.add(encode(data).decode("ascii"))
    return pieces
