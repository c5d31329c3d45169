"""G13 and G9: one URL for a server, where it comes from, and what is refused without a word of its value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from preflight.cli import main
from preflight.config.settings import Settings
from preflight.config.sources import load
from preflight.errors import UsageError

SECRET = "canary-5d0c9a"


def _load(place: Path, toml: str = "", **variables: str) -> Settings:
    (place / "preflight.toml").write_text(toml, encoding="utf-8")
    return load({"env": "paper"}, environ=variables, cwd=place)


def test_g13_a_redis_url_is_taken_apart(tmp_path: Path) -> None:
    """User, password, host, port, database and TLS of a URL are the settings that the checks use."""
    redis = _load(tmp_path, PREFLIGHT_REDIS__URL=f"rediss://bot:{SECRET}%40@cache.example.org:6380/3").redis
    assert (redis.username, redis.host, redis.port, redis.db, redis.tls) == ("bot", "cache.example.org", 6380, 3, True)
    assert redis.password is not None
    assert redis.password.get_secret_value() == f"{SECRET}@"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_g13_a_postgres_url_is_taken_apart(scheme: str, tmp_path: Path) -> None:
    """The same for Postgres, with what it says about TLS."""
    url = f"{scheme}://bot:{SECRET}@db.example.org:5433/trades?sslmode=verify-full&channel_binding=require"
    postgres = _load(tmp_path, PREFLIGHT_POSTGRES__URL=url).postgres
    assert (postgres.user, postgres.host, postgres.port) == ("bot", "db.example.org", 5433)
    assert (postgres.database, postgres.sslmode, postgres.channel_binding) == ("trades", "verify-full", "require")


def test_g13_a_url_may_lie_in_a_file_and_its_password_in_another(tmp_path: Path) -> None:
    """`url_file` is read like every secret; a URL without a password goes with a password file."""
    (tmp_path / "url").write_text("redis://cache.example.org\n")
    (tmp_path / "password").write_text(f"{SECRET}\n")
    settings = _load(
        tmp_path,
        PREFLIGHT_REDIS__URL_FILE=str(tmp_path / "url"),
        PREFLIGHT_REDIS__PASSWORD_FILE=str(tmp_path / "password"),
    )
    assert settings.redis.host == "cache.example.org"
    assert SECRET in settings.secret_values()


WRONG = {
    "http": ("redis", f"http://u:{SECRET}@h", "url is not a Redis URL"),
    "slash in the password": ("redis", f"redis://u:a/{SECRET}@h", "url is not a Redis URL"),
    "no host": ("redis", f"redis://:{SECRET}@/0", "url is not a Redis URL"),
    "database by name": ("redis", f"redis://:{SECRET}@h/{SECRET}", "url is not a Redis URL"),
    "unknown of redis": ("redis", f"redis://:{SECRET}@h/0?foo={SECRET}", "url has the parameter foo"),
    "check off": ("redis", f"rediss://:{SECRET}@h?ssl_cert_reqs=none", "switches the check of the certificate off"),
    "check of name off": ("redis", f"rediss://:{SECRET}@h?ssl_check_hostname=false", "parameter ssl_check_hostname"),
    "password without a colon": ("redis", f"redis://{SECRET}@h", "url has a user and no password"),
    "mysql": ("postgres", f"mysql://u:{SECRET}@h/d", "url is not a Postgres URL"),
    "slash": ("postgres", f"postgres://u:a/{SECRET}@h/d", "url is not a Postgres URL"),
    "socket by query": ("postgres", f"postgres://u:{SECRET}@/d", "url is not a Postgres URL"),
    "several": ("postgres", f"postgres://u:{SECRET}@h,i/d", "url names several hosts"),
    "options": ("postgres", f"postgres://u:{SECRET}@h/d?options=-csearch_path%3Dx", "url has the parameter options"),
    "unknown of postgres": ("postgres", f"postgres://u:{SECRET}@h/d?pgbouncer=true", "url has the parameter pgbouncer"),
}


@pytest.mark.parametrize("case", WRONG)
def test_g13_a_url_that_cannot_be_taken_is_exit_2(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence names the key and what is wrong; of the value, part of which may be the password, nothing."""
    table, url, says = WRONG[case]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"PREFLIGHT_{table.upper()}__URL", url)

    assert main(["--env", "paper"]) == 2

    said = capsys.readouterr().err
    assert says in said
    assert f"PREFLIGHT_{table.upper()}" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("table", "url", "key", "value"),
    [
        ("redis", "redis://h", "host", '"h"'),
        ("redis", "redis://h", "port", "6380"),
        ("redis", "redis://h", "tls", "true"),
        ("redis", "redis://h", "socket", '"/run/redis.sock"'),
        ("redis", f"redis://:{SECRET}@h", "password", '"another"'),
        ("postgres", "postgres://h", "host", '"h"'),
        ("postgres", "postgres://h", "database", '"d"'),
        ("postgres", "postgres://h", "sslmode", '"require"'),
    ],
)
def test_g13_a_url_beside_its_parts_is_exit_2(table: str, url: str, key: str, value: str, tmp_path: Path) -> None:
    """Which of the two would count is nobody's guess, in whatever layers they stand."""
    with pytest.raises(UsageError, match=rf"url and {key} are both set"):
        _load(tmp_path, f"[{table}]\n{key} = {value}\n", **{f"PREFLIGHT_{table.upper()}__URL": url})


