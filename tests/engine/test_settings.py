from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.reference import settings_shown
from engine.settings import load, variables


def refusal() -> str:
    with pytest.raises(ConfigError) as caught:
        load()
    return str(caught.value)


def test_defaults_are_safe() -> None:
    """Without any setting it is paper, read-only, on loopback, with both limits set."""
    settings = load()
    assert (settings.mode, settings.read_only, settings.metrics_host) == ("paper", True, "127.0.0.1")
    assert settings.daily_loss_limit_krw > 0
    assert settings.order_notional_krw <= settings.max_order_notional_krw


def test_variables_reach_their_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain, nested and comma-separated variables are read."""
    monkeypatch.setenv("ENGINE_SYMBOLS", " BTC, ETH ")
    monkeypatch.setenv("ENGINE_REDIS__PORT", "6380")
    monkeypatch.setenv("ENGINE_READ_ONLY", "false")
    monkeypatch.setenv("ENGINE_FEES_BPS__UPBIT", "4")
    settings = load()
    assert settings.symbols == ("BTC", "ETH")
    assert settings.redis.port == 6380
    assert settings.redis.host == "127.0.0.1"
    assert not settings.read_only
    assert (settings.fees_bps.upbit, settings.fees_bps.binance) == (4, 10)


def test_an_empty_variable_is_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose passes unset variables as empty ones: they mean the default, for READ_ONLY the safe one."""
    for name in variables():
        monkeypatch.setenv(name, "")
    assert load().read_only is True


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ENGINE_MODE", "live", "ENGINE_MODE='live' is refused: should be 'paper'. It means: Only paper"),
        ("ENGINE_READ_ONLY", "perhaps", "ENGINE_READ_ONLY='perhaps' is refused"),
        ("ENGINE_METRICS_PORT", "0", "ENGINE_METRICS_PORT='0' is refused"),
        ("ENGINE_SYMBOLS", "BTC,eth", "ENGINE_SYMBOLS='BTC,eth' is refused"),
        ("ENGINE_SYMBOLS", "BTC,BTC", "BTC stands there more than once"),
        ("ENGINE_SYMBOLS", ",".join("ABCDEFGHIJK"), "at most 10"),
        ("ENGINE_FX_SOURCES", "upbit,moon", "ENGINE_FX_SOURCES='upbit,moon' is refused"),
        ("ENGINE_DAILY_LOSS_LIMIT_KRW", "nan", "ENGINE_DAILY_LOSS_LIMIT_KRW='nan' is refused"),
        ("ENGINE_DAILY_LOSS_LIMIT_KRW", "inf", "ENGINE_DAILY_LOSS_LIMIT_KRW='inf' is refused"),
        ("ENGINE_DAILY_LOSS_LIMIT_KRW", "0", "ENGINE_DAILY_LOSS_LIMIT_KRW='0' is refused"),
        ("ENGINE_INTERVAL_SECONDS", "soon", "ENGINE_INTERVAL_SECONDS='soon' is refused"),
        ("ENGINE_REDIS__PORT", "x", "ENGINE_REDIS__PORT='x' is refused"),
        ("ENGINE_ORDER_NOTIONAL_KRW", "1e9", "ENGINE_ORDER_NOTIONAL_KRW is above ENGINE_MAX_ORDER_NOTIONAL_KRW"),
        ("ENGINE_MAX_QUOTE_AGE_SECONDS", "0.4", "every quote is stale"),
        ("ENGINE_KILL_SWITCH_KEY", "arbitrage:engine:heartbeat", "the same key"),
        ("ENGINE_REDIS__PASSWORD_FILE", "/no/such/file", "PASSWORD_FILE /no/such/file cannot be read"),
        ("ENGINE_DAILY_LOSS_LIMITS", "5", "ENGINE_DAILY_LOSS_LIMITS: unknown setting"),
        ("ENGINE_REDIS", '{"port": 1}', "ENGINE_REDIS: unknown setting"),
        ("engine_typo", "1", "engine_typo: unknown setting"),
    ],
)
def test_each_bad_value_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str) -> None:
    """A wrong setting names its variable, what was given and what it means, on one line."""
    monkeypatch.setenv(name, value)
    text = refusal()
    assert says in text
    assert "\n" not in text


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mistakes are two lines, so they are mended in one go."""
    monkeypatch.setenv("ENGINE_METRICS_PORT", "x")
    monkeypatch.setenv("ENGINE_INTERVAL_SECONDS", "x")
    assert len(refusal().splitlines()) == 2


def test_variables_of_compose_are_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ENGINE_* name the compose file asks for may stand in the environment of an engine too."""
    text = (Path(__file__).parents[2] / "docker" / "docker-compose.yml").read_text(encoding="utf-8")
    asked = {*re.findall(r"\$\{(ENGINE_\w+)", text)} - {*variables()}
    assert {"ENGINE_IMAGE", "ENGINE_PORT", "ENGINE_ENV_FILE", "ENGINE_HEALTH_PATH"} <= asked
    for name in asked:
        monkeypatch.setenv(name, "x")
    assert load().read_only


def test_a_password_comes_from_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file's one line is the password, with or without a line end."""
    path = tmp_path / "password"
    path.write_text("made-up secret\n", encoding="utf-8")
    monkeypatch.setenv("ENGINE_POSTGRES__PASSWORD_FILE", str(path))
    settings = load()
    assert settings.postgres.password is not None
    assert settings.postgres.password.get_secret_value() == "made-up secret"
    assert settings.secrets == ("made-up secret",)


@pytest.mark.parametrize("content", ["", "\n", "one\ntwo\n"], ids=["empty", "blank", "two lines"])
def test_a_password_file_without_one_password_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    """An empty secret file must not mean 'no password'."""
    path = tmp_path / "password"
    path.write_text(content, encoding="utf-8")
    monkeypatch.setenv("ENGINE_REDIS__PASSWORD_FILE", str(path))
    assert "must hold exactly one line" in refusal()


def test_two_passwords_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Password and password file together leave open which is meant."""
    path = tmp_path / "password"
    path.write_text("one", encoding="utf-8")
    monkeypatch.setenv("ENGINE_REDIS__PASSWORD_FILE", str(path))
    monkeypatch.setenv("ENGINE_REDIS__PASSWORD", "hunter2")
    assert "both set" in refusal()
    assert "hunter2" not in refusal()


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the effective settings nor their repr, nor a refusal of something else, show a password."""
    monkeypatch.setenv("ENGINE_REDIS__PASSWORD", "hunter2")
    settings = load()
    assert "hunter2" not in settings_shown(settings) + repr(settings)
    assert "ENGINE_REDIS__PASSWORD=***" in settings_shown(settings)
    monkeypatch.setenv("ENGINE_REDIS__PORT", "x")
    assert "hunter2" not in refusal()


def test_every_setting_has_a_description() -> None:
    """What --help and the docs are made of is complete."""
    assert [name for name, info in variables().items() if not info.description] == []
