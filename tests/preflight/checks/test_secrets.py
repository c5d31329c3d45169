from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.check import Context
from preflight.checks.secrets import SecretsCheck
from preflight.model import Outcome, Status

MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Any]

ONE = "9f86d081884c7d659a2feaa0"
TWO = "60303ae22b998861bce3b28f"
THREE = "fd61a03af4f77d870fc21e05"
SERVERS = {
    "redis": {"host": "127.0.0.1", "password": ONE},
    "postgres": {"host": "127.0.0.1", "user": "bot", "database": "bot", "password": TWO},
}
KEYS = {
    "upbit": {"symbols": "BTC/KRW", "api_key": "u-91aa7f0c33", "secret": "u-5e0bb71d42"},
    "binance": {"symbols": "BTC/USDT", "api_key": "b-91aa7f0c33", "secret": "b-5e0bb71d42"},
}
TELEGRAM = {"token": "8214563297:AAFq0y1mDk3zJ9s8Xb2uQwErTyUiOpLkJhG", "chat_id": "7"}
LIVE = {"env": "live", "telegram": TELEGRAM, "exchanges": KEYS}


def run(make_context: MakeContext, settings: Any, **given: Any) -> Outcome:
    """Run the check; whatever it says, it says no secret."""
    outcome = SecretsCheck().run(make_context(settings=settings, **given))
    said = " ".join((outcome.summary, outcome.hint, outcome.expected, outcome.actual))
    for secret in (ONE, TWO, THREE, *settings.secret_values()):
        assert len(secret) < 8 or secret not in said
    assert outcome.status is Status.PASS or outcome.hint
    return outcome


