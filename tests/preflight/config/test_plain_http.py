"""No secret travels where others can read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.cli import main
from preflight.config.plain_http import notes_of
from preflight.config.sources import load
from preflight.errors import UsageError

KEYS = {
    "exchanges.upbit": {"PREFLIGHT_EXCHANGES__UPBIT__API_KEY": "hunter2"},
    "exchanges.binance": {"PREFLIGHT_EXCHANGES__BINANCE__SECRET": "hunter2"},
    "telegram": {"PREFLIGHT_TELEGRAM__TOKEN": "1:hunter2"},
}
LOOPBACK, OTHER = "http://127.0.0.1:8081", "http://mirror.example"


def _variables(table: str, url: str, **more: str) -> dict[str, str]:
    prefix = f"PREFLIGHT_{table.upper().replace('.', '__')}__"
    return {**KEYS[table], f"{prefix}URL": url, **{f"{prefix}{key}": value for key, value in more.items()}}


@pytest.mark.parametrize("table", KEYS)
@pytest.mark.parametrize(
    ("env", "url", "meant", "taken"),
    [
        ("live", LOOPBACK, False, False),
        ("live", LOOPBACK, True, False),
        ("live", OTHER, True, False),
        ("live", "HTTP://mirror.example", True, False),
        ("live", "https://mirror.example", False, True),
        ("paper", LOOPBACK, False, False),
        ("paper", OTHER, False, False),
        ("paper", LOOPBACK, True, True),
        ("paper", "https://mirror.example", False, True),
        ("dev", LOOPBACK, False, True),
        ("test", "http://localhost:1", False, True),
        ("test", "http://[::1]:1", False, True),
        ("dev", OTHER, False, False),
        ("test", "http://127.0.0.1.example", False, False),
        ("test", OTHER, True, True),
    ],
)
def test_q2_where_a_secret_may_travel(
    *, table: str, env: str, url: str, meant: bool, taken: bool, tmp_path: Path
) -> None:
    """Over TLS; else to this machine in dev and test, or where an operator means it, never in live."""
    if url.startswith("HTTP:") and table != "telegram":
        url = url.replace("HTTP:", "http:")  # an exchange's address must be in lower case
    environ = _variables(table, url, **({"PLAIN_HTTP": "true"} if meant else {}))

    if taken:
        load({"env": env}, environ=environ, cwd=tmp_path)
        return
    with pytest.raises(UsageError) as refused:
        load({"env": env}, environ=environ, cwd=tmp_path)
    said = str(refused.value)
    assert said.startswith(f"variable PREFLIGHT_{table.upper().replace('.', '__')}__URL: {table}.url is not https")
    assert ("plain_http" in said) is (env != "live")
    assert "hunter2" not in said


def test_q2_without_a_secret_nothing_is_refused(tmp_path: Path) -> None:
    """Public questions may go to a mirror without TLS; what it says is never ready for live."""
    environ = {"PREFLIGHT_EXCHANGES__UPBIT__URL": OTHER}
    assert load({"env": "live"}, environ=environ, cwd=tmp_path).overridden


@pytest.mark.parametrize("command", [[], ["exec"], ["alerts", "flush"], ["config"]])
def test_q2_every_command_refuses(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever reads the settings ends with 2 and one sentence that names the key."""
    monkeypatch.chdir(tmp_path)
    for name, value in _variables("telegram", OTHER).items():
        monkeypatch.setenv(name, value)
    argv = [*command, "--env", "live", *(["--", "true"] if command == ["exec"] else [])]

    assert main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("preflight: variable PREFLIGHT_TELEGRAM__URL: telegram.url is not https")


@pytest.mark.parametrize(("url", "notes"), [(OTHER, 1), ("https://mirror.example", 0)])
def test_q2_what_is_allowed_is_told_in_each_run(url: str, notes: int, tmp_path: Path) -> None:
    """An operator who lets a secret travel in the clear hears of it each time."""
    settings = load({"env": "paper"}, environ=_variables("telegram", url, PLAIN_HTTP="true"), cwd=tmp_path)
    assert notes_of(settings) == ("telegram.plain_http is set: secrets travel in the clear",) * notes
