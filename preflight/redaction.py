"""Keeps secrets out of every text that leaves the process, by their values and by the shapes that secrets have.

Of what libraries log too: urllib3 writes every URL at DEBUG, and the bot token is in the URL.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import quote

from preflight.secret_shapes import MASK, SHAPES

_LIBRARIES = ("urllib3", "requests", "http", "charset_normalizer", "tenacity")


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without the secrets, also where they are quoted or escaped, and without what looks like one."""
    spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, MASK)
    for shape, instead in SHAPES:
        text = shape.sub(instead, text)
    return text


def _spellings(secret: str) -> tuple[str, ...]:
    raw = secret.encode("utf-8", "surrogatepass")
    with suppress(UnicodeEncodeError):  # a variable that is not UTF-8 comes as surrogates, one for each byte
        raw = secret.encode("utf-8", "surrogateescape")
    return (
        secret,
        *(quote(raw, safe) for safe in ("/", ":", "")),
        secret.encode("ascii", "backslashreplace").decode(),
        repr(raw)[2:-1],
    )


class _Scrubber(logging.Filter):
    """Rewrites records that hold a secret; drops none."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record pass, clean."""
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - a broken log call of a library is not worth an alert
            text = "(a message that could not be formatted)"
        clean = scrub(text, self.secrets)
        if clean != text or record.exc_info or record.exc_text:
            # An exception's text and its traceback can hold the URL too.
            record.msg, record.args, record.exc_info, record.exc_text = clean, None, None, None
        return True


_SCRUBBER = _Scrubber()


def redact_logs(secrets: Iterable[str]) -> None:
    """Have the loggers of the libraries that see a URL clean what they write, from now on.

    To be called after they were imported: a logger's filter does not hold for the loggers below it.
    """
    _SCRUBBER.secrets.update(secret for secret in secrets if secret)
    for name in (*_LIBRARIES, *logging.root.manager.loggerDict):
        if name.split(".")[0] in _LIBRARIES:
            logging.getLogger(name).addFilter(_SCRUBBER)  # adding it again changes nothing
