"""G9: what looks like a secret leaves in no text, whatever setting or server it came from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, SecretStr

from preflight.cli import main
from preflight.config.settings import Settings
from preflight.redaction import MASK, scrub

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


@pytest.mark.parametrize(
    "piece",
    [
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
