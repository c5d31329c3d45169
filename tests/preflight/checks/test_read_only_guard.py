from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.check import Context
from preflight.checks.read_only_guard import ReadOnlyGuardCheck
from preflight.model import Mode, Outcome, Status

MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Any]
URL = "http://127.0.0.1:9100/metrics"


def run(make_context: MakeContext, settings: Any, **given: Any) -> Outcome:
    outcome = ReadOnlyGuardCheck().run(make_context(settings=settings, **given))
    assert outcome.status is Status.PASS or outcome.hint
    return outcome


@pytest.mark.parametrize("env", ["paper", "dev", "test", "live"])
@pytest.mark.parametrize("place", ["setting", "variable", "file"])
@pytest.mark.parametrize("told", ["true", "false", "TRUE", "0", " On "])
def test_one_place(  # noqa: PLR0917 - a table
    env: str, place: str, told: str, make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """Outside live READ_ONLY must be true and in live false, wherever it stands."""
    value = told.strip().lower() in {"true", "on"}
    if place == "file":
        (tmp_path / f".env.{env}").write_text(f"READ_ONLY={told}\n", encoding="utf-8")
    outcome = run(
        make_context,
        make_settings(env=env, **({"bot": {"read_only": value}} if place == "setting" else {})),
        environ={"READ_ONLY": told} if place == "variable" else {},
    )
    assert outcome.status is (Status.PASS if value is (env != "live") else Status.FAIL)


@pytest.mark.parametrize("env", ["paper", "live"])
@pytest.mark.parametrize("environ", [{}, {"READ_ONLY": " "}])
def test_unset(env: str, environ: dict[str, str], make_context: MakeContext, make_settings: MakeSettings) -> None:
    """Nothing said is a FAIL in every env, with how to say it."""
    outcome = run(make_context, make_settings(env=env), environ=environ)
    assert (outcome.status, outcome.actual) == (Status.FAIL, "not set")
    wanted = "false" if env == "live" else "true"
    assert f"PREFLIGHT_BOT__READ_ONLY={wanted}" in outcome.hint
    assert f"READ_ONLY={wanted} in .env.{env}" in outcome.hint


@pytest.mark.parametrize("told", ["maybe", "2", "nope", "True!"])
def test_neither_true_nor_false(told: str, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """What is no boolean is a FAIL, even beside a clear setting."""
    outcome = run(make_context, make_settings(bot={"read_only": True}), environ={"READ_ONLY": told})
    assert (outcome.status, "neither true nor false" in outcome.summary) == (Status.FAIL, True)


@pytest.mark.parametrize("env", ["paper", "live"])
@pytest.mark.parametrize(("setting", "variable"), [(True, "false"), (False, "true"), (None, "true")])
def test_contradiction(  # noqa: PLR0917 - a table
    env: str,
    setting: bool | None,
    variable: str,
    make_context: MakeContext,
    make_settings: MakeSettings,
    tmp_path: Path,
) -> None:
    """Two places that say different things are a FAIL, whichever of them is right."""
    if setting is None:
        (tmp_path / f".env.{env}").write_text("READ_ONLY=false\n", encoding="utf-8")
    outcome = run(make_context, make_settings(env=env, bot={"read_only": setting}), environ={"READ_ONLY": variable})
    assert outcome.status is Status.FAIL
    assert "contradicts itself" in outcome.summary


def test_unreadable_file(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A `.env.paper` that cannot be read is an ERROR: it may say the contrary."""

    def forbidden(_: Path) -> str:
        raise PermissionError(13, "Permission denied")

    outcome = run(make_context, make_settings(bot={"read_only": True}), read_text=forbidden)
    assert (outcome.status, "Permission denied" in outcome.summary) == (Status.ERROR, True)


PAGE = "# HELP arbitrage_engine_read_only 1 while\n# TYPE arbitrage_engine_read_only gauge\narbitrage_engine_read_only "


@pytest.mark.parametrize(
    ("env", "page", "status"),
    [
        pytest.param("paper", PAGE + "1.0\n", Status.PASS, id="paper, read-only"),
        pytest.param("paper", PAGE + "0.0\n", Status.FAIL, id="paper, may trade"),
        pytest.param("live", PAGE + "0.0\n", Status.PASS, id="live, may trade"),
        pytest.param("live", PAGE + "1\n", Status.FAIL, id="live, read-only"),
        pytest.param("paper", PAGE + '1\narbitrage_engine_read_only{bot="b"} 0\n', Status.FAIL, id="one of two may"),
        pytest.param("paper", PAGE + "NaN\n", Status.ERROR, id="NaN"),
        pytest.param("paper", PAGE + "maybe\n", Status.ERROR, id="no number"),
        pytest.param("paper", PAGE + "2\n", Status.ERROR, id="neither"),
        pytest.param("paper", "arbitrage_engine_read_only_total 1\n", Status.ERROR, id="another metric"),
        pytest.param("paper", "", Status.ERROR, id="an empty page"),
    ],
)
def test_engine_is_asked(
    env: str, page: str, status: Status, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """What the running engine says of itself must be what was declared; no clear answer is an ERROR."""
    asked: list[str] = []

    def fetch(url: str, timeout: float) -> str:
        asked.append(url)
        assert 0 < timeout <= 3
        return page

    settings = make_settings(env=env, bot={"read_only": env == "paper", "metrics_url": URL})
    outcome = run(make_context, settings, fetch_text=fetch)
    assert (outcome.status, asked) == (status, [URL])


def test_engine_does_not_answer(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """An engine that cannot be reached is an ERROR, not a PASS by declaration."""

    def fetch(*_: Any) -> str:
        raise ConnectionRefusedError(111, "Connection refused")

    outcome = run(make_context, make_settings(bot={"read_only": True, "metrics_url": URL}), fetch_text=fetch)
    assert (outcome.status, URL in outcome.summary) == (Status.ERROR, True)


def _never(*_: Any) -> str:
    raise AssertionError("the engine was asked")


def test_dry_run_does_not_ask(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A dry run judges the declaration and leaves the network alone."""
    settings = make_settings(bot={"read_only": True, "metrics_url": URL})
    outcome = run(make_context, settings, mode=Mode.DRY_RUN, fetch_text=_never)
    assert (outcome.status, "a dry run" in outcome.summary) == (Status.PASS, True)


def test_wrong_declaration_is_not_saved_by_the_engine(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A wrong declaration is a FAIL before anybody is asked."""
    settings = make_settings(bot={"read_only": False, "metrics_url": URL})
    assert run(make_context, settings, fetch_text=_never).status is Status.FAIL
