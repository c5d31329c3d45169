"""G9: what looks like a secret leaves in no text, whatever setting or server it came from."""

from __future__ import annotations

import ast
import json
import re
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from preflight.cli import main
from preflight.config.settings import Settings
from preflight.redaction import scrub
from preflight.secret_shapes import MASK

CANARY = "canary-71f0a4"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"redis://:{CANARY}@h:6379/0 refused", f"redis://:{MASK}@h:6379/0 refused"),
        (f"http://u:{CANARY}/x@y@h/", f"http://u:{MASK}@h/"),
        (f'"postgres://u:{CANARY}@h/d"', f'"postgres://u:{MASK}@h/d"'),
        (f"https://{CANARY}@h/", f"https://{MASK}@h/"),
        (f"host=h password={CANARY} user=u", f"host=h password={MASK} user=u"),
        (f"host=h Password = '{CANARY} x' user=u", f"host=h Password = {MASK} user=u"),
        (f"?sslpassword={CANARY}&x=1", f"?sslpassword={MASK}&x=1"),
        (f"PGPASSWORD={CANARY} psql", f"PGPASSWORD={MASK} psql"),
        (f'db_password = "{CANARY} x"', f"db_password = {MASK}"),
        (f'{{"password": "{CANARY}"}}', f'{{"password": {MASK}}}'),
        (f"ALTER ROLE bot PASSWORD '{CANARY} x'", f"ALTER ROLE bot PASSWORD {MASK}"),
        (f"Authorization: Basic {CANARY}", f"Authorization: Basic {MASK}"),
        (f"&signature={CANARY.replace('-', '')}0123456789&a", f"&signature={MASK}&a"),
        (f"Bearer eyJhbGciOiJIUzI1NiJ9.{CANARY}0123456789.sig-nature", f"Bearer {MASK}"),
        (f"bot1234567890:{'A' * 20}{CANARY}/getMe", f"bot{MASK}/getMe"),
        ("mail to a@b.org; see https://example.org/x", "mail to a@b.org; see https://example.org/x"),
        ("password_encryption = scram-sha-256; at 12:30:00", "password_encryption = scram-sha-256; at 12:30:00"),
    ],
)
def test_g9_shapes(text: str, left: str) -> None:
    """Logins of URLs, passwords of DSNs, signatures, JWTs and bot tokens go; what only resembles them stays."""
    assert scrub(text) == left


NAMES = """
password PGPASSWORD REDISCLI_AUTH requirepass masterauth apiKey api_key accessKey signature sign apiSecret secret
access_token PREFLIGHT_TELEGRAM__BOT_TOKEN aws_secret_access_key SecretAccessKey listenKey private_key
"""

HEADERS = """
X-MBX-APIKEY OK-ACCESS-KEY OK-ACCESS-SIGN OK-ACCESS-PASSPHRASE ACCESS-KEY ACCESS-SIGN ACCESS-PASSPHRASE API-Key
API-Sign X-BAPI-SIGN X-BAPI-API-KEY KC-API-KEY KC-API-PASSPHRASE X-COINONE-PAYLOAD X-COINONE-SIGNATURE Authorization
"""

ODD = ("-71f0a4", "", '"71', "'71", "\\71", "\\", " 7 ", ";#$%", ",9", "\u00e9\u20ac", "=+/==")
WRAPPERS: tuple[Callable[[Any], str], ...] = (str, json.dumps, repr, lambda text: repr(str(text).encode()))


@pytest.mark.parametrize("name", [*NAMES.split(), *HEADERS.split()])
def test_g9_named_values(name: str) -> None:
    """What stands under a name that secrets have goes whole, as KEY=VALUE, header, JSON, repr, one in the other."""
    for odd in ODD:
        value = f"canary{odd}canary" if odd else "canary"
        held: list[Any] = [{name: value, "z": 1}, {name.encode(): value.encode()}]
        texts = [wrap(each) for each in held[:1] for wrap in (json.dumps, repr)] + [repr(held[1])]
        if name in HEADERS.split():
            texts += [repr([(name, value)]), json.dumps([[name, value]])]
        if " " not in value:
            texts += [f"{name}={value} x", f"?a=1&{name}={value}&b=2", f"{name}={value}"]
            texts += [f"{name}: {value}\r\nHost: x"] if name in HEADERS.split() else []
        if '"' not in value and not value.endswith("\\"):
            texts += [f'{name}="{value}" x', f'{name}="{value}']  # the second was cut
        for text in texts:
            for left in (scrub(wrap(text)) for wrap in WRAPPERS):
                assert "canary" not in left, (text, left)
                assert scrub(left) == left