def test_servers_are_enough_outside_live(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """In paper the two servers' passwords are all that is needed."""
    outcome = run(make_context, make_settings(**SERVERS))
    assert outcome.status is Status.PASS
    assert "no other env here" in outcome.summary


def test_live_needs_all(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """In live every enabled exchange and Telegram must be set as well."""
    assert run(make_context, make_settings(**SERVERS, **LIVE)).status is Status.PASS
    outcome = run(make_context, make_settings(env="live"))
    assert outcome.status is Status.FAIL
    for name in (
        "PREFLIGHT_REDIS__PASSWORD",
        "PREFLIGHT_POSTGRES__PASSWORD",
        "PREFLIGHT_TELEGRAM__TOKEN",
        "PREFLIGHT_TELEGRAM__CHAT_ID",
        "PREFLIGHT_EXCHANGES__UPBIT__API_KEY",
        "PREFLIGHT_EXCHANGES__BINANCE__SECRET",
    ):
        assert name in outcome.summary


def test_g13_a_socket_may_do_without_a_password(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """Behind a Unix socket the server may know us by our user; a placeholder is still none."""
    by_socket = {"redis": {"socket": "/s"}, "postgres": {"socket": "/p", "user": "bot", "database": "bot"}}
    assert run(make_context, make_settings(**by_socket)).status is Status.PASS
    by_socket["redis"]["password"] = "aaaaaaaaaaaa"
    assert run(make_context, make_settings(**by_socket)).status is Status.FAIL


@pytest.mark.parametrize("table", ["redis", "postgres"])
def test_missing_password(table: str, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A server without a password is a FAIL in paper too."""
    given = {**SERVERS, table: {**SERVERS[table], "password": None}}
    outcome = run(make_context, make_settings(**given))
    assert (outcome.status, outcome.summary) == (Status.FAIL, f"not set: PREFLIGHT_{table.upper()}__PASSWORD")


@pytest.mark.parametrize("table", ["redis", "postgres"])
def test_placeholder(table: str, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A placeholder is a FAIL that names the key and why."""
    given = {**SERVERS, table: {**SERVERS[table], "password": "changeme-please"}}
    outcome = run(make_context, make_settings(**given))
    assert outcome.status is Status.FAIL
    assert outcome.summary.startswith(f"PREFLIGHT_{table.upper()}__PASSWORD holds a word such as")


def test_disabled_exchange_needs_no_key(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """An exchange that is switched off needs no keys, and what it holds is not looked at."""
    more = {**KEYS, "kraken": {"enabled": False}}
    assert run(make_context, make_settings(**SERVERS, **{**LIVE, "exchanges": more})).status is Status.PASS


@pytest.mark.parametrize("file", ["paper", "live"])
def test_shared_with_the_other_file(
    file: str, make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """A secret of this run that stands in the other env's file too is a FAIL that names both keys."""
    other = tmp_path / f".env.{file}"
    other.write_text(f"BOT_REDIS_PASSWORD={ONE}\nUPBIT_SECRET_KEY={THREE}\n", encoding="utf-8")
    settings = make_settings(**SERVERS, **(LIVE if file == "paper" else {}))
    outcome = run(make_context, settings)
    here = "live" if file == "paper" else "paper"
    names = {here: "PREFLIGHT_REDIS__PASSWORD", file: "BOT_REDIS_PASSWORD"}
    assert outcome.status is Status.FAIL
    assert f"paper and live share a value: {names['paper']} in paper, {names['live']} in live" in outcome.summary


def test_shared_between_the_two_files(make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path) -> None:
    """Even a secret that this run does not use must not stand in both files; the environment hides neither."""
    (tmp_path / ".env.paper").write_text(f"UPBIT_ACCESS_KEY={THREE}\n", encoding="utf-8")
    (tmp_path / ".env.live").write_text(f"UPBIT_LIVE_KEY='{THREE}'\n", encoding="utf-8")
    outcome = run(make_context, make_settings(**SERVERS), environ={"UPBIT_ACCESS_KEY": "c0ffee5522aa"})
    assert (outcome.status, outcome.summary) == (
        Status.FAIL,
        "paper and live share a value: UPBIT_ACCESS_KEY in paper, UPBIT_LIVE_KEY in live",
    )


@pytest.mark.parametrize("env", ["paper", "dev"])
def test_files_are_compared_in_every_env(
    env: str, make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """Files that share nothing pass, plain settings with a telling name included."""
    same = "USE_TOKEN=true\nTOKEN_TTL=3600\nPREFLIGHT_LIVE__KILL_SWITCH_KEY=arbitrage:kill_switch\nSYMBOL=BTC\nKEY=\n"
    (tmp_path / ".env.paper").write_text(f"{same}UPBIT_KEY={ONE}1\n", encoding="utf-8")
    (tmp_path / ".env.live").write_text(f"{same}UPBIT_KEY={ONE}2\n", encoding="utf-8")
    outcome = run(make_context, make_settings(env=env, **SERVERS))
    assert (outcome.status, outcome.summary.endswith("(.env.paper and .env.live)")) == (Status.PASS, True)


def test_the_environment_of_the_run_counts(
    make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """A variable of a paper run that holds a live secret is a FAIL; one of a dev run is nobody's."""
    (tmp_path / ".env.live").write_text(f"UPBIT_KEY={THREE}\n", encoding="utf-8")
    environ = {"MY_TOKEN": THREE}
    assert run(make_context, make_settings(**SERVERS), environ=environ).status is Status.FAIL
    assert run(make_context, make_settings(env="dev", **SERVERS), environ=environ).status is Status.PASS


def test_secret_files_are_compared_by_content(
    make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """Two files with the same secret in them are shared; a path that is not on this machine is no secret."""
    (tmp_path / "a").write_text(f"{THREE}\n", encoding="utf-8")
    (tmp_path / "b").write_text(THREE, encoding="utf-8")
    away = "GRAFANA_PASSWORD_FILE=/run/secrets/not-on-this-machine\n"
    (tmp_path / ".env.paper").write_text(f"{away}UPBIT_SECRET_FILE=a\n", encoding="utf-8")
    (tmp_path / ".env.live").write_text(f"{away}UPBIT_SECRET_FILE=b\n", encoding="utf-8")
    outcome = run(make_context, make_settings(**SERVERS))
    assert (outcome.status, outcome.summary) == (
        Status.FAIL,
        "paper and live share a value: UPBIT_SECRET_FILE in paper, UPBIT_SECRET_FILE in live",
    )


def _unless(name: str) -> Callable[[Path], str]:
    def read(path: Path) -> str:
        if path.name == name:
            raise PermissionError(13, "Permission denied")
        return path.read_text(encoding="utf-8")

    return read


@pytest.mark.parametrize(
    ("given", "unreadable", "status"),
    [
        pytest.param({}, ".env.live", Status.WARN, id="paper cannot read live's"),
        pytest.param(LIVE, ".env.paper", Status.ERROR, id="live cannot read paper's"),
        pytest.param({"env": "dev"}, ".env.live", Status.WARN, id="dev"),
    ],
)
def test_not_compared(
    given: dict[str, Any], unreadable: str, status: Status, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """A file that cannot be read is good practice in paper and a doubt in live."""
    outcome = run(make_context, make_settings(**SERVERS, **given), read_text=_unless(unreadable))
    assert outcome.status is status
    assert outcome.summary == f"paper and live were not compared: {unreadable} cannot be read: Permission denied"


def test_unreadable_does_not_hide_a_failure(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """What is known to be wrong is a FAIL, whatever else could not be looked at."""
    outcome = run(make_context, make_settings(), read_text=_unless(".env.live"))
    assert outcome.status is Status.FAIL
    assert "Permission denied" in outcome.summary


@pytest.mark.parametrize(
    ("table", "field", "value", "says"),
    [
        ("upbit", "api_key", " u-91aa7f0c33", "PREFLIGHT_EXCHANGES__UPBIT__API_KEY begins with a space"),
        ("upbit", "secret", "u-5e0bb71d42\r", "PREFLIGHT_EXCHANGES__UPBIT__SECRET ends with a carriage return"),
        (
            "binance",
            "api_key",
            "b-91aa7f0c33\nb-91aa7f0c34",
            "PREFLIGHT_EXCHANGES__BINANCE__API_KEY holds a line break",
        ),
        ("binance", "password", "b-91aa7f0c33\u200b", "PREFLIGHT_EXCHANGES__BINANCE__PASSWORD ends with an invisible"),
        (
            "binance",
            "secret",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkq\n-----END ENCRYPTED PRIVATE KEY-----",
            "PREFLIGHT_EXCHANGES__BINANCE__SECRET is an encrypted private key",
        ),
    ],
)
def test_x9_a_key_that_was_copied_badly(
    *, table: str, field: str, value: str, says: str, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """A key whose form is wrong is a FAIL that names the key and what is wrong, and says to copy it again."""
    exchanges = {**KEYS, table: {**KEYS[table], field: value}}
    outcome = run(make_context, make_settings(**SERVERS, **{**LIVE, "exchanges": exchanges}))
    assert (outcome.status, says in outcome.summary) == (Status.FAIL, True), outcome
    assert outcome.hint.startswith("copy each key again")


def test_x9_a_token_that_was_copied_badly(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """The bot's token is a key too; a server's password is whatever its owner chose."""
    bad = {"telegram": {**TELEGRAM, "token": TELEGRAM["token"] + "\u200b"}}
    outcome = run(make_context, make_settings(**SERVERS, **{**LIVE, **bad}))
    assert outcome.status is Status.FAIL
    assert "PREFLIGHT_TELEGRAM__TOKEN ends with" in outcome.summary
    odd = {"redis": {**SERVERS["redis"], "password": f" {ONE} 암호"}}
    assert run(make_context, make_settings(**{**SERVERS, **odd}, **LIVE)).status is Status.PASS
