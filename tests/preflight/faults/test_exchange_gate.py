"""The exchanges' part of the fault matrix, on the whole gate in env live: reports, exit codes, metrics."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from acceptance.probes.exposition import parse
from acceptance.stack.choice.data_servers import open_servers
from acceptance.stack.run_preflight import as_environment
from acceptance.world.live import HOSTS, LiveWorld, open_live_world
from preflight.exchange.client import ALLOWED_PATHS
from preflight.record.catalogue import CHECK_STATUS, LAST_SUCCESS, READY_FOR_LIVE, STATUS_CODE
from tests import program_server
from tests.preflight.faults.exchange_rows import COMMON_ROWS, SPECIAL_ROWS, Row, on_this_machine
from tests.preflight.faults.exchange_world import World

pytestmark = pytest.mark.leg("system")

UNKNOWN = "upbitt"


def _groups() -> Iterator[tuple[Row, ...]]:
    """Put the rows together that one run shows: a fault that every check meets, on both exchanges; any other alone."""
    for fault in dict.fromkeys(row.fault for row in COMMON_ROWS):
        yield tuple(row for row in COMMON_ROWS if row.fault == fault)
    yield from ((row,) for row in SPECIAL_ROWS)


@pytest.fixture(scope="module")
def live_world(request: pytest.FixtureRequest) -> Iterator[LiveWorld]:
    """What a run in env live meets: on child processes, or on containers with `--stack compose`."""
    with (
        open_servers(request.config.getoption("--stack")) as servers,
        open_live_world(servers, start=program_server.start) as world,
    ):
        yield world


def _name(rows: tuple[Row, ...]) -> str:
    return rows[0].fault if len(rows) > 1 else rows[0].id


@pytest.mark.parametrize("rows", tuple(_groups()), ids=_name)
def test_fault(rows: tuple[Row, ...], live_world: LiveWorld) -> None:
    """Where nothing else is wrong, the gate sees the fault for its own reason and ends as the row says."""
    rows = tuple(on_this_machine(row) for row in rows)
    live_world.exchanges.seen.clear()
    live_world.proxy.asked.clear()
    live_world.telegram.state.reset()
    # A busy machine is no fault of an exchange: rows about slowness set their own limits.
    calm = {name: {"slow_after": 2.9} for name in ("upbit", "binance")}
    made = World(standin=live_world.exchanges, proxy=live_world.proxy, exchanges=calm)
    if any(row.check.endswith(UNKNOWN) for row in rows):
        made.exchanges[UNKNOWN] = {"symbols": ("BTC/KRW",), "api_key": "d41d8cd98f" * 4, "secret": "00b204e980" * 4}
    try:
        for row in rows:
            row.arrange(made)
        run = live_world.run(**_variables(made))
    finally:
        live_world.good_day()

    found = {check["id"]: check for check in run.report["checks"]}
    stated = {row.check: row.status for row in rows} | {
        name: seen for row in rows for name, seen in row.seen_by.items()
    }
    # A WARN of another check, as of a busy machine, changes neither exit code nor gauges.
    passed = {name for name, check in found.items() if check["status"] in {"pass", "warn"} and name not in stated}
    assert {name: check["status"] for name, check in found.items() if name not in passed} == stated
    assert [row.says for row in rows if row.says not in found[row.check]["summary"]] == []
    assert {run.exit_code} == {row.exit_code for row in rows}
    page = parse(run.prom, origin="the .prom file")
    for name, status in stated.items():
        assert page.value(CHECK_STATUS, env="live", check=name) == STATUS_CODE[status.value]
    go = float(run.exit_code == 0)
    assert (page.value(LAST_SUCCESS, env="live"), page.value(READY_FOR_LIVE, env="live")) == (go, go)
    _asked_what_may_be_asked(live_world)
    assert run.report["verdict"] == {0: "GO", 1: "NO_GO", 3: "UNVERIFIED"}[run.exit_code]


def _asked_what_may_be_asked(world: LiveWorld) -> None:
    """See that, whatever went wrong, nobody was asked for more than a reading, nor anybody else."""
    for seen in world.exchanges.seen:
        assert (seen.method, seen.path in ALLOWED_PATHS[seen.exchange]) == ("GET", True), seen
    assert set(world.proxy.asked) <= {*HOSTS, "api.telegram.org"}
    assert set(world.telegram.asked) <= {"getMe", "getChat", "getChatMember", "sendChatAction", "sendMessage"}


def _variables(made: World) -> dict[str, str]:
    """Turn what the rows arranged into variables; what they took away becomes an empty one, which counts as unset."""
    variables = dict(made.variables)
    if "https_proxy" in variables:
        variables.setdefault("REQUESTS_CA_BUNDLE", "")
    for name, each in made.exchanges.items():
        if "symbols" in each:
            made.exchanges[name] = {**each, "symbols": ",".join(each["symbols"]) or ","}
    for name, value in as_environment({**made.settings, "exchanges": made.exchanges}).items():
        variables[name] = "" if value == "None" else value
    variables["PREFLIGHT_TELEGRAM__DEADLINE"] = "0.5"
    return variables