@pytest.mark.parametrize("odd", ["'", '"', "<", ">", " ", "#", "?", "%", "\\", "@", ":", "&", ";", "\u00e9", "/"])
def test_g9_logins_of_urls(odd: str) -> None:
    """Whatever characters the password of a URL has, it goes; host, port and path stay."""
    for wrap in WRAPPERS:
        left = scrub(wrap(f"rediss://bot:canary{odd}canary@h.example:6379/0 refused"))
        assert "canary" not in left
        assert "@h.example:6379/0 refused" in left


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Basic dXNlcjpwYXNz",
        "{'Authorization': 'Bearer canary'}",
        "('Authorization', 'Basic dXNlcjpwYXNz')",
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20, Signature=canary",
        "Bearer canary71f0a4x was refused",
        "Basic dXNlcjpwYXNz",
        "the key AKIAIOSFODNN7EXAMPLE",
        "requirepass canary",
        "port 6379\nmasterauth canary\nappendonly yes",
        "CONFIG SET requirepass canary",
        "redis-server --requirepass canary",
        "redis-cli -h cache -a canary ping",
        '1339518083.1 [0 127.0.0.1:6] "AUTH" "default" "canary"',
        '"config" "set" "requirepass" "canary"',
        "['requirepass', 'canary']",
        "PASSWORD E'canary'",
        "password: canary71",
        "--password canary71",
        "password%3Dcanary",
        "-----BEGIN EC PRIVATE KEY-----\\ncanary\\n-----END EC PRIVATE KEY-----\\n",
        "-----BEGIN PRIVATE KEY-----\ncanary",
    ],
)
@pytest.mark.parametrize("wrap", WRAPPERS, ids=["text", "json", "repr", "bytes"])
def test_g9_other_places(text: str, wrap: Callable[[Any], str]) -> None:
    """Schemes of logins, arguments, lines of redis.conf and of MONITOR, keys that know themselves."""
    left = scrub(wrap(text))
    assert MASK in left
    assert not any(secret in left for secret in ("canary", "dXNlcjpwYXNz", "AKIA"))


WORDS = """
a the is in of for not set give refuses Authorization basic bearer token password passphrase secret key API access
signature sign signed requirepass AUTH redis-cli keys tokens secrets 12 6379 5432 Redis PREFLIGHT_REDIS__PASSWORD
docs/verdicts.md api_key_binance https://example.org/x a@b.org 2026-11-28 12:30:00 true 비밀번호 토큰
"""


@given(st.lists(st.tuples(st.sampled_from(WORDS.split()), st.sampled_from([" ", ", ", "; ", ". ", ": ", " (", ") "]))))
def test_g9_sentences_stay(words: list[tuple[str, str]]) -> None:
    """Words about secrets are none, in whatever order and with whatever between them."""
    text = "".join(part for word in words for part in word)
    assert scrub(text) == text


def test_g9_messages_stay() -> None:
    """Nothing that the gate itself says looks like a secret, in either language."""
    catalogue = Path(str(files("preflight") / "locale/ko/LC_MESSAGES/preflight.po")).read_text("utf-8")
    texts = [
        ast.literal_eval(f"({text})") for text in re.findall(r'^msg(?:id|str) ((?:".*"\n)+)', catalogue, re.MULTILINE)
    ]
    assert len(texts) > 1000  # it was read
    assert [text for text in texts if scrub(text) != text] == []


@pytest.mark.parametrize(
    "piece",
    [
        "password=a;",
        'password=\\"',
        "\\",
        "\\'",
        "x-a-",
        "bearer a",
        '"auth" "',
        "-----BEGIN PRIVATE KEY-----",
        "a://b:c ",
        "redis-cli -",
        "aB1+=",
        "://",
        "://a@",
        "password=",
        "password",
        "password' : ",
        "authorization: basic ",
        "eyJaaaaaaaa.",
        "1234567:",
        "a" * 9,
    ],
)
def test_g9_no_text_is_slow(piece: str) -> None:
    """A server may send 300 kB of anything."""
    begun = time.process_time()
    scrub(piece * (300_000 // len(piece)))
    assert time.process_time() - begun < 2


def _texts(model: type[BaseModel], above: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kinds = {field.annotation, *get_args(field.annotation)}
        nested = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if nested is not None:
            yield from _texts(nested, f"{above}{name.upper()}__")
        elif SecretStr not in kinds and not {bool, int, float} & kinds:
            yield f"{above}{name.upper()}"


@pytest.mark.parametrize("value", [f"postgres://u:{CANARY}@h/d", f"host=h password={CANARY}"])
@pytest.mark.parametrize("key", [*_texts(Settings, ""), "EXCHANGES__UPBIT__SYMBOLS", "EXCHANGES__UPBIT__URL"])
def test_g9_no_setting_that_takes_text_lets_it_out(
    key: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither `config` nor a run shows a password that stands where none is meant, refused or not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PREFLIGHT_ENV", "paper")
    monkeypatch.setenv(f"PREFLIGHT_{key}", value)
    for arguments in (["config"], ["config", "--format", "json"], ["--dry-run", "--format", "json"]):
        main(arguments)
        said = capfd.readouterr()
        assert CANARY not in said.out + said.err, said
