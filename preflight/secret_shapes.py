"""What is a secret by its look, whatever setting, library or server it came from.

A server may send anything of any length: once the beginning of a shape is found it ends somewhere, at the latest with
the line, so that each text is gone through once, and a secret whose quotation was cut off goes as well.
"""

from __future__ import annotations

import re

MASK = "[secret]"

# What a secret is called, perhaps as the end of a longer name: PGPASSWORD, OK-ACCESS-PASSPHRASE, awsSecretAccessKey.
# Its first letter is looked at before all names are tried: half the time of a text.
_NAME = (
    r"(?=[aclmprst])(?:passwords?|passwd|passphrase|(?<!\$)pwd|requirepass|masterauth|rediscli_auth|(?:api|access|secret|private|listen|signing)[-_]?key(?:[-_]?id)?|(?:api|client)[-_]?secret"
    r"|(?<![a-z])(?:secret|sign|signature)|token)"
)
# What only HTTP calls so: OK-ACCESS-SIGN, X-MBX-APIKEY, X-COINONE-PAYLOAD. No sentence has it before a colon.
_HEADER = (
    r"(?<![\w-])(?:(?:x|api|access|[a-z]{2,12}-(?:access|api))-(?:[\w-]{0,30}?(?<![a-z]))?"
    r"(?:(?:api-?)?key(?:-?id)?|sign|signature|passphrase|secret|token|payload)|(?:proxy-)?authorization|requirepass|masterauth)"
)
_QUOTE = r"\\{0,7}[\"']"  # of JSON in JSON, too
_SCHEME = r"(?:basic|bearer|token|digest|hmac|aws4-hmac-sha256|negotiate)"


def _quoted(group: str) -> str:
    """Match a value with its quotation marks, however these are escaped; to the end of the line where none closes.

    Two backslashes before a mark are the end of a value, or in a repr of JSON a mark in it: what follows tells.
    """
    whole = "|".join(
        rf"{mark}(?:\\{{2}}{mark}(?![\s,:}}\])\"']|$)|\\.|[^{mark}\\\n])*(?:{mark}|\\?$)" for mark in "\"'"
    )
    return rf"(?!''|\"\")[beru]?(?:{whole}|(?P<{group}>\\{{1,7}}[\"']).*?(?:(?<!\\)(?P={group})|$))"


# Ends where the next part of a DSN, a query or a repr begins, and not at a mark between two letters, as in it's.
_BARE = (
    r"(?!(?:true|false|null|none)\b|\.{3})[^\s'\"`&;,{\[(<\\]"
    r"(?:[^\s'\"&;,]|[\"'](?=\w)|[;,](?![\s'\"=;,&]|$|[\w.-]{1,40}=))*"
)
# What no sentence has as a word: letters with digits or signs, or small letters before capital ones.
_NO_WORD = (
    r"(?-i:(?=[^\s'\"]{0,200}?[A-Za-z])(?=[^\s'\"]{0,200}?(?:\d|[a-z][A-Z]|[+=]))(?![^\s]{0,200}?[/_]))"
    r"[^\s'\"&;,{\[(<\\][^\s'\"&;,]{5,}"
)


def _value(group: str) -> str:
    return rf"(?:{_quoted(group)}|{_BARE})"


def _shape(kept: str, secret: str, after: str = "") -> tuple[re.Pattern[str], str]:
    """Compile what stays before, what goes, and what stays after."""
    pattern = re.compile(rf"(?P<kept>{kept}){secret}(?P<after>{after})", re.IGNORECASE | re.MULTILINE)
    return pattern, rf"\g<kept>{MASK}\g<after>"


SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A private key, also as one line of a .env file.
    _shape("", r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)"),
    # The password of a URL, up to the last @, or all before it; a path that was meant as a URL has lost a slash.
    _shape(r"[a-z]:/{1,2}(?:[^\s'\"<>:@/]{0,100}:)?", r"[^\s'\"<>]{1,1000}", "@"),
    # With blanks or quotation marks in it. What begins as a port does is none.
    _shape(r"[a-z]://[^\s'\"<>:@/]{0,100}:", r"(?!\s|\d{1,5}(?:\W|$))[^\n/@]{1,200}", "@"),
    # NAME=value, and {"NAME": value}.
    _shape(rf"{_NAME}(?:\s{{0,9}}(?:=|%3D)\s{{0,9}}|{_QUOTE}\s{{0,9}}:\s{{0,9}})", _value("quote")),
    # A header: with its scheme, by itself, or as a pair: ('NAME', 'value').
    _shape(rf"authorization\W{{1,12}}{_SCHEME}\s{{1,9}}", r"[^\s'\"\\]+"),
    _shape(
        rf"{_HEADER}(?:\s{{0,9}}[:=]\s{{0,9}}|{_QUOTE}\s{{0,9}}[:,]\s{{0,9}})",
        rf"(?!{_QUOTE}?{_SCHEME}\s)" + _value("quote"),
    ),
    _shape(rf"\b{_SCHEME}\s{{1,9}}", rf"(?={_NO_WORD})[\w.~+/=-]{{8,}}"),
    # NAME: value as YAML has it, and NAME value as an argument; sentences have the same, and go on with a word.
    _shape(rf"{_NAME}(?::\s{{1,9}}|\s{{1,9}})", _NO_WORD),
    _shape(r"\bredis-cli\s(?:[^\n]{0,200}?\s)?-a\s{1,9}", r"\S+"),
    # redis.conf, its command line, its MONITOR; a role in SQL.
    _shape(
        r"(?:(?:^|[\"']|\\n)\s{0,9}|\bset\s{1,9}|--)(?:requirepass|masterauth)\s{1,9}",
        r"[^\s'\"\\]+(?=\s{0,9}(?:$|\\|[\"']))",
    ),
    _shape(
        rf"(?:\bpassword|(?:^|\bset\s{{1,9}}|--)(?:requirepass|masterauth)|{_QUOTE}(?:auth|requirepass|masterauth){_QUOTE})"
        r"\s{1,9}",
        rf"{_quoted('one')}(?:\s{_quoted('two')})?",
    ),
    _shape("", r"\beyJ[\w-]{8,1000}\.[\w-]{8,4000}\.[\w-]{0,1000}"),  # JWT, as Upbit takes it
    _shape("", r"(?<!\d)\d{6,12}:[\w-]{30,60}"),  # a Telegram bot's token
    _shape("", r"\b(?-i:A(?:KIA|SIA|GPA|IDA|ROA)[A-Z0-9]{16}|gh[opsur]_\w{36,}|xox[abprs]-[\w-]{10,}|sk-[\w-]{20,})\b"),
)
