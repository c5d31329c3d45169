"""What is wrong with the form of a key that was copied: spaces, invisible characters, a PEM that no library can read.

Judges values; never repeats them. An exchange would refuse such a key in words that lead nowhere.
"""

from __future__ import annotations

import re
import unicodedata

from preflight.message import message, template

_NAMED = {
    "\ufeff": message("a byte order mark (BOM, U+FEFF)"),
    "\u200b": message("an invisible character (zero-width space, U+200B)"),
    "\u00a0": message("a space that does not break (U+00A0)"),
    "\r": message("a carriage return: a file with Windows line ends"),
    "\n": message("a line break: more than one line"),
    "\t": message("a tab"),
    " ": message("a space"),
}
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})  # categories: control, format, and every kind of separator
_QUOTES = ("'", '"', "`")
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_PEM_LINES = 3  # begin, body, end


def why_misshapen(value: str, *, spaced: bool = False, pem: bool = False) -> str | None:
    """Return what is wrong with the form of a key, or None where nothing is.

    Args:
        value: What was given. The answer never holds any of it.
        spaced: Whether it may hold spaces and letters of any language inside, as a passphrase may.
        pem: Whether a private key in PEM is welcome.
    """
    if (begin := _BEGIN.search(value)) is not None:
        return _why_no_private_key(value, begin[1]) if pem else message("is a PEM where the name of a key belongs")
    for how, end in ((template("begins with {what}"), value[:1]), (template("ends with {what}"), value[-1:])):
        if end and _is_unseen(end):
            return message(how, what=_name(end))
    if len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES:
        return message("is in quotation marks, which are read as a part of it")
    odd = next((char for char in value if _is_unseen(char) and not (spaced and char == " ")), None)
    if odd is not None:
        return message("holds {what}", what=_name(odd))
    if not spaced and not value.isascii():
        return message("holds a letter that no key has (not ASCII)")
    return None


def _why_no_private_key(value: str, label: str) -> str | None:
    if "ENCRYPTED" in label or "Proc-Type: 4,ENCRYPTED" in value:
        return message(
            "is an encrypted private key, which cannot be unlocked without a person: save it without a passphrase"
        )
    if not label.endswith("PRIVATE KEY"):
        return message("is a PEM, but not a private key")
    if f"-----END {label}-----" not in value:
        return message("is a PEM without its end")
    if len(value.strip().splitlines()) < _PEM_LINES:
        return message("is a PEM on one line: its line breaks are lost; give the file itself, by its _FILE key")
    if re.search("^-----BEGIN", value, re.MULTILINE) is None:
        return message("has something in front of its PEM")
    return None


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN


def _name(char: str) -> str:
    return _NAMED.get(char) or message("an invisible character (U+{code})", code=f"{ord(char):04X}")
