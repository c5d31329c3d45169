from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.check import Check, Context
from preflight.checks.api_key import ApiKeyCheck
from preflight.checks.clock import ClockCheck
from preflight.checks.exchange import ExchangeCheck
from preflight.config.settings import Settings
from preflight.exchange.client import ALLOWED_PATHS
from preflight.model import Mode, Outcome, Status
from tests.preflight.faults.exchange_rows import ROWS, Row, on_this_machine
from tests.preflight.faults.exchange_world import World

pytestmark = pytest.mark.leg("servers")

MakeSettings = Callable[..., Settings]

KINDS: dict[str, Callable[[str], Check]] = {"exchange": ExchangeCheck, "clock": ClockCheck, "api_key": ApiKeyCheck}


def check_of(check_id: str) -> Check:
    kind, _, exchange = check_id.rpartition("_")
    return KINDS[kind](exchange)


def run(check_id: str, world: World, settings: Settings, tmp_path: Path) -> Outcome:
    """Run one check as a worker does, and see that it asked nothing but what may be asked."""
    context = Context(settings=settings, mode=Mode.REAL, run_id="r", environ={}, cwd=tmp_path)
    outcome = check_of(check_id).run(context)
    for seen in world.standin.seen:
        assert seen.method == "GET"
        assert seen.path in ALLOWED_PATHS[seen.exchange]
    secrets = [value for value in settings.secret_values() if len(value) >= 8]
    assert [secret for secret in secrets if secret in repr((outcome, dict(outcome.summary.values)))] == []
    assert outcome.summary.template is not None  # it can be said in another language
    assert outcome.hint.template is not None or outcome.hint == ""
    return outcome


@pytest.mark.parametrize("check_id", [f"{kind}_{name}" for kind in KINDS for name in ("upbit", "binance")])
def test_good_day(check_id: str, world: World, make_settings: MakeSettings, tmp_path: Path) -> None:
    """Where nothing is wrong, each check passes in live; so every row below has one cause only."""
    settings = make_settings(env="live", exchanges=world.exchanges)
    outcome = run(check_id, world, settings, tmp_path)
    assert (outcome.status, outcome.hint) == (Status.PASS, "")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_fault(
    row: Row, world: World, make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each fault gives the status of its row, in words that name the cause and say what to do."""
    row = on_this_machine(row)
    row.arrange(world)
    for name, value in world.variables.items():
        monkeypatch.setenv(name, value)
    settings = make_settings(env="live", exchanges=world.exchanges, **world.settings)

    outcome = run(row.check, world, settings, tmp_path)

    assert (outcome.status, row.says in outcome.summary) == (row.status, True), outcome
    assert outcome.hint
    assert outcome.expected
    assert outcome.actual


def test_rows_are_different() -> None:
    """No two rows are the same, and every status but SKIP and PASS is in the table for every kind of check."""
    assert len({row.id for row in ROWS}) == len(ROWS)
    for kind in KINDS:
        found = {row.status for row in ROWS if row.check.startswith(kind)}
        assert found == {Status.FAIL, Status.ERROR, Status.WARN}
