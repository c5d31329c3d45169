"""Ways in which a secret comes to stand in a file: encodings, and folds over lines."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape, quoteattr

# Ways in which a secret comes to stand in a file, each given the secret and its neighbours.
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda s: s,
    "url": lambda s: quote(s, safe=""),
    "url path": quote,
    "url form": quote_plus,
    "url in lower case": lambda s: "".join(
        c if c.isascii() and c.isalnum() else "".join(f"%{b:02x}" for b in c.encode()) for c in s
    ),
    "json": lambda s: json.dumps(s)[1:-1],
    "json, not only ascii": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "json in json": lambda s: json.dumps(json.dumps(s))[3:-3],
    "json of repr": lambda s: json.dumps(repr(s)[1:-1])[1:-1],
    "repr": lambda s: repr(s)[1:-1],
    "repr of bytes": lambda s: repr(s.encode())[2:-1],
    "xml text": escape,
    "xml attribute": lambda s: quoteattr('"' + s)[7:-1] if "'" in s else escape(s),
    "xml of repr": lambda s: escape(repr(s)[1:-1]),
    "html": html.escape,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 for urls": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "base64 in a url": lambda s: quote_plus(base64.b64encode(s.encode()).decode()),
    "hex": lambda s: s.encode().hex(),
}
FOLDS: dict[str, Callable[[str], str]] = {
    "at a width": lambda text: "\n".join(text[i : i + 9] for i in range(0, len(text), 9)),
    "with indents": lambda text: f"{text[:7]}\n        {text[7:]}",
    "with carriage returns": lambda text: f"{text[:7]}\r\n{text[7:]}",
    "in a document": lambda text: json.dumps(f"{text[:7]}\n  {text[7:]}"),
    "in a container's log": lambda text: f"redis-1  | {text[:7]}\nredis-1  | {text[7:]}",
    "in a log with times": lambda text: f"{text[:7]}\npostgres-1 | 2026-01-02T03:04:05.678Z {text[7:]}",
    "in a failed assertion": lambda text: f"E   {text[:7]}\nE     {text[7:]}",
}