PLATFORM = {
    "REDIS_URL": f"rediss://:{SECRET}1@r.example.org",
    "DATABASE_URL": f"postgres://u:{SECRET}2@p.example.org/d",
}


def test_g13_what_a_platform_sets_is_the_weakest(tmp_path: Path) -> None:
    """REDIS_URL and DATABASE_URL count where nothing else says where the server is, each for itself."""
    assert _load(tmp_path, **PLATFORM).redis.host == "r.example.org"
    settings = _load(tmp_path, '[redis]\nhost = "mine"\n', **PLATFORM)
    assert (settings.redis.host, settings.redis.tls, settings.postgres.host) == ("mine", False, "p.example.org")
    assert f"{SECRET}1" not in settings.secret_values()


def test_g13_the_bots_own_file_may_say_it(tmp_path: Path) -> None:
    """They are read from `.env.<env>` too; the environment is stronger, and an empty one is none."""
    (tmp_path / ".env.paper").write_text("REDIS_URL=redis://from-file\nDATABASE_URL=postgres://u@from-file/d\n")
    settings = _load(tmp_path, REDIS_URL="redis://from-variable", DATABASE_URL="")
    assert (settings.redis.host, settings.postgres.host) == ("from-variable", "from-file")


def test_g13_config_shows_where_each_part_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`preflight config` names the URL's variable beside each setting that it gave, and shows no secret."""
    monkeypatch.chdir(tmp_path)
    for name, url in PLATFORM.items():
        monkeypatch.setenv(name, url)

    assert main(["config", "--env", "paper", "--format", "json"]) == 0

    printed = capsys.readouterr().out
    shown: Mapping[str, Mapping[str, object]] = json.loads(printed)
    assert shown["redis.host"] == {"value": "r.example.org", "source": "variable REDIS_URL"}
    assert shown["redis.tls"] == {"value": True, "source": "variable REDIS_URL"}
    assert shown["redis.timeout"]["source"] == "default"
    assert shown["postgres.database"] == {"value": "d", "source": "variable DATABASE_URL"}
    assert SECRET not in printed


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (f"REDIS__HOST=redis://:{SECRET}@h", "use redis.url"),
        (f"REDIS__HOST=u:{SECRET}@h", "use redis.url"),
        ("REDIS__HOST=/run/redis.sock", "use redis.socket"),
        (f"POSTGRES__HOST=postgres://u:{SECRET}@h/d", "use postgres.url"),
        (f"POSTGRES__HOST={SECRET}@h", "use postgres.url"),
        (f"BOT__METRICS_URL=http://u:{SECRET}@127.0.0.1:9100/metrics", "without a login"),
        (f"TELEGRAM__URL=https://u:{SECRET}@example.org", "without a login"),
        (f"REDIS__SENTINELS=redis://:{SECRET}@h:26379", "use redis.url"),
    ],
)
def test_g9_a_login_where_none_is_meant_is_exit_2(
    given: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The key to use is named and the value is not repeated, by `config` as by a run."""
    key, _, value = given.partition("=")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"PREFLIGHT_{key}", value)
    for command in ("run", "config"):
        assert main([command, "--env", "paper"]) == 2
        said = capsys.readouterr()
        assert (says in said.err, f"PREFLIGHT_{key}" in said.err) == (True, True), said.err
        assert SECRET not in said.err + said.out


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ('[redis]\nhost = "h"\nsocket = "/s"\n', "host and socket are both set"),
        ('[redis]\nsentinels = ["h:1"]\n', "sentinels and master go together"),
        ('[redis]\nsentinels = ["h"]\nmaster = "m"\n', "sentinels are given as host:port"),
        ('[redis]\nsocket = "/s"\ntls = true\n', "a Unix socket has no TLS"),
        ('[postgres]\nhost = "h"\nsocket = "/s"\n', "host and socket are both set"),
        ('[redis]\nhost = "h"\nca_file = "CA"\n', "TLS is off"),
        ('[redis]\nhost = "h"\ntls = true\ncert_file = "CA"\n', "cert_file and key_file go together"),
        ('[postgres]\nhost = "h"\nca_file = "EMPTY"\n', "holds nothing in PEM form"),
    ],
)
def test_g13_ways_that_contradict_are_exit_2(toml: str, says: str, tmp_path: Path) -> None:
    """What cannot be meant together is refused rather than half obeyed."""
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----")
    (tmp_path / "empty.pem").write_text("")
    text = toml.replace('"CA"', json.dumps(str(tmp_path / "ca.pem")))
    with pytest.raises(UsageError, match=says):
        _load(tmp_path, text.replace('"EMPTY"', json.dumps(str(tmp_path / "empty.pem"))))


def test_g13_a_directory_is_postgres_socket(tmp_path: Path) -> None:
    """As libpq has it: a host that begins with a slash is the directory of the socket."""
    for key in ("host", "socket"):
        postgres = _load(tmp_path, f'[postgres]\n{key} = "/run/postgresql"\n').postgres
        assert (postgres.host, str(postgres.socket)) == ("/run/postgresql", "/run/postgresql")
