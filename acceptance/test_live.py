"""Env live, whole: every check against what stands in for the world, at the exchanges' and Telegram's own URLs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from acceptance.world.live import HOSTS, LiveWorld
from preflight.exchange.client import ALLOWED_PATHS

pytestmark = pytest.mark.own_stack


def test_ready_for_live_and_then_not(live_world: LiveWorld) -> None:
    """Where every check passes at the real URLs, ready_for_live is 1; in Binance's maintenance it is 0 again."""
    good = live_world.run()
    assert {check["id"]: check["status"] for check in good.report["checks"] if check["status"] != "pass"} == {}
    assert live_world.ready(good) == (0, True, 1.0)

    live_world.exchanges.binance.maintenance = True
    try:
        bad = live_world.run()
    finally:
        live_world.good_day()
    assert live_world.ready(bad) == (1, False, 0.0)
    assert bad.report["reasons"] == ["exchange_binance: Binance is in maintenance"]

    assert live_world.ready(live_world.run()) == (0, True, 1.0)


def test_own_urls_and_readings_only(live_world: LiveWorld) -> None:
    """Exchanges and Telegram were reached under their own host names, by what the allow-list has and nothing else."""
    live_world.exchanges.seen.clear()
    live_world.proxy.asked.clear()
    live_world.telegram.state.reset()
    live_world.run()
    assert set(live_world.proxy.asked) == {*HOSTS, "api.telegram.org"}
    assert {(HOSTS[seen.host], seen.method) for seen in live_world.exchanges.seen} == {
        ("upbit", "GET"),
        ("binance", "GET"),
    }
    paths = {(seen.exchange, seen.path) for seen in live_world.exchanges.seen}
    assert paths == {(exchange, path) for exchange, allowed in ALLOWED_PATHS.items() for path in allowed}
    # Nothing is said in the chat by a check, and of a GO nobody is told there.
    assert set(live_world.telegram.asked) == {"getMe", "getChat", "getChatMember", "sendChatAction"}


def test_exec_becomes_the_command_on_go_and_only_then(live_world: LiveWorld, tmp_path: Path) -> None:
    """`preflight exec` with the real gate: on GO the command runs, with this run's id; on NO_GO it never starts."""
    report = tmp_path / "report.json"
    script = "import os, sys; print('started', os.environ['ARBITRAGE_PREFLIGHT_RUN_ID'], sys.argv[1:]); sys.exit(42)"
    argv = ("exec", "--env", "live", "--output", str(report), "--", sys.executable, "-c", script, "--symbol", "BTC/KRW")

    go = live_world.preflight(*argv, env=live_world.variables)
    assert (go.report["verdict"], go.exit_code) == ("GO", 42), go.stderr
    assert go.stdout.splitlines()[-1] == f"started {go.report['run_id']} ['--symbol', 'BTC/KRW']"

    live_world.exchanges.binance.maintenance = True
    try:
        no_go = live_world.preflight(*argv, env=live_world.variables)
    finally:
        live_world.good_day()
    assert (no_go.report["verdict"], no_go.exit_code) == ("NO_GO", 1)
    assert no_go.report["run_id"] != go.report["run_id"]
    assert "started" not in no_go.stdout.split()


@pytest.mark.parametrize(
    ("which", "url"),
    [
        ("EXCHANGES__UPBIT__URL", "https://api.upbit.com"),
        ("EXCHANGES__BINANCE__URL", "https://api.binance.com"),
        ("TELEGRAM__URL", "https://api.telegram.org/"),
    ],
)
def test_an_overridden_endpoint_is_never_ready(which: str, url: str, live_world: LiveWorld) -> None:
    """The same good day gives GO, but not ready_for_live, as soon as one endpoint is given by somebody."""
    run = live_world.run(**{f"PREFLIGHT_{which}": url})
    assert run.report["verdict"] == "GO"
    assert live_world.ready(run) == (0, False, 0.0)


@pytest.mark.parametrize(
    ("which", "value", "key"),
    [
        ("LIVE__KILL_SWITCH_KEY", "elsewhere", "live.kill_switch_key"),
        ("POSITIONS__OPEN_VALUES", "never", "positions.open_values"),
        ("POSITIONS__POLICY", "warn", "positions.policy"),
    ],
)
def test_q4_what_weakens_a_check_is_never_ready(which: str, value: str, key: str, live_world: LiveWorld) -> None:
    """The attack, whole: a variable weakens a check on a good day. GO, but never ready, and the report says why."""
    run = live_world.run(**{f"PREFLIGHT_{which}": value})
    assert live_world.ready(run) == (0, False, 0.0)
    assert [note for note in run.report["notes"] if note.startswith(key)]


def test_nobody_who_is_not_the_exchange_is_believed(live_world: LiveWorld) -> None:
    """Without the test CA the same answers count for nothing: the certificate is somebody else's."""
    run = live_world.run(REQUESTS_CA_BUNDLE="", PREFLIGHT_TELEGRAM__DEADLINE="0.5")
    status = {check["id"]: check["status"] for check in run.report["checks"]}
    assert (status["exchange_upbit"], status["exchange_binance"]) == ("fail", "fail")
    assert {status[f"{kind}_{name}"] for kind in ("clock", "api_key") for name in HOSTS.values()} == {"error"}
    assert live_world.ready(run) == (1, False, 0.0)
