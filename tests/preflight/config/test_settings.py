from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from preflight.config.settings import Settings

MakeSettings = Callable[..., Settings]
CANARY = "hunter2-Canary"


def test_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only env has no default; state goes below XDG_STATE_HOME, or below the home directory."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    settings = Settings.model_validate({"env": "dev"})
    assert settings.ledger == tmp_path / "arbitrage-preflight" / "ledger.sqlite"
    assert settings.spool_dir == tmp_path / "arbitrage-preflight" / "spool"
    assert (settings.textfile_dir, settings.redis.host, settings.redis.port, settings.postgres.port) == (
        None,
        None,
        6379,
        5432,
    )
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    expected = Path("/home/somebody/.local/state/arbitrage-preflight/ledger.sqlite")
    assert Settings.model_validate({"env": "dev"}).ledger == expected
    with pytest.raises(ValidationError, match="env"):
        Settings.model_validate({})


@pytest.mark.parametrize(
    "given",
    [
        {"env": "production"},
        {"env": "LIVE"},
        {"nonsense": 1},
        {"host": "two\nlines"},
        {"host": "h" * 201},
        {"command": ""},
        {"command": "not `typed`"},
        {"redis": {"hots": "x"}},
        {"redis": 5},
        {"redis": {"port": 0}},
        {"redis": {"port": 65536}},
        {"redis": {"port": "many"}},
        {"redis": {"db": -1}},
        {"redis": {"timeout": 0}},
        {"redis": {"timeout": float("nan")}},
        {"redis": {"password": 5}},
        {"redis": {"password_file": 5}},
        {"run_timeout": -1},
        {"run_timeout": "inf"},
        {"run_timeout": 601},
        {"check_timeout": "soon"},
        {"min_free_mb": 0},
        {"textfile_dir": ""},
        {"textfile_dir": "  "},
        {"textfile_dir": "a\0b"},
        {"textfile_dir": 5},
        {"ledger": ""},
        {"ledger": "~nobody-of-this-name/x"},
        {"ledger": "/same", "spool_dir": "/same"},
        {"required_keys": [" "]},
        {"clock": {"warn_ms": "inf"}},
        {"clock": {"fail_ms": "inf"}},
        {"clock": {"fail_ms": "nan"}},
        {"clock": {"fail_ms": 5001}},
        {"clock": {"warn_ms": 5000, "fail_ms": 1}},
        {"clock": {"warn_ms": 1001}},
        {"git": {"max_file_mb": "inf"}},
        {"git": {"max_file_mb": 101}},
        {"positions": {"open_values": [""]}},
        {"positions": {"open_values": [" "]}},
        {"positions": {"open_values": ["open", ""]}},
        {"positions": {"open_values": " , "}},
        {"positions": {"open_values": []}},
        {"positions": {"closed_values": [" "]}},
        {"positions": {"open_values": ["Open"], "closed_values": "closed, OPEN"}},
        {"exchanges": {"upbit": {"symbols": [" "]}}},
    ],
    ids=str,
)
def test_refused(given: dict[str, Any], make_settings: MakeSettings) -> None:
    """An unknown key, a wrong type, a value out of range and a path that is none are refused, never guessed."""
    with pytest.raises(ValidationError):
        make_settings(**given)


def test_paths_are_absolute(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Paths mean the same wherever the gate goes: `~` and relative ones are resolved once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    settings = make_settings(textfile_dir="metrics", ledger="~/ledger.sqlite")
    assert settings.textfile_dir == tmp_path / "metrics"
    assert settings.ledger == Path("/home/somebody/ledger.sqlite")


def test_required_keys_by_commas(make_settings: MakeSettings) -> None:
    """A variable can hold a list: commas part it, blanks and empty parts do not count."""
    assert make_settings(required_keys="A, B,,C ,").required_keys == ("A", "B", "C")
    assert make_settings(required_keys=["A", "B"]).required_keys == ("A", "B")


def test_password_file(make_settings: MakeSettings, tmp_path: Path) -> None:
    """A password can stand in a file of its own; the newline at its end is not part of it, blanks are."""
    file = tmp_path / "secret"
    file.write_text(f" {CANARY} \r\n", encoding="utf-8")
    password = make_settings(redis={"host": "h", "password_file": str(file)}).redis.password
    assert password is not None
    assert password.get_secret_value() == f" {CANARY} "


@pytest.mark.parametrize(
    ("content", "given", "told"),
    [
        (None, {}, "cannot be read: No such file or directory"),
        (b"", {}, "is empty"),
        (b"\r\n\n", {}, "is empty"),
        (b"\xff\xfe", {}, "cannot be read: not UTF-8 text"),
        (b"a", {"password": CANARY}, "password and password_file are both set"),
    ],
    ids=["missing", "empty", "only-newlines", "not-text", "both"],
)
def test_bad_password_file(
    content: bytes | None, given: dict[str, str], told: str, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """A password file that gives no password is an error that says why, without any password in it."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValidationError) as caught:
        make_settings(postgres={"host": "h", "password_file": str(file), **given})
    message = caught.value.errors()[0]["msg"]
    assert told in message
    assert CANARY not in message


def test_secrets_are_known_and_hidden(make_settings: MakeSettings) -> None:
    """Every secret can be asked for, the longest first and none empty; none shows in the settings' own text."""
    settings = make_settings(
        redis={"host": "h", "password": CANARY},
        postgres={"host": "h", "password": f"{CANARY}-longer"},
    )
    assert settings.secret_values() == (f"{CANARY}-longer", CANARY)
    assert CANARY not in f"{settings!r} {settings}"
    assert make_settings(redis={"host": "h", "password": ""}).secret_values() == ()
    assert make_settings().secret_values() == ()


def test_settings_cannot_be_changed(make_settings: MakeSettings) -> None:
    """The configuration of a run is frozen."""
    with pytest.raises(ValidationError, match="frozen"):
        make_settings().env = "live"  # type: ignore[misc, assignment]
