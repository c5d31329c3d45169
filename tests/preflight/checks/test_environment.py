from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.check import Context
from preflight.checks.environment import EnvironmentCheck
from preflight.model import Status

MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Any]


def test_pass(make_context: MakeContext) -> None:
    """With every needed key set and no secrets file, the environment is as it should be."""
    outcome = EnvironmentCheck().run(make_context())
    assert (outcome.status, "paper" in outcome.summary) == (Status.PASS, True)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"redis": {}}, "PREFLIGHT_REDIS__HOST"),
        ({"redis": {"host": ""}}, "PREFLIGHT_REDIS__HOST"),
        ({"postgres": {"user": "u", "database": "d"}}, "PREFLIGHT_POSTGRES__HOST"),
        ({"postgres": {"host": "h", "database": "d"}}, "PREFLIGHT_POSTGRES__USER"),
        ({"postgres": {"host": "h", "user": "u"}}, "PREFLIGHT_POSTGRES__DATABASE"),
        ({"textfile_dir": None}, "PREFLIGHT_TEXTFILE_DIR"),
        ({"required_keys": ("UPBIT_ACCESS_KEY",)}, "UPBIT_ACCESS_KEY"),
    ],
    ids=str,
)
def test_missing_key_is_a_fail(
    given: dict[str, Any], named: str, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """A needed key without a value is a FAIL that names it and says how to set it."""
    outcome = EnvironmentCheck().run(make_context(settings=make_settings(**given)))
    assert (outcome.status, outcome.summary) == (Status.FAIL, f"not set: {named}")
    assert f"set {named}" in outcome.hint


def test_every_missing_key_is_named(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """All missing keys stand in one message."""
    settings = make_settings(redis={}, postgres={}, textfile_dir=None, required_keys=("A", "B"))
    outcome = EnvironmentCheck().run(make_context(settings=settings))
    assert outcome.actual == "7 without"
    assert outcome.summary.endswith("PREFLIGHT_TEXTFILE_DIR, A, B")


def test_no_textfile_directory_is_needed_without_metrics(
    make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """With --no-metrics nobody needs a textfile directory."""
    context = make_context(settings=make_settings(textfile_dir=None), metrics=False)
    assert EnvironmentCheck().run(context).status is Status.PASS


@pytest.mark.parametrize(
    ("environ", "dotenv", "status"),
    [
        ({"KEY": "x"}, None, Status.PASS),
        ({}, "KEY=x\n", Status.PASS),
        ({"KEY": ""}, None, Status.FAIL),
        ({"KEY": ""}, "KEY=x\n", Status.FAIL),  # a variable set to nothing is what the bot would see
        ({}, "KEY=\n", Status.FAIL),
        ({}, "KEY\n", Status.FAIL),
        ({}, "OTHER=x\n", Status.FAIL),
        ({}, "KEY=$OTHER\n", Status.PASS),
    ],
    ids=str,
)
def test_the_bots_own_keys(
    *,
    environ: dict[str, str],
    dotenv: str | None,
    status: Status,
    make_context: MakeContext,
    make_settings: MakeSettings,
    tmp_path: Path,
) -> None:
    """A key that the bot needs has a value in the environment, or else in .env.<env>."""
    if dotenv is not None:
        (tmp_path / ".env.paper").write_text(dotenv, encoding="utf-8")
        (tmp_path / ".env.paper").chmod(0o600)
    context = make_context(settings=make_settings(required_keys=("KEY",)), environ=environ)
    assert EnvironmentCheck().run(context).status is status


@pytest.mark.parametrize(
    ("env", "mode", "status"),
    [
        ("live", 0o600, Status.PASS),
        ("live", 0o640, Status.FAIL),
        ("live", 0o604, Status.FAIL),
        ("live", 0o644, Status.FAIL),
        ("paper", 0o600, Status.PASS),
        ("paper", 0o644, Status.WARN),
    ],
)
def test_mode_of_the_secrets_file(
    *, env: str, mode: int, status: Status, make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """`.env.live` that others may read is a FAIL, elsewhere a WARN; the hint is the command that mends it."""
    file = tmp_path / f".env.{env}"
    file.write_text("", encoding="utf-8")
    file.chmod(mode)
    outcome = EnvironmentCheck().run(make_context(settings=make_settings(env=env)))
    assert outcome.status is status
    if status is not Status.PASS:
        assert outcome.hint == f"chmod 600 .env.{env}"
        assert (outcome.expected, outcome.actual) == ("0600", f"{mode:04o}")


def test_another_envs_file_is_not_looked_at(make_context: MakeContext, tmp_path: Path) -> None:
    """Only the file of the env that the run is for counts."""
    (tmp_path / ".env.live").write_text("", encoding="utf-8")
    (tmp_path / ".env.live").chmod(0o644)
    assert EnvironmentCheck().run(make_context()).status is Status.PASS
