"""`preflight config` shows what a run would use, and where it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from preflight.cli import main

SECRET = "canary-4f1d-password"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without settings, as the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _shown(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, dict[str, object]]:
    assert main(["config", "--format", "json", *argv]) == 0
    document: dict[str, dict[str, object]] = json.loads(capsys.readouterr().out)
    return document


def test_each_value_names_its_source(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A flag, a variable, the env's file, the settings file and the default are told apart."""
    (empty_folder / "preflight.toml").write_text("min_free_mb = 7\n[redis]\nport = 1111\nhost = 'from-toml'\n")
    (empty_folder / ".env.paper").write_text("PREFLIGHT_REDIS__PORT=2222\n")
    monkeypatch.setenv("PREFLIGHT_POSTGRES__HOST", "from-variable")

    shown = _shown(capsys, "--env", "paper")

    assert {key: shown[key] for key in ("env", "postgres.host", "redis.port", "redis.host", "postgres.port")} == {
        "env": {"value": "paper", "source": "flag --env"},
        "postgres.host": {"value": "from-variable", "source": "variable PREFLIGHT_POSTGRES__HOST"},
        "redis.port": {"value": 2222, "source": ".env.paper PREFLIGHT_REDIS__PORT"},
        "redis.host": {"value": "from-toml", "source": "preflight.toml redis.host"},
        "postgres.port": {"value": 5432, "source": "default"},
    }


def test_a_secret_that_a_file_holds_names_the_key_of_the_file(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a password comes from is asked most often of all: it is no default."""
    (empty_folder / "secret").write_text(SECRET)
    (empty_folder / "preflight.toml").write_text("[redis]\npassword_file = 'secret'\n")
    monkeypatch.setenv("PREFLIGHT_POSTGRES__PASSWORD_FILE", "secret")

    shown = _shown(capsys, "--env", "paper")

    assert shown["redis.password"] == {"value": "[secret]", "source": "preflight.toml redis.password_file"}
    assert shown["postgres.password"]["source"] == "variable PREFLIGHT_POSTGRES__PASSWORD_FILE"
    assert shown["telegram.token"] == {"value": None, "source": "default"}


def test_the_flags_of_a_run_are_taken(empty_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a run would do with --timeout and --metrics-output can be looked at first."""
    shown = _shown(capsys, "--env", "paper", "--timeout", "7", "--metrics-output", str(empty_folder))

    assert shown["run_timeout"] == {"value": 7.0, "source": "flag --timeout"}
    assert shown["textfile_dir"] == {"value": str(empty_folder), "source": "flag --metrics-output"}


@pytest.mark.parametrize("form", ["console", "json"])
def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], form: str) -> None:
    """No form shows a secret's value, only that there is one."""
    monkeypatch.setenv("PREFLIGHT_REDIS__PASSWORD", SECRET)

    assert main(["config", "--env", "paper", "--format", form]) == 0

    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
    assert "[secret]" in said.out


def test_a_refused_configuration_exits_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It says the same sentence that a run would say."""
    monkeypatch.setenv("PREFLIGHT_NONSENSE", "1")

    assert main(["config", "--env", "paper"]) == 2
    assert "PREFLIGHT_NONSENSE: unknown key" in capsys.readouterr().err
